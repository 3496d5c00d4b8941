"""Which failures of a job say something about its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compose.stack.jobs.restoring import RestoreFailures, restore_failures

TRUNCATED = """\
java.lang.Exception: Exception while creating StreamOperatorStateContext.
\tat org.apache.flink.streaming.api.operators.StreamTaskStateInitializerImpl.streamOperatorStateContext(\
StreamTaskStateInitializerImpl.java:330)
Caused by: org.apache.flink.util.FlinkException: Could not restore keyed state backend for WindowOperator_1
Caused by: java.io.EOFException
\tat java.base/java.io.DataInputStream.readFully(DataInputStream.java:203)
"""
SINK = """\
java.io.IOException: Redis at 127.0.0.1:6379 does not take writes
\tat adctr.flink.CacheWriter.flush(CacheWriter.java:99)
\tat org.apache.flink.streaming.runtime.operators.sink.SinkWriterOperator.prepareSnapshotPreBarrier(S.java:1)
"""
OPENING = """\
org.apache.kafka.common.KafkaException: Failed to construct kafka producer
\tat org.apache.flink.connector.kafka.sink.KafkaSink.createWriter(KafkaSink.java:1)
\tat org.apache.flink.streaming.runtime.operators.sink.SinkWriterOperator.initializeState(S.java:1)
\tat org.apache.flink.streaming.runtime.tasks.StreamTask.restoreInternal(StreamTask.java:858)
"""
LOST = "org.apache.flink.runtime.taskexecutor.TaskManagerLostException: taskmanager-live is no longer reachable"
RESTORED = {"latest": {"restored": {"external_path": "file:/data/checkpoints/live/a%20b/chk-7"}}}


def exceptions(*traces: str) -> dict[str, Any]:
    """Flink's answer, the oldest first here and the newest first there."""
    entries = [{"timestamp": at, "stacktrace": trace} for at, trace in enumerate(traces)]
    return {"exceptionHistory": {"entries": entries[::-1]}}


def test_failures_to_restore_are_counted_from_the_newest_back() -> None:
    found = restore_failures(exceptions(TRUNCATED, LOST, TRUNCATED, TRUNCATED), RESTORED)
    assert found == RestoreFailures(2, Path("/data/checkpoints/live/a b/chk-7"), "java.io.EOFException")


def test_a_sinks_outage_and_a_dead_taskmanager_say_nothing_about_a_checkpoint() -> None:
    """Nor does a sink that can't be opened, though the task is INITIALIZING meanwhile."""
    for trace in (SINK, OPENING, LOST):
        assert restore_failures(exceptions(TRUNCATED, trace, trace), RESTORED).count == 0


def test_a_job_without_failures_has_none() -> None:
    assert restore_failures({}, {}) == RestoreFailures(0, None, "")
