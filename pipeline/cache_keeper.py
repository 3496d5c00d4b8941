"""Watches over Redis's windows: ``python -m pipeline.cache_keeper``, one of the stack's processes.

Whenever the marker of completeness is missing (the first start, ``FLUSHALL``, a Redis that came back empty) it rebuilds
the windows from PostgreSQL and sets the marker; likewise when windows are missing that must be there, because they
expired while Redis's clock was wrong. While memory is short, it shortens how long windows are kept. A thread of its own
keeps PostgreSQL (`pipeline.store_keeper`).
"""

from __future__ import annotations

import logging
import os
import time

import psycopg2
import redis

from pipeline.cache.cache_pressure import adapt_retention
from pipeline.cache.cache_rebuild import is_complete, lost_windows, rebuild
from pipeline.cache.cache_writer import writer_client
from pipeline.flink_checkpoints import NoCheckpoint
from pipeline.settings import Settings
from pipeline.store import StoreUnavailable
from pipeline.store_keeper import start_keeping
from pipeline.topic_reader import KafkaUnavailable

LOG = logging.getLogger("adctr.cache_keeper")
POLL_SECONDS = 0.2
RETRY_SECONDS = 0.5


def keep(settings: Settings) -> None:
    """Runs until it is stopped."""
    client = writer_client(settings)
    last = ""
    while True:
        try:
            adapt_retention(client, settings, LOG.info)
            restore_what_is_lost(settings, client)
            last = ""
            time.sleep(POLL_SECONDS)
        except (redis.RedisError, psycopg2.Error, StoreUnavailable, KafkaUnavailable, NoCheckpoint) as error:
            if str(error) != last:
                last = str(error)
                LOG.info("waiting: %s", last.strip())
            time.sleep(RETRY_SECONDS)


def restore_what_is_lost(settings: Settings, client: redis.Redis) -> None:
    """Rebuilds the windows where the marker is missing, or a window that the index knows. Raises as `rebuild`."""
    lost = lost_windows(client, settings.cache_retention_seconds)
    if is_complete(client) and not lost:
        return
    began = time.monotonic()
    why = f"has lost {lost} windows" if lost else "has no marker that its windows are complete"
    LOG.info("Redis %s: restoring them", why)
    if rebuild(settings, client, LOG.info):
        LOG.info("complete after %.1f s", time.monotonic() - began)
    else:
        LOG.info("Redis lost its data once more; starting over")


def main() -> None:
    """Reads the environment."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings.from_env(os.environ)
    start_keeping(settings)
    keep(settings)


if __name__ == "__main__":
    main()
