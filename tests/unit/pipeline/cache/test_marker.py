"""Whose marker of completeness is believed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pipeline.cache.cache_rebuild import begin, finish, is_complete
from pipeline.cache.cache_writer import writer_client
from pipeline.contract.cache_schema import complete_key
from pipeline.settings import Settings
from tests.integration.redis_servers import RedisServer, free_port
from tests.integration.waiting import eventually


def test_a_marker_of_another_boot_is_none(settings: Settings) -> None:
    """Redis may have lost the newest half minute with the machine's power."""
    with writer_client(settings) as client:
        client.set(complete_key(), "3c1d6f0e-another-boot")
        assert not is_complete(client)
        assert finish(client, begin(client))
        assert is_complete(client)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[redis.Redis, redis.Redis]]:
    """A master, complete, and a replica that has all of it."""
    servers = [RedisServer(free_port(), tmp_path) for _ in range(2)]
    master, replica = (redis.Redis(port=each.port) for each in servers)
    assert finish(master, begin(master))
    replica.replicaof("127.0.0.1", str(servers[0].port))
    eventually("the replica has the marker", lambda: replica.get(complete_key()) == master.get(complete_key()), 30)
    yield master, replica
    for server in servers:
        server.kill()


def test_a_replica_that_was_promoted_may_have_lost_writes(pair: tuple[redis.Redis, redis.Redis]) -> None:
    """What the master had not sent yet, counts among it, is gone; so it is restored like any other loss."""
    master, replica = pair
    assert is_complete(master)
    assert is_complete(replica)
    replica.replicaof("NO", "ONE")
    assert replica.get(complete_key()) is not None
    assert not is_complete(replica)
    assert finish(replica, begin(replica))
    assert is_complete(replica)


def test_a_promotion_in_the_middle_of_a_rebuild_is_noticed(pair: tuple[redis.Redis, redis.Redis]) -> None:
    """The marker reaches the promoted replica, and is that of before."""
    master, replica = pair
    token = begin(master)
    eventually("the replica has no marker", lambda: replica.get(complete_key()) is None, 30)
    replica.replicaof("NO", "ONE")
    assert finish(replica, token)
    assert not is_complete(replica)
