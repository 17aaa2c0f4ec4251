"""The states of a TCP connection as Linux numbers them, which is how dumps hold them."""

from __future__ import annotations

__all__ = ["TCP_STATES"]

TCP_STATES = (
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
    "new_syn_recv",
)
"""By number; the first is 1."""
