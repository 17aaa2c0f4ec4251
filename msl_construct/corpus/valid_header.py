"""Valid samples of the file header (§3): every code of every field, flags, hash algorithms."""

from __future__ import annotations

from .base_plans import encrypted, live, minimal
from .plan import Form, Plan, since
from .valid import valid


def _registered(registry: str, form: Form) -> list[str]:
    """Names of the codes that a producer may write."""
    return [v.name for v in form.schema.enumerations[registry].values if not v.reserved]


def _codes(number: int) -> None:
    @valid(
        "header-codes",
        forms=lambda form: any(
            number < len(_registered(registry, form)) for registry in _REGISTRIES.values()
        ),
        name=f"header-codes-{number:02}",
        shows="OSType, ArchType and ClockSource each hold a registered code; the samples of this "
        "name together hold all of them.",
    )
    def header_codes(form: Form) -> Plan:
        plan = minimal(form)
        for field, registry in _REGISTRIES.items():
            names = _registered(registry, form)
            plan.header[field] = names[number % len(names)]
        return plan


_REGISTRIES = {"os_type": "OSType", "arch_type": "ArchType", "clock_source": "ClockSource"}

_MOST = 64
"""More codes than a registry of the header has."""

for _number in range(_MOST):
    _codes(_number)


@valid("vendor")
def header_vendor_codes(form: Form) -> Plan:
    """OSType and ArchType hold codes of the vendors' range."""
    plan = minimal(form)
    plan.header.update(os_type="0x0100", arch_type="0xfffe")
    return plan


@valid("numbers")
def header_numbers(form: Form) -> Plan:
    """PID and Timestamp have no two equal bytes, and their highest bits are set."""
    plan = minimal(form)
    plan.header.update(pid=0xF1E2_D3C4, timestamp=str(0x99AA_BBCC_DDEE_F011))
    plan.values("identity", start_time="0")
    plan.values("end", acq_end=str(0x99AA_BBCC_DDEE_F012))
    return plan


@valid("redacted", forms=since("draft-2026-10"))
def header_redacted(form: Form) -> Plan:
    """The flag Redacted."""
    plan = minimal(form)
    plan.header["flags"] = ["redacted"]
    return plan


@valid("blockcount", forms=since("draft-2026-10"))
def header_count_unknown(form: Form) -> Plan:
    """BlockCount of the header is 0: unknown, as for whoever streams to a pipe."""
    plan = minimal(form)
    plan.header["block_count"] = 0
    return plan


@valid("encrypted", "hdr128", forms=since("draft-2026-10"), exit=5)
def encrypted_sized(form: Form) -> Plan:
    """An encrypted capture whose CipherLen says where its tag stands; the key is 00 to 1f."""
    plan = encrypted(form)
    plan.sized = True
    return plan


for _algorithm in ("sha_256", "sha_512_256"):
    _code = "sha256" if _algorithm == "sha_256" else "sha512"

    @valid(
        f"hash-{_code}",
        forms=since("draft-2026-10"),
        name=f"hash-{_code}",
        shows=f"HashAlgo is {_algorithm}: PrevHash and FileHash are made with it.",
    )
    def hashed(form: Form, algorithm: str = _algorithm) -> Plan:
        plan = live(form)
        plan.hash_algo = algorithm
        return plan
