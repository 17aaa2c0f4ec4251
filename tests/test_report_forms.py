"""Secrets that nothing beside them says to be any: they are told by their form."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

import pytest
from pages import Page, everything
from test_report_claims import ALL, BASE, capture, mapping

import msl_construct
from msl_construct.report import Redaction, html_page, report_of
from msl_construct.report.secret_forms import secrets_by_form
from msl_construct.report.word_search import WordSearch

RNG = random.Random(16)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HEX = "0123456789abcdef"


def chosen(count: int, among: str = LETTERS + "0123456789", rng: random.Random = RNG) -> str:
    return "".join(rng.choices(among, k=count))


def web_token() -> str:
    parts = (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1234567890"}', RNG.randbytes(32))
    return ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts)


TOKENS = [
    web_token(),
    "AKIA" + chosen(16, LETTERS[:26] + "234567"),
    base64.b64encode(bytes(range(200, 80, -4))).decode(),  # as AWS writes what belongs to it
    "ghp_" + chosen(36),
    "github_pat_" + chosen(22) + "_" + chosen(59),
    "glpat-" + chosen(20),
    "xoxb-" + "-".join((chosen(12, HEX[:10]), chosen(12, HEX[:10]), chosen(24))),
    "AIza" + chosen(35),
    "ya29." + chosen(60),
    "GOCSPX-" + chosen(28),
    "sk_live_" + chosen(24),
    "npm_" + chosen(36),
    "dapi" + chosen(32, HEX),
    "hvs." + chosen(24),
    "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9",  # of an issuer whom nobody knows
    base64.urlsafe_b64encode(bytes(range(150, 247, 3))).decode(),
    "5f" * 3 + "0123456789abcdef" * 2 + "0000aa",  # 44 digits: no hash has as many
]
NAMES = [
    "/usr/lib/x86_64-linux-gnu/libQt5WebEngineCore.so.5.15.2",
    "/usr/lib/python3.11/lib-dynload/_asyncio.cpython-311-x86_64-linux-gnu.so",
    "/opt/java/TheVeryLongNameOfAClass2WithManyWordsInIt1.class",
    "/data/app/~~RJd7oXLJp4gZQ2cP8m1vFg==/com.android.chrome-Pm2PJeUAwCEZeyGLQI-iNg==/base.apk",
    "/usr/lib/debug/.build-id/ab/cdef0123456789abcdef0123456789abcdef01.debug",
    "/home/me/.npm/_cacache/content-v2/sha512/ab/cd/" + "0123456789abcdef" * 7 + "0123456789ab",
    "/var/lib/docker/overlay2/" + "0123456789abcdef" * 4 + "/merged",
    "/nix/store/9gm3rgpkj5zsm4zzh1ssm1hf1z2zmzgr-glibc-2.38/lib/libc.so.6",
    "C:\\sym\\ntdll.pdb\\180BF1B90AA75697D0EFEA5E5630AC4B1\\ntdll.pdb",
    "C:\\Windows\\WinSxS\\amd64_microsoft.windows.common-controls_6595b64144ccf1df_6.0.19041.1110_x",
    "/run/user/1000/app-8f14e45f-ceea-467f-a8d6-1f0e3dad9990.scope",
    "SHA256:3uoRV1Vh8h6cLGdE0hY5Tg6Xb1Zr5oQyBk2M7pWqLsA",
    "ed8a9d2c4f5b6a7988c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2",  # a number, alone: of a table
    "handle-of-a-thing--with-many-parts-in-its-name",
    "_ZN4core3ptr85drop_in_place",
]


@pytest.mark.parametrize("token", TOKENS)
def test_what_has_the_form_of_a_secret(token: str) -> None:
    for text in (
        f"/srv/hooks/{token}/run.so",
        f"https://x.example/api/{token}?page=2",
        f"the pipe '{token}' is closed",
        f"C:\\{token}\\a.dll",
    ):
        if token[0] in HEX and "'" in text and set(token) <= set(HEX):
            continue
        found = list(secrets_by_form(text))
        assert [one for one in found if token.rstrip("=") in one], text
        assert not [one for one in found if one not in text or len(one) > len(token)]


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_in_paths_everywhere(name: str) -> None:
    assert list(secrets_by_form(name)) == []


@pytest.mark.parametrize("size", [24, 32, 48, 64])
def test_most_of_what_chance_chose_is_found(size: int) -> None:
    """Nine of ten of the shortest, and nearly all longer ones."""
    rng = random.Random(size)
    tokens = (chosen(size, rng=rng) for _ in range(400))
    found = sum(list(secrets_by_form(f"/opt/{one}/x")) == [one] for one in tokens)
    assert found >= {24: 350, 32: 370, 48: 385, 64: 390}[size]


def test_a_token_in_a_path_is_not_on_the_page() -> None:
    """Nor in the bytes of the blocks, nor in hex; unless all that is redacted is asked for."""
    token = TOKENS[3]
    raw = capture(*ALL, mappings=[mapping(BASE, 2, f"/srv/{token}/plain.so")])
    for show in ((), ("command-line",), ("environment", "command-line")):
        redaction = Redaction(show)
        with msl_construct.open(raw) as dump:
            found = report_of(dump, redaction=redaction)
        page = everything(Page(html_page([found], redaction=redaction)))
        assert (token in page) == (len(show) == 2)
        assert token.encode().hex() not in page
        assert f"/srv/{token if show[1:] else '(redacted)'}/plain.so" in page


def test_so_is_one_in_the_names_that_the_report_of_an_acquisition_has() -> None:
    token = TOKENS[5]
    redaction = Redaction()
    with msl_construct.open(capture(*ALL)) as dump:
        told = {
            "dump": {"dump_uuid": str(dump.header.record["dump_uuid"]), "file_hash": None},
            "status": "complete",
            "detail": f"/run/{token}.sock went away",
            "target": {
                "parents": [{"pid": 7, "name": token}],
                "connections": [{"protocol": "unix", "local": f"/run/{token}.sock"}],
            },
        }
        found = report_of(dump, redaction=redaction, acquisition=told, acquisition_file="r.json")
    page = everything(Page(html_page([found], redaction=redaction)))
    assert token not in page
    assert "/run/(redacted).sock" in page


REPEATED = ["eyJ-", "eyJaaaaaaaa.", "SG.", "aB1", "aB1/", "sha256-", "://a:", "{'key': '"]


@pytest.mark.parametrize("unit", REPEATED)
def test_a_text_that_repeats_itself_is_looked_at_once(unit: str) -> None:
    """In time that grew with the square of its length, that would be noticed."""
    text = unit * (50_000 // len(unit))
    assert len(list(secrets_by_form(text))) <= len(text)


@pytest.mark.parametrize("kind", [str, bytes])
def test_a_word_of_a_million_characters_that_repeats_itself(kind: type) -> None:
    compared = 0
    as_kind: Callable[[str], str | bytes] = str if kind is str else str.encode
    word = "ab-" * 300_000 + "end"
    text = as_kind("x" + word[:-3] + "ab" + word)

    class Counted(kind):  # type: ignore[misc]
        def startswith(self, words: str | bytes, start: int) -> bool:
            nonlocal compared
            compared += len(words)
            return bool(super().startswith(words, start))

    search: WordSearch[str | bytes] = WordSearch([as_kind(word)])
    assert list(search.spans(Counted(text))) == [(1, len(word) - 2), (len(word), len(text))]
    assert compared < 16 * len(text)
