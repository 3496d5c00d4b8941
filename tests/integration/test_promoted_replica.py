"""Redis fails over to a replica that has not got the last writes: what it lacks comes back from PostgreSQL."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from compose.stack.layout import Layout
from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from compose.stack.processes.supervision import Supervisor
from compose.stack.services.redis_server import newest_server
from loadgen.ledger import read_ledger
from loadgen.live import run_live
from loadgen.pacer import SteadyPacer
from loadgen.profiles import Profile
from loadgen.run import LoadPlan, new_run_id
from pipeline.cache.cache_access import CacheUser, credentials
from pipeline.cache.cache_rebuild import is_complete
from pipeline.contract.cache_schema import complete_key, watermark_key
from pipeline.settings import Settings
from slo.reconciliation.report import to_text
from slo.reconciliation.verify import reconcile
from tests.integration.redis_servers import free_port
from tests.integration.waiting import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.long]

RATE, SECONDS = 1_000, 45
LOST_MS = 5_000
"""So much further is the master than the replica when it dies."""


@contextmanager
def replica_of(layout: Layout, settings: Settings, directory: Path) -> Iterator[redis.Redis]:
    """A server with the configuration of the stack's, which follows it."""
    directory.mkdir()
    port, admin = free_port(), credentials(settings, CacheUser.ADMIN)
    command = [str(newest_server()), str(layout.run / "redis.conf"), "--port", str(port), "--dir", str(directory)]
    command += ["--replicaof", settings.redis_host, str(settings.redis_port)]
    command += ["--masteruser", str(admin["username"]), "--masterauth", str(admin["password"])]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        with closing(redis.Redis(port=port, **admin)) as client:
            yield client
        process.kill()


def watermark_ms(client: redis.Redis) -> int:
    """0 before the first."""
    return int(client.get(watermark_key(60)) or 0)


def test_what_a_promoted_replica_lacks_comes_back(tmp_path: Path) -> None:
    with temporary_stack(tmp_path / "stack", PortChoice.AUTO, historic=False, say=print) as settings:
        layout = Layout.of(tmp_path / "stack")
        supervisor = Supervisor.find(layout)
        assert supervisor is not None
        run_id = new_run_id()
        plan = LoadPlan(Profile("wide", campaigns=2_000), 1, tmp_path / f"{run_id}.ledger", run_id)
        load = threading.Thread(target=run_live, args=(settings, plan, SteadyPacer(RATE, SECONDS), threading.Event()))
        load.start()
        with replica_of(layout, settings, tmp_path / "replica") as replica:
            with closing(redis.Redis(port=settings.redis_port, **credentials(settings, CacheUser.ADMIN))) as master:
                eventually("the replica follows", lambda: watermark_ms(replica) > 0, 60)
                replica.replicaof("NO", "ONE")
                eventually("it is behind", lambda: watermark_ms(master) > watermark_ms(replica) + LOST_MS, 60)
            supervisor.stop_processes(["redis"], 30)
            assert replica.exists(complete_key())
            assert not is_complete(replica)
            replica.config_set("port", settings.redis_port)
            load.join()
            with closing(redis.Redis(port=settings.redis_port, **credentials(settings, CacheUser.ADMIN))) as promoted:
                eventually("it is complete", lambda: is_complete(promoted), 60)
            report = reconcile(settings, [read_ledger(plan.ledger)], 180)
            assert report.exact, to_text(report)
            assert report.verified["redis.cells.60"] > 0
