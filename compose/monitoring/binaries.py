"""The programs that come from Debian (or a release page) and not from PyPI: used where they are on PATH."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

PROMETHEUS = "prometheus"
ALERTMANAGER = "alertmanager"
REDIS_EXPORTER = "redis-exporter"
POSTGRES_EXPORTER = "postgres-exporter"

# Upstream's name first, then Debian's.
NAMES: Mapping[str, tuple[str, ...]] = {
    PROMETHEUS: ("prometheus",),
    ALERTMANAGER: ("alertmanager", "prometheus-alertmanager"),
    REDIS_EXPORTER: ("redis_exporter", "prometheus-redis-exporter"),
    POSTGRES_EXPORTER: ("postgres_exporter", "prometheus-postgres-exporter"),
}
"""Service → what its program may be called."""


def find(service: str) -> Path | None:
    """The program of a service on PATH; None if there is none. Raises KeyError for a service that has no program."""
    for name in NAMES[service]:
        found = shutil.which(name)
        if found is not None:
            return Path(found).resolve()
    return None


def why_absent(service: str) -> str:
    """What to tell somebody who misses a service."""
    names = " nor ".join(NAMES[service])
    neither = "neither " if len(NAMES[service]) > 1 else "no "
    return f'{neither}{names} was on PATH at `adctr up`; Debian\'s package has it: PATH="$(.ci/prometheus):$PATH"'
