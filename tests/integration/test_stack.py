"""The embedded stack as a user meets it: status, restarts, ports, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg2
import pytest
import redis

from compose.monitoring import binaries
from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes import orphans
from compose.stack.processes.supervision import Supervisor
from compose.stack.status import status
from pipeline.settings import Settings
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

pytestmark = pytest.mark.embedded

MEMORY_LIMIT_BYTES = 5_000_000_000
SERVICES = {
    "cache-keeper",
    "canary",
    "exporter",
    "jobmanager",
    "jobs",
    "kafka",
    "postgres",
    "redis",
    "registry",
    "supervisord",
    "taskmanager-live",
    "taskmanager-store",
}


def adctr(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own."""
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(data_dir), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_status_lists_every_service_and_both_jobs(stack: RunningStack) -> None:
    """The JSON keys are those that scripts rely on, and the jobs checkpoint by themselves."""

    def report() -> dict[str, Any]:
        result = adctr(stack.data_dir, "status", "--format", "json")
        assert result.returncode == 0, result.stderr
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    eventually("a checkpoint of both jobs", lambda: len(_checkpoints(stack)) == 2, seconds=60)
    found = report()
    optional = {name for name in binaries.NAMES if binaries.find(name)}
    assert {row["name"] for row in found["services"]} == SERVICES | optional
    for row in found["services"]:
        assert set(row) >= {"name", "pid", "address", "state", "rss_bytes"}
        assert row["state"] == "running"
    assert [(job["name"], job["state"]) for job in found["jobs"]] == [
        ("adctr-live", "RUNNING"),
        ("adctr-store", "RUNNING"),
    ]
    cache = found["cache"]
    assert 0 < cache["used_bytes"] < cache["maximum_bytes"] == 768 * 1024 * 1024
    assert cache["retention_seconds"] == cache["longest_retention_seconds"] == 1800
    text = adctr(stack.data_dir, "status").stdout
    assert "of 805 MB, windows are kept for 1800 s after their end\n" in text


def test_a_service_that_hangs_is_unhealthy(stack: RunningStack) -> None:
    """Its process is there, which is all that the supervisor sees; the others are as before."""
    kafka = _pid_of(stack, "kafka")
    os.kill(kafka, signal.SIGSTOP)
    try:
        rows = {row["name"]: row for row in status(stack.layout)["services"]}
    finally:
        os.kill(kafka, signal.SIGCONT)
    assert rows["kafka"]["state"] == "unhealthy"
    assert rows["kafka"]["reason"]
    assert rows["redis"]["state"] == rows["postgres"]["state"] == "running"
    eventually("all is well again", lambda: {row["state"] for row in status(stack.layout)["services"]} == {"running"})


def test_idle_stack_stays_within_its_memory(stack: RunningStack) -> None:
    """5 GB resident in all, shared pages counted in every process that maps them."""
    assert sum(row["rss_bytes"] for row in status(stack.layout)["services"]) < MEMORY_LIMIT_BYTES


def test_nothing_listens_beyond_the_loopback_interface(stack: RunningStack) -> None:
    """Kafka, Flink and the registry have no password: they must not be reachable from elsewhere."""
    pids = {process.pid for process in orphans.find(stack.layout)}
    listening = [
        connection
        for connection in psutil.net_connections(kind="inet")
        if connection.pid in pids and connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 9
    assert {connection.laddr.ip for connection in listening} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_passwords_are_needed_and_kept_private(stack: RunningStack) -> None:
    """Redis and PostgreSQL refuse strangers; only secrets.json has the passwords, for its user alone."""
    settings = stack.settings
    with (
        redis.Redis(host=settings.redis_host, port=settings.redis_port) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(
            host=settings.postgres_host,
            port=settings.postgres_port,
            dbname=settings.postgres_database,
            user="adctr_owner",
            password="guessed",
        )
    assert settings.redis_admin_password not in stack.layout.record.read_text(encoding="utf-8")
    for path in (stack.layout.passwords, stack.layout.supervisor_config, stack.layout.run / "redis.conf"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_killed_service_comes_back_with_its_data(stack: RunningStack) -> None:
    """Redis dies by SIGKILL; the supervisor starts it again, and what it has answered for is there."""
    settings = stack.settings
    with redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        username="adctr_admin",
        password=settings.redis_admin_password,
    ) as client:
        client.set("test:survivor", "1")
        before = _pid_of(stack, "redis")
        os.kill(before, signal.SIGKILL)
        eventually("redis under a new process id", lambda: _pid_of(stack, "redis") not in (0, before))
        eventually("redis answers", lambda: _answers(client))
        assert client.get("test:survivor") in (b"1", "1")
        client.delete("test:survivor")


def _pid_of(stack: RunningStack, name: str) -> int:
    supervisor = Supervisor.find(stack.layout)
    assert supervisor is not None
    return next(each.pid for each in supervisor.processes() if each.name == name)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_down_leaves_nothing_and_up_goes_on(stack: RunningStack) -> None:
    """Same ports and passwords afterwards, and each job resumed from a checkpoint that it retained."""
    eventually("a checkpoint of both jobs", lambda: len(_checkpoints(stack)) == 2, seconds=60)
    retained = _checkpoints(stack)
    take_down(stack.layout)
    assert orphans.find(stack.layout) == []
    stopped = adctr(stack.data_dir, "status")
    assert stopped.returncode == 4
    assert "no stack is running in" in stopped.stderr

    again = bring_up(
        stack.data_dir,
        PortChoice.AUTO,
        historic=False,
        say=lambda _: None,
        environ={},
        dashboard=False,
        monitoring=True,
    )
    assert again == stack.settings
    eventually("both jobs went on", lambda: len(_checkpoints(stack)) == 2, seconds=60)
    # The numbers of checkpoints go on from the one that was restored; a job that starts afresh begins at 1.
    assert all(number >= retained[name] for name, number in _checkpoints(stack).items())


def _checkpoints(stack: RunningStack) -> dict[str, int]:
    """The number of the last checkpoint of each job that has one."""
    jobs = status(stack.layout)["jobs"]
    return {job["name"]: job["last_checkpoint"]["id"] for job in jobs if job["last_checkpoint"]}


def test_a_second_stack_in_the_same_directory_is_refused(stack: RunningStack) -> None:
    """And the first one keeps its owner: the owner's death still takes the stack down."""
    owner = stack.layout.owner.read_text(encoding="utf-8")
    result = adctr(stack.data_dir, "up", "--ports", "auto")
    assert result.returncode == 4
    assert "already running" in result.stderr
    assert stack.layout.owner.read_text(encoding="utf-8") == owner


def test_a_live_stack_does_not_become_a_historic_one(stack: RunningStack) -> None:
    result = adctr(stack.data_dir, "up", "--ports", "auto", "--historic")
    assert result.returncode == 2
    assert "--data-dir" in result.stderr


def test_a_port_in_use_is_named_with_its_holder(tmp_path: Path) -> None:
    """Here it is this very test that holds Kafka's port."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 9092))
            holder.listen()
            holder_pid = f"(pid {os.getpid()})"
        except OSError:  # another stack on this machine holds it, which is as good
            holder_pid = "in use"
        result = adctr(tmp_path / "data", "up")
    assert result.returncode == 4
    assert "port 9092 (kafka) is in use" in result.stderr
    assert holder_pid in result.stderr


def test_an_unwritable_directory_is_named(tmp_path: Path) -> None:
    """A file where the directory should be; permissions mean nothing to root, who runs CI."""
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("")
    result = adctr(obstacle / "data", "up", "--ports", "auto")
    assert result.returncode == 4
    assert str(obstacle) in result.stderr


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    """A real file system of 50 MB, in a mount namespace of the command's own."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    up = f"{sys.executable} -m compose.cli --data-dir {data_dir} up --ports auto"
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    script = f"mount -t tmpfs -o size=50m tmpfs {data_dir} && exec {up}"
    result = subprocess.run([*command, script], capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 4, result.stderr
    assert f"{data_dir}: 0.1 GB free, a stack needs 2 GB" in result.stderr
    assert "--data-dir" in result.stderr


@pytest.mark.parametrize(("kill", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_an_up_that_is_stopped_halfway_leaves_nothing(tmp_path: Path, kill: signal.Signals, exit_code: int) -> None:
    """By Ctrl-C, by TERM, and by KILL, where the guard has to do it."""
    layout = Layout.of(tmp_path / "data")
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(layout.root), "up", "--ports", "auto"]
    up = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually("some services run", lambda: len(orphans.find(layout)) >= 4)
    up.send_signal(kill)
    assert up.wait(60) == exit_code
    eventually("everything is gone", lambda: orphans.find(layout) == [], seconds=60)


def test_stack_json_tells_the_settings(stack: RunningStack) -> None:
    """Everything but the passwords, so that a reader of the file can connect with secrets.json beside it."""
    record = json.loads(stack.layout.record.read_text(encoding="utf-8"))
    assert record["settings"]["kafka_bootstrap"] == stack.settings.kafka_bootstrap
    assert record["settings"]["events_partitions"] == Settings().events_partitions


def test_a_killed_check_leaves_no_load_behind(stack: RunningStack) -> None:
    """No guard looks after a command on a stack that runs already; the load sees for itself that it is alone."""
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir)]
    check = subprocess.Popen([*command, "bench", "latency", "--rate", "50", "--seconds", "300"])
    try:
        parent = psutil.Process(check.pid)
        eventually("the load runs", lambda: any("load" in each.cmdline() for each in parent.children()), seconds=60)
        (load,) = [each for each in parent.children() if "load" in each.cmdline()]
    finally:
        check.kill()
        check.wait()
    assert psutil.wait_procs([load], timeout=15)[1] == []
