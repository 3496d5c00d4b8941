"""Memory, file handles and threads of services, each with all its descendants. Linux alone tells them this way."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from slo.probes.probe import Probe, Sample
from slo.spec.model import Indicator

_PROC = Path("/proc")
_KILOBYTE = 1024
_COUNTED = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")
_GONE = (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess)


class Processes(Probe):
    """One sample of each indicator per service and look. ``find`` tells the services' process ids by name.

    Memory is what a service keeps from others: anonymous and shared pages, those that several processes share counted
    once (so PostgreSQL's buffers are), swapped ones too. Pages of files are left out: they are a cache that the kernel
    takes back when it likes, and Kafka's mapped indices grow with the topic.

    Handles of files whose path begins with one of ``by_design`` are left out.
    """

    name = "processes"
    indicators = (Indicator.PROCESS_MEMORY, Indicator.PROCESS_FILE_HANDLES, Indicator.PROCESS_THREADS)
    period_seconds = 5.0

    def __init__(
        self,
        find: Callable[[], Mapping[str, int]],
        by_design: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._find = find
        self._by_design = tuple(by_design)
        self._clock = clock
        self._first: dict[str, int] = {}
        self._restarted: set[str] = set()

    def look(self) -> Iterable[Sample]:
        found = self._find()
        children, others = children_by_parent(), set(found.values())
        samples: list[Sample] = []
        for name, pid in found.items():
            if self._first.setdefault(name, pid) != pid:
                self._restarted.add(name)
            samples += self._of(name, [pid, *descendants(pid, children, others)])
        return samples

    def subjects(self) -> tuple[str, ...]:
        return tuple(self._first)

    def close(self) -> None:
        """Nothing to end."""

    def void(self) -> str:
        """A process that has just started has leaked nothing yet."""
        if not self._restarted:
            return ""
        return f"{', '.join(sorted(self._restarted))} died and was started again"

    def _of(self, name: str, tree: Sequence[int]) -> Iterator[Sample]:
        figures = [sum(each) for each in zip(*(self._figures(pid) for pid in tree), strict=True)]
        if not figures[-1]:  # no thread: it ended just now
            return
        at = self._clock()
        for indicator, figure in zip(self.indicators, figures, strict=True):
            yield Sample(indicator, at, float(figure), name)

    def _figures(self, pid: int) -> tuple[int, int, int]:
        with suppress(*_GONE):
            return memory_bytes(pid), file_handles(pid, self._by_design), psutil.Process(pid).num_threads()
        return 0, 0, 0


def memory_bytes(pid: int) -> int:
    """Resident and swapped memory of a process without pages of files. Raises FileNotFoundError, ProcessLookupError."""
    size = 0
    for line in (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith(_COUNTED):
            size += int(line.split()[1]) * _KILOBYTE
    return size


def file_handles(pid: int, by_design: Sequence[str] = ()) -> int:
    """Open file descriptors, but for files whose path begins with one of ``by_design``. Raises FileNotFoundError."""
    count = 0
    for each in (_PROC / str(pid) / "fd").iterdir():
        with suppress(*_GONE):
            # Asked of each, as of our own process the listing has the handle by which it was listed.
            count += not str(each.readlink()).startswith(tuple(by_design))
    return count


def children_by_parent() -> Mapping[int, Sequence[int]]:
    """The children of every process by its id, in one pass over all processes."""
    children: dict[int, list[int]] = defaultdict(list)
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            children[each.ppid()].append(each.pid)
    return children


def descendants(pid: int, children: Mapping[int, Sequence[int]], others: Collection[int]) -> Iterator[int]:
    """Of a process id, without ``others`` and what is below them: the supervisor is every service's parent."""
    for child in children.get(pid, ()):
        if child not in others:
            yield child
            yield from descendants(child, children, others)
