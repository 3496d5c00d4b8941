"""What a contender is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import psutil

PIPELINE = "adctr"


class Contender(Protocol):
    """Whatever reads a topic from its beginning and counts into Redis."""

    @property
    def name(self) -> str: ...

    def running(self) -> AbstractContextManager[Mapping[str, psutil.Process]]:
        """Its processes, while it runs. In a drain it may end at the topic's end."""
