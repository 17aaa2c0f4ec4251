"""Valid samples of modules (§5.2, §5.3)."""

from __future__ import annotations

from typing import Any

from .base_plans import minimal
from .payloads import module, module_list
from .plan import Form, Plan, before, uuid_of
from .valid import valid

_STEP = 0x10_0000


def _with_module(form: Form, **values: Any) -> Plan:
    plan = minimal(form)
    entry = module(0, **values)
    shared = {key: entry[key] for key in ("base_addr", "module_size", "path")}
    plan.values("index", entries=[{**module_list("module")["entries"][0], **shared}])
    plan.fields("index", flags=["has_children"])
    plan.put("module", "module_entry", entry, parent_uuid=plan.uuid("index"))
    return plan


@valid("zero-diskhash")
def module_without_hash(form: Form) -> Plan:
    """A DiskHash of zeros: not available, which is not a hash that differs."""
    return _with_module(form, disk_hash=bytes(32).hex())


@valid("noversion")
def module_without_version(form: Form) -> Plan:
    """VersionLen is 0: no version is known."""
    return _with_module(form, version=None)


@valid("noblob")
def module_without_blob(form: Form) -> Plan:
    """BlobLen is 0: the operating system's own record is not there."""
    return _with_module(form, native_blob="")


for _length in (1, 7, 8, 9):

    @valid(
        "padding",
        name=f"module-blob-{_length}",
        shows=f"A NativeBlob of {_length} bytes, its NUL counted, before padding.",
    )
    def blob_of(form: Form, length: int = _length) -> Plan:
        return _with_module(form, native_blob=(b"m" * (length - 1) + b"\0").hex())


@valid("utf8")
def module_non_ascii(form: Form) -> Plan:
    """A module whose path is not ASCII."""
    return _with_module(form, path="/opt/\u0431\u0438\u0431/lib\u00e9.so")


@valid("worked-example")
def worked_example(form: Form) -> Plan:
    """The module of the specification's §11: ntdll.dll, whose block has 576 bytes."""
    plan = _with_module(
        form,
        base_addr="0x7ffdd4d00000",
        module_size=0x20_0000,
        path="C:\\Windows\\System32\\ntdll.dll",
        version="10.0.22621.1",
        native_blob=bytes(i % 251 for i in range(384)).hex(),
    )
    plan.header["os_type"] = "windows"
    return plan


@valid("modules")
def modules_unordered(form: Form) -> Plan:
    """Module Entries in another order than the list has them."""
    return _many(form, 5, reverse=True)


@valid("modules", "many", forms=before("draft-2026-10", "little"))
def modules_10000(form: Form) -> Plan:
    """10,000 modules."""
    return _many(form, 10_000)


def _many(form: Form, count: int, *, reverse: bool = False) -> Plan:
    plan = minimal(form)
    plan.fields("index", flags=["has_children"])
    rows: list[dict[str, Any]] = [
        {
            "module_uuid": uuid_of(f"module {number}"),
            "base_addr": hex(0x7F00_0000_0000 + number * _STEP),
            "module_size": 0x1000 + number,
            "path": f"/l/{number}",
        }
        for number in range(count)
    ]
    plan.values("index", entries=rows)
    for number, row in reversed([*enumerate(rows)]) if reverse else enumerate(rows):
        values = {key: value for key, value in row.items() if key != "module_uuid"}
        plan.put(f"module {number}", "module_entry", values, parent_uuid=plan.uuid("index"))
    return plan
