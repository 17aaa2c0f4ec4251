"""Valid samples of strings (§1.3): absent, empty, of every length around the padding."""

from __future__ import annotations

from .base_plans import minimal
from .payloads import identity
from .plan import Form, Plan
from .valid import valid


@valid("absent-strings")
def strings_absent(form: Form) -> Plan:
    """Length 0: ExePath and CmdLine are not there, and no byte is stored."""
    plan = minimal(form)
    plan.block("identity").payload = identity(exe_path=None, cmd_line=None)
    return plan


@valid("empty-strings")
def strings_empty(form: Form) -> Plan:
    """Length 1: ExePath and CmdLine are there and empty, a NUL and seven bytes of padding."""
    plan = minimal(form)
    plan.block("identity").payload = identity(exe_path="", cmd_line="")
    return plan


for _length in (1, 6, 7, 8, 9, 15, 16):

    @valid(
        "padding",
        name=f"string-{_length:02}",
        shows=f"Strings of {_length} bytes, and so {_length + 1} with the NUL, before padding.",
    )
    def string_of(form: Form, length: int = _length) -> Plan:
        plan = minimal(form)
        plan.block("identity").payload = identity(exe_path="x" * length, cmd_line="y" * length)
        return plan


@valid("long-strings")
def string_path_max(form: Form) -> Plan:
    """A path of 4,095 bytes, the longest that Linux takes."""
    plan = minimal(form)
    plan.block("identity").payload = identity(exe_path="/" + "d/" * 2046 + "xy")
    return plan


@valid("utf8")
def strings_utf_8(form: Form) -> Plan:
    """Paths with letters of two, three and four bytes, a combining one, and a right-to-left one."""
    plan = minimal(form)
    path = "/opt/gr\u00fcn/\u65e5\u672c/\U0001f600/e\u0301/\u05d0"
    plan.block("identity").payload = identity(exe_path=path, cmd_line="caf\u00e9 \u2014 \u00df")
    return plan


@valid("utf8")
def strings_odd(form: Form) -> Plan:
    """What text formats stumble over: quotes, a line break, a tab, a colon, a byte order mark."""
    plan = minimal(form)
    line = "say \"hi\" 'there'\n\tno: yes # not a comment\\ \x7f\x1b[31m"
    plan.block("identity").payload = identity(exe_path="\ufeff/x", cmd_line=line)
    return plan


@valid("utf8")
def strings_like_numbers(form: Form) -> Plan:
    """Strings that a careless writer of YAML turns into something else."""
    plan = minimal(form)
    plan.block("identity").payload = identity(exe_path="12:30:45", cmd_line="no")
    return plan
