"""What polls of the stores and of Flink say about interruptions."""

from __future__ import annotations

from pipeline.incidents import Incident, IncidentKind, Outages, job_incident


def test_an_outage_begins_with_the_first_poll_without_an_answer_and_ends_with_the_next_answer() -> None:
    outages = Outages("redis")
    polls = [(1.0, 1.1), (2.0, None), (3.0, None), (4.0, 4.1), (5.0, 5.1), (6.0, None)]
    assert [outages.polled(*each) for each in polls] == [
        None,
        Incident(IncidentKind.OUTAGE, "redis", 2.0),
        None,
        Incident(IncidentKind.OUTAGE, "redis", 2.0, 4.1),
        None,
        Incident(IncidentKind.OUTAGE, "redis", 6.0),
    ]


def test_an_answer_that_took_long_was_an_outage() -> None:
    """A paused PostgreSQL answers the same question when it goes on."""
    outages = Outages("postgres")
    assert outages.polled(10.0, 11.9) is None
    assert outages.polled(12.0, 40.0) == Incident(IncidentKind.OUTAGE, "postgres", 12.0, 40.0)


def test_a_predecessors_open_outage_ends_with_the_first_answer() -> None:
    assert Outages("redis", open_since=5.0).polled(60.0, 60.1) == Incident(IncidentKind.OUTAGE, "redis", 5.0, 60.1)


def test_a_job_tells_its_start_until_it_restarts_and_then_its_last_restart() -> None:
    """Flink says 0 for a state that was never entered, and RUNNING is the time of the last entry."""
    started = {"start-time": 1_000, "timestamps": {"RUNNING": 0, "RESTARTING": 0}}
    running = {"start-time": 1_000, "timestamps": {"RUNNING": 3_500, "RESTARTING": 0}}
    restarting = {"start-time": 1_000, "timestamps": {"RUNNING": 3_500, "RESTARTING": 9_000}}
    again = {"start-time": 1_000, "timestamps": {"RUNNING": 12_000, "RESTARTING": 9_000}}
    assert [job_incident("live", each) for each in (started, running, restarting, again)] == [
        Incident(IncidentKind.JOB_START, "live", 1.0),
        Incident(IncidentKind.JOB_START, "live", 1.0, 3.5),
        Incident(IncidentKind.JOB_RESTART, "live", 9.0),
        Incident(IncidentKind.JOB_RESTART, "live", 9.0, 12.0),
    ]
