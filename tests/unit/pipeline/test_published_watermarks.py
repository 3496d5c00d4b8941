"""The watermark of a drained job's end of input is no time: it would make every window final forever."""

from __future__ import annotations

from pathlib import Path

from pipeline.cache.cache_writer import writer_client
from pipeline.contract.cache_schema import RAISE_COUNTS, RAISE_WATERMARK, watermark_key
from pipeline.settings import Settings
from tests.integration.redis_servers import RedisServer, free_port
from tests.unit.pipeline.java_harness import run_harness

LONG_MAX = (1 << 63) - 1


def test_the_end_of_input_is_published_by_neither_sink(tmp_path: Path) -> None:
    """Both sinks never lower a watermark, so nothing could take it back."""
    server = RedisServer(free_port(), tmp_path)
    try:
        arguments = [str(server.port), RAISE_COUNTS, RAISE_WATERMARK, "5000", "6000", str(LONG_MAX), "7000"]
        printed = run_harness(
            tmp_path / "classes",
            "adctr.flink.PublishWatermarks",
            arguments,
            ["CacheSink", "CacheWriter", "WatermarkSink"],
        )
        assert printed.splitlines() == ["[5000]", "[6000]", "[6000]", "[7000]"]
        with writer_client(Settings(redis_port=server.port)) as client:
            assert client.get(watermark_key(60)) == b"7000"
    finally:
        server.kill()


def test_redis_takes_back_one_that_was_published_before(tmp_path: Path) -> None:
    server = RedisServer(free_port(), tmp_path)
    try:
        with writer_client(Settings(redis_port=server.port)) as client:
            client.set(watermark_key(60), LONG_MAX)
            script = client.register_script(RAISE_WATERMARK)
            script(keys=[watermark_key(60)], args=[5_000])
            assert client.get(watermark_key(60)) == b"5000"
            script(keys=[watermark_key(60)], args=[LONG_MAX])
            assert client.get(watermark_key(60)) == b"5000"
    finally:
        server.kill()
