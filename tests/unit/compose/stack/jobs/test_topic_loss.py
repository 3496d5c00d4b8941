"""What is lost on a topic, told from offsets and ids."""

from __future__ import annotations

from compose.stack.jobs.topic_loss import Problem, TopicState, problem_of
from pipeline.job_report import Lost
from pipeline.topic_reader import OffsetRange

TOPIC = TopicState("ad-events", "new", {0: OffsetRange(100, 200), 1: OffsetRange(0, 50)})


def problem(committed: dict[int, int], known_id: str | None = "new", *, has_checkpoint: bool = True) -> Problem | None:
    return problem_of(TOPIC, known_id, committed, has_checkpoint=has_checkpoint)


def test_a_job_goes_on_where_the_topic_has_all_that_it_has_not_read() -> None:
    """Also where a partition was added, which it reads from its beginning."""
    assert problem({0: 100, 1: 50}) is None
    assert problem({1: 7}) is None
    assert problem({0: 100, 1: 50}, known_id=None) is None


def test_records_below_the_log_start_are_named() -> None:
    found = problem({0: 90, 1: 0})
    assert found is not None
    assert (found.lost, found.anew) == ((Lost(0, 90, 100),), False)
    assert "no longer has 10 records" in found.text
    assert "partition 0 offsets 90 to 99" in found.text
    assert "--accept-loss" in found.text


def test_offsets_behind_the_end_are_of_another_topic() -> None:
    found = problem({0: 201, 1: 50})
    assert found is not None
    assert found.anew
    assert "ends before what it has read (read: partition 0 to offset 201; now 0 to 200)" in found.text


def test_a_partition_that_has_gone_is_no_smaller_matter() -> None:
    found = problem({2: 5})
    assert found is not None
    assert "now 2 to nothing" in found.text


def test_a_topic_with_another_id_is_another_topic() -> None:
    """Though every offset may be there."""
    found = problem({0: 150}, known_id="old")
    assert found is not None
    assert found.anew
    assert "with id old, and there is another one now, with id new" in found.text


def test_a_job_without_a_checkpoint_has_read_nothing_or_has_lost_its_state() -> None:
    assert problem({}, known_id=None, has_checkpoint=False) is None
    assert problem({0: 100, 1: 0}, has_checkpoint=False) is None, "it was about to begin"
    found = problem({0: 101, 1: 0}, has_checkpoint=False)
    assert found is not None
    assert found.anew
    assert "it has no checkpoint, though it has read the topic (read: partition 0 to offset 101)" in found.text
