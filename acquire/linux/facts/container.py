"""Which container a process is in, from its control groups and mounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..proc_text import read_lines

__all__ = ["container", "containers", "recognise"]

_ID = r"(?P<id>[0-9a-f]{64})"
_RUNTIMES = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("docker", rf"(?:^|/)docker[-/]{_ID}(?:\.scope)?(?:/|$)"),
        ("docker", rf"/docker/containers/{_ID}/"),
        ("containerd", rf"cri-containerd[-:]{_ID}(?:\.scope)?"),
        ("containerd", rf"/io\.containerd\.[^/ ]+/[^/ ]+/{_ID}/"),
        ("containerd", rf"/io\.containerd\.grpc\.v1\.cri/(?:sandboxes|containers)/{_ID}/"),
        ("podman", rf"libpod(?:-payload)?-{_ID}(?:\.scope)?"),
        ("podman", rf"/overlay-containers/{_ID}/"),
        ("cri-o", rf"crio-{_ID}(?:\.scope)?"),
        ("systemd-nspawn", r"/machine\.slice/(?:systemd-nspawn@|machine-)(?P<id>.+?)\.s"),
        ("lxc", r"/lxc(?:\.payload\.|/)(?P<id>[^/ ]+)"),
        ("", rf"(?:^|/)(?:[^/ ]*-)?{_ID}(?:\.scope)?(?:/|$)"),
    )
)
"""Runtime and what gives it away, the more telling first. Of the last, only the number is sure."""

_POD = re.compile(
    r"(?:pod|/pods/)([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})"
)
_SPOKEN_MOUNTS = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev/termination-log", "/")


def container(path: str) -> dict[str, Any]:
    """Runtime, container and pod, the lines that say so, and the control groups as they stand.

    Raises:
        OSError: as the system says it.
    """
    groups = read_lines(f"{path}/cgroup")
    try:
        mounts = read_lines(f"{path}/mountinfo")
    except OSError:
        mounts = []
    return {**recognise(groups, mounts), "cgroups": groups}


def recognise(groups: list[str], mounts: list[str]) -> dict[str, Any]:
    """What the lines of ``cgroup`` and ``mountinfo`` tell; empty strings where they don't.

    The mounts help where the acquirer is itself in a control group namespace, so that it
    sees no path above its own.
    """
    told = [(line, line.split(":", 2)[-1]) for line in groups]
    for line in mounts:
        fields = line.split(" ")
        if len(fields) > 4 and fields[4] in _SPOKEN_MOUNTS:
            told.append((line, fields[3] + " " + line.partition(" - ")[2]))
    runtime = identifier = pod = ""
    evidence: list[str] = []
    for line, said in told:
        found = _POD.search(said)
        if found and not pod:
            pod = found[1].replace("_", "-")
            evidence.append(line)
    for name, pattern in _RUNTIMES:
        for line, said in told:
            match = pattern.search(said)
            if match and not identifier:
                runtime, identifier = name, match["id"]
                if line not in evidence:
                    evidence.append(line)
    return {
        "runtime": runtime,
        "container_id": identifier,
        "pod_uid": pod,
        "orchestrator": "kubernetes" if pod else "",
        "evidence": evidence,
    }


def containers(groups: list[str], mounts: list[str]) -> set[str]:
    """The numbers (or names) of all containers that a process is in: one may run another."""
    found = {
        match["id"]
        for line in groups
        for _, pattern in _RUNTIMES
        for match in _overlapping(pattern, line.split(":", 2)[-1])
    }
    inside = recognise(groups, mounts)["container_id"]
    return found | {inside} - {""}


def _overlapping(pattern: re.Pattern[str], path: str) -> Iterator[re.Match[str]]:
    """All matches; what ends one may begin the next."""
    start = 0
    while match := pattern.search(path, start):
        yield match
        start = match.end("id")
