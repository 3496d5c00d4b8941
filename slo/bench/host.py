"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """The machine and the time (UTC) of a measurement."""

    cores: int
    memory_bytes: int
    cpu: str
    kernel: str
    python: str
    taken: str


def this_machine() -> Machine:
    """Of the process that asks; ``cores`` are those it may use."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=psutil.virtual_memory().total,
        cpu=cpu_model(CPU_INFO.read_text(encoding="utf-8")) if CPU_INFO.exists() else "unknown",
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        taken=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )


def cpu_model(cpu_info: str) -> str:
    """The first processor's name, from the text of ``/proc/cpuinfo``."""
    for line in cpu_info.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return "unknown"
