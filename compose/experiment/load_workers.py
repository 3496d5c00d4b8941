"""One load run by several processes: each sends its own campaigns, all by one schedule.

A process is this command again with ``--part K/N``. It says ``ready`` on its standard output, reads the start of the
schedule from its standard input, and prints its result as JSON. When its standard input closes, because its
parent has ended, it ends as by Ctrl-C.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Self

from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.exit_codes import ExitCode
from loadgen.errors import LoadRefused
from loadgen.ledger_index import create_index
from loadgen.run import LoadPlan, LoadResult
from loadgen.send_delay import SendDelay, together
from loadgen.traffic import Part

READY = "ready"
_POLL_SECONDS = 0.2
_KILL_SECONDS = 10.0


def parse_part(text: str) -> Part:
    """``0/2``. Raises UsageError."""
    index, slash, count = text.partition("/")
    if not (slash and index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise UsageError(f"--part {text}: must be K/N with K from 0 to N - 1")
    return Part(int(index), int(count))


def wait_for_start(stop: threading.Event) -> int:
    """In a part: says that it is ready; the start of the schedule, ns since the epoch."""
    print(READY, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise KeyboardInterrupt

    def watch() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    return int(line)


def part_report(result: LoadResult) -> str:
    """In a part: its result, histogram included."""
    return json.dumps({**asdict(result), "ledger": str(result.ledger)})


def run_in_parts(
    command: Sequence[str], plan: LoadPlan, processes: int, start: Callable[[], int], stop: threading.Event
) -> LoadResult:
    """Starts ``command`` so many times and puts the results together.

    Raises UsageError or EnvironmentFailed if one ends without a result; its message is on stderr.
    """
    try:
        directory = create_index(plan.ledger)
    except FileExistsError:
        raise LoadRefused(f"ledger {plan.ledger} exists already: a ledger belongs to one run") from None
    with ExitStack() as ending:
        parts = []
        for index in range(processes):
            own = ("--part", f"{index}/{processes}", "--run-id", plan.run_id)
            ledger = ("--ledger", str(directory / f"{index}.ledger"))
            parts.append(ending.enter_context(_PartProcess([*command, *own, *ledger])))
        for each in parts:
            each.await_ready()
        start_ns = start()
        for each in parts:
            each.begin(start_ns)
        _wait(parts, stop)
        return _sum(plan.run_id, plan.ledger, [each.result() for each in parts], interrupted=stop.is_set())


class _PartProcess:
    """One of the processes. Gone when the block ends."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "compose.cli", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C is for us, who pass it on
            env=dict(os.environ),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(_KILL_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._input.close()
        self._output.close()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def _input(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def await_ready(self) -> None:
        if self._output.readline().strip() != READY:
            self._fail()

    def begin(self, start_ns: int) -> None:
        self._input.write(f"{start_ns}\n")
        self._input.flush()

    def end_early(self) -> None:
        if self.running:
            self._process.send_signal(signal.SIGINT)

    def result(self) -> dict[str, Any]:
        output = self._output.read()
        self._process.wait()
        try:
            found: dict[str, Any] = json.loads(output)
        except ValueError:
            self._fail()
            raise
        return found

    def _fail(self) -> None:
        code = self._process.wait()
        kind = UsageError if code == ExitCode.USAGE else EnvironmentFailed
        raise kind(f"a process of the load ended with exit code {code}; its message is above")


def _wait(parts: Sequence[_PartProcess], stop: threading.Event) -> None:
    """Until all have ended. A part that dies does not end the others: what they send is in their ledgers."""
    told = False
    while any(each.running for each in parts):
        if stop.wait(_POLL_SECONDS) and not told:
            told = True
            for each in parts:
                each.end_early()
        elif told:
            threading.Event().wait(_POLL_SECONDS)


def _sum(run_id: str, ledger: Path, results: Sequence[dict[str, Any]], *, interrupted: bool) -> LoadResult:
    histograms = [each["send_delay"]["histogram"] for each in results if each["send_delay"] is not None]
    delays = [SendDelay.of({int(value): count for value, count in histogram.items()}) for histogram in histograms]
    totals = {name: sum(each[name] for each in results) for name in ("sent", "acknowledged", "failed", "cpu_seconds")}
    rate = sum(each["rate_achieved"] for each in results)
    failures = sum((Counter(each["failures"]) for each in results), Counter[str]())
    return LoadResult(
        run_id,
        ledger,
        rate_achieved=rate,
        send_delay=together(delays),
        interrupted=interrupted,
        failures=failures,
        **totals,
    )
