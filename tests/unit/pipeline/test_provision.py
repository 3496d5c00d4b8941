"""The topics' configuration follows from the settings."""

from __future__ import annotations

import pytest

from pipeline.contract.letter_size import MOST_LETTER_BYTES
from pipeline.provision import DAY_MS, UNLIMITED_MS, topic_specs
from pipeline.settings import LONGEST_RETENTION_DAYS, Settings, SettingsError
from pipeline.sinks.dead_letter import letters_table


def _events_config(settings: Settings) -> dict[str, str]:
    return topic_specs(settings)[0].config


@pytest.mark.parametrize(("slack", "ahead_ms", "behind_ms"), [(600, 60_000, 540_000), (60, 30_000, 30_000)])
def test_a_live_topic_keeps_record_times_within_the_slack(slack: int, ahead_ms: int, behind_ms: int) -> None:
    """A minute ahead (less where the slack is short) and the rest behind: together the slack."""
    config = _events_config(Settings(record_slack_seconds=slack))
    assert config["message.timestamp.after.max.ms"] == str(ahead_ms)
    assert config["message.timestamp.before.max.ms"] == str(behind_ms)


def test_a_historic_topic_takes_any_old_record_time() -> None:
    """Only the future is refused."""
    assert _events_config(Settings(historic=True))["message.timestamp.before.max.ms"] == str(UNLIMITED_MS)


def test_records_are_kept_by_size_not_by_age() -> None:
    """On the events topic: 20 GB per partition."""
    config = _events_config(Settings())
    assert (config["retention.ms"], config["retention.bytes"]) == ("-1", "20000000000")


def test_a_letter_may_be_larger_than_any_record() -> None:
    """Its producer and its topics agree on how large; by default both stop at about the size of an events batch."""
    options = letters_table(Settings(), "letters", "topic")
    _, *rejects = topic_specs(Settings())
    assert MOST_LETTER_BYTES > 10 * 1_048_588
    assert f"'properties.max.request.size' = '{MOST_LETTER_BYTES}'" in options
    assert f"'properties.buffer.memory' = '{2 * MOST_LETTER_BYTES}'" in options
    assert [spec.config["max.message.bytes"] for spec in rejects] == [str(MOST_LETTER_BYTES)] * 2


@pytest.mark.parametrize(
    ("settings", "letters_ms", "late_ms"),
    [
        (Settings(), -1, -1),
        (Settings(dead_letter_retention_days=2, late_retention_days=0), 2 * DAY_MS, -1),
        (Settings(historic=True, dead_letter_retention_days=2), -1, -1),
    ],
)
def test_letters_are_kept_for_as_long_as_the_settings_say(settings: Settings, letters_ms: int, late_ms: int) -> None:
    """By their record times, so of a historic load forever: its letters are old when they are written."""
    _, letters, late = topic_specs(settings)
    assert [each.config["retention.ms"] for each in (letters, late)] == [str(letters_ms), str(late_ms)]


def test_letters_do_not_wait_for_a_full_segment_to_be_deleted() -> None:
    """Kafka deletes whole segments; by default one takes a week or a gigabyte."""
    _, *rejects = topic_specs(Settings(dead_letter_retention_days=30, late_retention_days=7))
    assert [each.config["segment.ms"] for each in rejects] == [str(DAY_MS)] * 2


@pytest.mark.parametrize("days", [-1, LONGEST_RETENTION_DAYS + 1])
@pytest.mark.parametrize("name", ["raw_events", "metrics", "dead_letter", "late"])
def test_a_retention_that_cannot_be_is_refused(name: str, days: int) -> None:
    with pytest.raises(SettingsError, match=rf"{name}_retention_days={days}: must be 0 \(forever\) to 36500 days"):
        Settings(**{f"{name}_retention_days": days})  # type: ignore[arg-type]
