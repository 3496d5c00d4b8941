"""What faults do to the pipeline. Each is a context manager: the fault on entry, things put right on exit.

What might do nothing, unlike a ``kill -9``, looks on exit whether it was felt, and raises NotStruck if it was not.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress

import psutil
import redis

from pipeline.flink_rest import CheckpointNumbers, FlinkRest, FlinkUnavailable
from pipeline.job_names import LIVE, flink_name
from pipeline.job_report import NOTHING, reports_of
from pipeline.settings import Settings
from slo.disturbances.bench import Bench, NeverBack, NotStruck
from slo.disturbances.checkpoint_damage import newest_checkpoint, truncate_states
from slo.disturbances.link import Condition, Link
from slo.disturbances.sabotage import TASK_MANAGERS, repeatedly
from slo.probes.clients import admin_client

RESTART_SECONDS = 60.0
PASSED_OVER_SECONDS = 90.0
"""A job fails to be restored several times before another checkpoint is tried."""
POLL_SECONDS = 0.05
STATISTICS_SECONDS = 3.5
"""Flink's answers about checkpoints are up to 3 s old (web.refresh-interval)."""


@contextmanager
def killed(bench: Bench, services: Sequence[str]) -> Iterator[None]:
    """``kill -9``; the supervisor starts them again."""
    for service in services:
        _kill(bench, service)
    yield


@contextmanager
def live_task_manager_killed(bench: Bench) -> Iterator[None]:
    """``kill -9`` of the TaskManager that runs the live job, whichever it is."""
    with killed(bench, [live_task_manager(bench)]):
        yield


@contextmanager
def live_task_manager_killed_thrice(bench: Bench) -> Iterator[None]:
    """The same three times in a row: each time the one that has the job by then, as soon as it runs there."""
    service = live_task_manager(bench)
    for _ in range(2):
        killed_at = time.time()
        _kill(bench, service)
        service = _await_restarted(bench, killed_at)
    with killed(bench, [service]):
        yield


@contextmanager
def away(bench: Bench, services: Sequence[str]) -> Iterator[None]:
    """Stopped, and started again on exit."""
    bench.stop(*services)
    try:
        yield
    finally:
        bench.start(*services)


@contextmanager
def registry_away_task_managers_killed(bench: Bench) -> Iterator[None]:
    """The registry is down, and every TaskManager dies with the schemas that it knew: the jobs must wait."""
    with away(bench, ["registry"]), killed(bench, TASK_MANAGERS):
        yield


@contextmanager
def redis_flushed(bench: Bench) -> Iterator[None]:
    """FLUSHALL."""
    with closing(admin_client(bench.settings)) as client:
        client.flushall()
    yield


@contextmanager
def redis_out_of_memory(bench: Bench) -> Iterator[None]:
    """Redis has used all that it may and refuses every write."""
    with closing(admin_client(bench.settings)) as client:
        before = str(client.config_get("maxmemory")["maxmemory"])
        refused = scripts_refused(client)
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", before)
        if scripts_refused(client) == refused:
            raise NotStruck("Redis refused no write of the live job")


@contextmanager
def checkpoints_full(bench: Bench) -> Iterator[None]:
    """Flink's processes can write to no file, as on a full disk, so no checkpoint is completed.

    By RLIMIT_FSIZE, which needs neither root nor a file system to fill. Their logs are pipes and go on.
    """
    flink = FlinkRest(bench.settings.flink_rest_url)
    pids = [pid for name in ("jobmanager", *TASK_MANAGERS) for pid in bench.pids(name)]
    before = {pid: _may_write(pid, 0) for pid in pids}
    try:
        time.sleep(STATISTICS_SECONDS)
        at_first = flink.checkpoints()
        yield
        require_none_completed(at_first, flink.checkpoints())
    except FlinkUnavailable as error:
        raise NotStruck(f"nobody can tell whether it did: {error}") from error
    finally:
        for pid, limit in before.items():
            with suppress(psutil.NoSuchProcess):
                _may_write(pid, limit)


@contextmanager
def live_checkpoint_damaged(bench: Bench) -> Iterator[None]:
    """The live job's newest checkpoint has truncated state files, and the job has to go back to it.

    The kill comes first: after it no newer checkpoint is completed, and the job has not been restored yet.
    """
    settings = bench.settings
    before = passed_over(settings)
    _kill(bench, live_task_manager(bench))
    checkpoint = newest_checkpoint(settings.checkpoint_dir, LIVE)
    if not truncate_states(checkpoint):
        raise NotStruck(f"{checkpoint} has no state file: all of its state is in its metadata")
    yield
    deadline = time.monotonic() + PASSED_OVER_SECONDS
    while passed_over(settings) == before:
        if time.monotonic() > deadline:
            raise NotStruck(f"the job was restored from another checkpoint than {checkpoint}")
        time.sleep(POLL_SECONDS)


def passed_over(settings: Settings) -> tuple[str, ...]:
    """The checkpoints of the live job that could not be restored."""
    return reports_of(settings).get(LIVE, NOTHING).passed_over


@contextmanager
def everything_killed(bench: Bench) -> Iterator[None]:
    """``kill -9`` of the whole stack, and its start on exit."""
    bench.kill_everything()
    try:
        yield
    finally:
        bench.start_everything()


@contextmanager
def nothing(_bench: Bench) -> Iterator[None]:
    """The fault is in the load."""
    yield


@contextmanager
def link_slow(bench: Bench, server: str) -> Iterator[None]:
    """100 ± 50 ms on the way there."""
    with _felt(bench, server) as link, link.in_condition(Condition(delay_seconds=0.1, jitter_seconds=0.05)):
        yield


@contextmanager
def link_reset(bench: Bench, server: str) -> Iterator[None]:
    """Every 3 s all connections are reset."""
    with _felt(bench, server) as link, repeatedly(link.reset, 3.0):
        yield


@contextmanager
def link_cut(bench: Bench, server: str) -> Iterator[None]:
    """Nothing gets through in either direction, and nobody is told."""
    with _felt(bench, server) as link, link.in_condition(Condition(cut=True)):
        yield


@contextmanager
def _felt(bench: Bench, server: str) -> Iterator[Link]:
    """The link to a server, to which something must happen within the block. Raises NotStruck if nothing did."""
    link = bench.link(server)
    before = link.strikes
    yield link
    if link.strikes == before:
        raise NotStruck(f"nothing was on its way between the jobs and {server}")


def live_task_manager(bench: Bench) -> str:
    """The TaskManager in which the live job runs. Raises RuntimeError where it does not run."""
    found = FlinkRest(bench.settings.flink_rest_url).task_managers(flink_name(LIVE))
    if len(found) != 1:
        raise RuntimeError(f"the live job runs in {', '.join(sorted(found)) or 'no TaskManager'}: one is wanted")
    return found.pop()


def _await_restarted(bench: Bench, since: float) -> str:
    """The TaskManager in which the live job has started since then, the killed one perhaps, if it is back sooner.

    Raises NeverBack if it does not come to that.
    """
    flink, deadline = FlinkRest(bench.settings.flink_rest_url), time.monotonic() + RESTART_SECONDS
    while time.monotonic() < deadline:
        found = flink.task_managers(flink_name(LIVE), since)
        if found:
            return found.pop()
        time.sleep(POLL_SECONDS)
    raise NeverBack(f"the live job does not run {RESTART_SECONDS:.0f} s after its TaskManager died")


def _kill(bench: Bench, service: str) -> int:
    (pid,) = bench.pids(service)
    os.kill(pid, signal.SIGKILL)
    return pid


def require_none_completed(at_first: Mapping[str, CheckpointNumbers], at_last: Mapping[str, CheckpointNumbers]) -> None:
    """Of the checkpoints that each job began in between. Raises NotStruck where one was, or none was begun."""
    for job, last in at_last.items():
        begun = at_first[job].begun if job in at_first else 0
        if last.complete > begun:
            raise NotStruck(f"checkpoint {last.complete} of {job} was completed anyway")
        if last.begun == begun:
            raise NotStruck(f"{job} began no checkpoint")


def scripts_refused(client: redis.Redis) -> int:
    """How many of the live job's writes have failed since Redis started; each is a script."""
    ran = client.info("commandstats").get("cmdstat_evalsha", {})
    return int(ran.get("failed_calls", 0)) + int(ran.get("rejected_calls", 0))


def _may_write(pid: int, soft_limit_bytes: int) -> int:
    """Sets how large a file a process may make; what it was before."""
    process = psutil.Process(pid)
    soft, hard = process.rlimit(resource.RLIMIT_FSIZE)
    process.rlimit(resource.RLIMIT_FSIZE, (soft_limit_bytes, hard))
    return int(soft)
