"""Flink SQL text."""

from pipeline.settings import Settings
from pipeline.source import events_table, is_late
from pipeline.sql import literal, table


def test_a_quote_cannot_end_a_literal() -> None:
    """A password such as ``a'b`` stays inside its literal."""
    assert literal("a'b") == "'a''b'"


def test_a_table_lists_columns_key_and_options() -> None:
    """Columns first, then the primary key, then the connector's options."""
    statement = table("t", ["`a` INT"], {"connector": "x", "port": 1}, primary_key="`a`")
    assert statement == (
        "CREATE TEMPORARY TABLE t (\n  `a` INT,\n  PRIMARY KEY (`a`) NOT ENFORCED\n) WITH (\n"
        "  'connector' = 'x',\n  'port' = '1'\n)"
    )


def test_the_watermark_is_clamped_by_the_record_time() -> None:
    """One event from the future must not make everything behind it late."""
    ddl = events_table(Settings(), "live", ("campaign_id",), with_origin=False)
    clamped = "LEAST(`event_time`, GREATEST(`record_time`, TO_TIMESTAMP_LTZ(0, 3)))"
    assert f"WATERMARK FOR `event_time` AS {clamped} - INTERVAL '5' SECOND(2)" in ddl


def test_a_consumer_whose_offset_is_gone_fails() -> None:
    """Flink's `earliest-offset` would let it jump to the topic's beginning, whatever its properties say."""
    ddl = events_table(Settings(), "live", (), with_origin=False)
    assert "'properties.auto.offset.reset' = 'none'" in ddl
    assert "'scan.startup.mode' = 'group-offsets'" in ddl


def test_a_historic_load_has_no_idle_timeout() -> None:
    """While old records are preloaded no partition may be left behind as idle."""
    live = events_table(Settings(), "live", (), with_origin=False)
    historic = events_table(Settings(historic=True), "live", (), with_origin=False)
    assert "'scan.watermark.idle-timeout' = '30 s'" in live
    assert "idle-timeout" not in historic


def test_long_intervals_declare_their_digits() -> None:
    """600 seconds need three digits, which SQL does not assume."""
    assert is_late(Settings()) == "`event_time` < `record_time` - INTERVAL '600' SECOND(3)"
