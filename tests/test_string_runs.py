"""Strings by numpy and by expressions are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msl_construct.analysis import string_runs as module
from msl_construct.analysis.string_runs import string_runs

pytest.importorskip("numpy")


@given(
    st.lists(st.sampled_from([b"a", b"b\0", b"\0", b"\xff", b"~\t", b"c\0d\0"]), max_size=40),
    st.integers(1, 9),
    st.sampled_from(["ascii", "utf-16-le", "utf-16-be"]),
    st.integers(0, 9),
)
def test_both_ways_find_the_same(parts: list[bytes], least: int, encoding: str, first: int) -> None:
    data = b"".join(parts)
    by_numpy = list(string_runs(data, least, encoding, first))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_numpy", lambda: None)
        assert list(string_runs(data, least, encoding, first)) == by_numpy
