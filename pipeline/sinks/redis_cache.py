"""Windows into Redis, through our table sink ``adctr-cache`` (see ``pipeline/flink_java``)."""

from __future__ import annotations

from pipeline.cache.cache_access import CacheUser
from pipeline.contract.cache_schema import RAISE_COUNTS, RAISE_WATERMARK
from pipeline.contract.windows import WINDOW_NAMES
from pipeline.settings import Settings
from pipeline.sql import table
from pipeline.window_rows import WINDOW_COLUMNS, WINDOW_KEY


def cache_table(settings: Settings, size_seconds: int) -> str:
    """DDL of table ``cache_<name>``."""
    options: dict[str, str | int] = {
        "connector": "adctr-cache",
        "host": settings.redis_host,
        "port": settings.redis_port,
        "user": str(CacheUser.WRITER),
        "password": settings.redis_writer_password,
        "size-seconds": size_seconds,
        "retention-seconds": settings.cache_retention_seconds,
        "raise-counts-script": RAISE_COUNTS,
        "raise-watermark-script": RAISE_WATERMARK,
    }
    return table(f"cache_{WINDOW_NAMES[size_seconds]}", WINDOW_COLUMNS, options, primary_key=WINDOW_KEY)


def cache_insert(size_seconds: int) -> str:
    """INSERT of one window size into the cache."""
    name = WINDOW_NAMES[size_seconds]
    return f"INSERT INTO cache_{name} SELECT * FROM windows_{name}"
