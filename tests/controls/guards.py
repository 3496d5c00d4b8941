"""What keeps each invariant, and the test that must fail without it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

MARKER = "# control: "
_JAVA = "pipeline/flink_java/src"
_TRIGGERS = f"{_JAVA}/org/apache/flink/table/runtime/operators/window/groupwindow/triggers"
_EARLY_TRIGGER = f"{_TRIGGERS}/ProcessingTimeTriggers$AfterFirstElementPeriodic.java"
_FORMS_TEST = "tests/integration/test_record_forms.py"
_CACHE_WRITER_TEST = "tests/unit/pipeline/cache/test_cache_writer.py"
_WATERMARKS_TEST = (
    "tests/unit/pipeline/test_published_watermarks.py::test_the_end_of_input_is_published_by_neither_sink"
)
_LOST_WINDOWS_TEST = "tests/unit/pipeline/cache/test_lost_windows.py"


@dataclass(frozen=True)
class Guard:
    """``text`` stands once in ``file`` (a path in the tree); with ``without`` in its place all else goes on working.

    In Python ``text`` may be a comment at the end of a line, ``# control: NAME``: it names the statement that begins on
    that line, of a compound one the head, so that the statement can be written another way and still be found.
    """

    invariant: str
    file: str
    text: str
    without: str
    check: str
    """pytest's id of the test."""
    says: str
    """Part of what pytest prints of the failure, so that no other mishap is taken for it."""

    @property
    def name(self) -> str:
        """The invariant as a word, for pytest."""
        return self.invariant.replace(" ", "-").replace(",", "")

    def removed_from(self, source: str) -> str:
        """The file's text without the guard. Raises ValueError unless the guard stands there once."""
        if source.count(self.text) != 1:
            raise ValueError(f"{self.file} has {self.text!r} {source.count(self.text)} times, once is wanted")
        if not self.text.startswith(MARKER):
            return source.replace(self.text, self.without)
        first = source[: source.index(self.text)].count("\n") + 1
        found = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.stmt) and each.lineno == first]
        if not found:
            raise ValueError(f"{self.file}: no statement begins on the line of {self.text!r}")
        body: list[ast.stmt] = getattr(found[0], "body", [])
        last = body[0].lineno - 1 if body else found[0].end_lineno
        lines = source.splitlines(keepends=True)
        return "".join([*lines[: first - 1], f"{' ' * found[0].col_offset}{self.without}\n", *lines[last:]])


GUARDS = [
    Guard(
        "no count lies between two checkpoints",
        f"{_JAVA}/adctr/flink/CombineOperator.java",
        "public void prepareSnapshotPreBarrier(long checkpointId) {\n        send();",
        "public void prepareSnapshotPreBarrier(long checkpointId) {",
        "tests/integration/test_recovery.py::test_counts_survive_the_death_of_both_taskmanagers",
        says="different, campaign '",
    ),
    Guard(
        "a combined count is passed on once",
        f"{_JAVA}/adctr/flink/CombinedCounts.java",
        "        cells.clear();\n",
        "",
        "tests/unit/pipeline/test_combining.py::test_counts_are_kept_apart_by_minute_campaign_and_category",
        says="At index 1 diff: ['hats,sports,0,1,60000'",
    ),
    Guard(
        "windows close in both jobs",
        f"{_JAVA}/adctr/flink/Streams.java",
        '.watermark(timeColumn, "SOURCE_WATERMARK()")',
        "",
        "tests/integration/test_watermarks.py",
        says="not within 60 s: windows close in PostgreSQL",
    ),
    Guard(
        "a window that has ended has been written",
        _EARLY_TRIGGER,
        "ctx.registerEventTimeTimer(triggerTime(window));\n",
        "",
        "tests/unit/pipeline/test_early_firing.py::test_the_end_of_a_window_fires_what_has_not_been_fired_yet",
        says="timers [60150] []'",
    ),
    Guard(
        "no window is forgotten while something can come for it",
        "pipeline/aggregations.py",
        'f"{settings.final_after_seconds} s"',
        '"1 s"',  # with none at all Flink's planner refuses the job
        "tests/integration/test_awkward_time.py::test_the_oldest_event_is_counted_behind_the_newest_one",
        says="window missing: expected",
    ),
    Guard(
        "a dead letter has a time that its producer takes",
        "pipeline/sinks/dead_letter.py",
        'time = f"CASE WHEN {HAS_RECORD_TIME} THEN `record_time` END"',
        'time = "`record_time`"',
        f"{_FORMS_TEST}::test_a_live_broker_takes_one_time_out_of_bounds",
        says="did not pass offset",
    ),
    Guard(
        "a letter is never larger than its topic takes",
        "pipeline/sinks/dead_letter.py",
        '_FITS = f"{_SIZE} <= {MOST_RECORD_BYTES}"',
        '_FITS = "TRUE"',
        f"{_FORMS_TEST}::test_records_too_large_for_a_letter_leave_their_beginning",
        says="did not pass offset",
    ),
    Guard(
        "a tombstone of any time is stored",
        "pipeline/sinks/postgres.py",
        'record_time = f"LEAST(GREATEST(`record_time`, {EARLIEST_RECORD_TIME}), {LATEST_RECORD_TIME})"',
        'record_time = "`record_time`"',
        f"{_FORMS_TEST}::test_no_record_time_stops_a_job",
        says="did not pass offset",
    ),
    Guard(
        "no record time turns the watermark over",
        "pipeline/source.py",
        "LEAST(`event_time`, GREATEST(`record_time`, {EARLIEST_RECORD_TIME}))",
        "LEAST(`event_time`, `record_time`)",
        f"{_FORMS_TEST}::test_no_record_time_stops_a_job",
        says="did not pass offset",
    ),
    Guard(
        "a record time that no store holds makes an event invalid",
        "pipeline/source.py",
        '_TIMES_FIT = f"{HAS_RECORD_TIME} AND ',
        '_TIMES_FIT = f"',
        f"{_FORMS_TEST}::test_no_record_time_stops_a_job",
        says="assert {",
    ),
    Guard(
        "a fold judges odd record times as the rules do",
        "slo/reconciliation/fold.py",
        "plain = columns.plain & in_range & ",
        "plain = columns.plain & ",
        "tests/unit/slo/reconciliation/test_fold.py::test_a_fold_by_columns_says_of_odd_record_times_what_the_rules_say",
        says="AssertionError",
    ),
    Guard(
        "the broker takes no record out of time",
        "pipeline/provision.py",
        '"message.timestamp.before.max.ms": str(behind_ms),',
        '"message.timestamp.before.max.ms": str(UNLIMITED_MS),',
        "tests/integration/test_awkward_time.py::test_each_bound_of_time_is_kept_to_the_millisecond",
        says="ten minutes behind",
    ),
    Guard(
        "nothing from the future moves the watermark",
        "pipeline/provision.py",
        '"message.timestamp.after.max.ms": str(ahead_ms),',
        '"message.timestamp.after.max.ms": str(UNLIMITED_MS),',
        "tests/integration/test_awkward_time.py::test_each_bound_of_time_is_kept_to_the_millisecond",
        says="five minutes ahead",
    ),
    Guard(
        "a late event is in no window",
        "pipeline/source.py",
        'return f"{IS_VALID} AND NOT ({is_late(settings)})"',
        "return IS_VALID",
        "tests/integration/test_awkward_time.py::test_each_bound_of_time_is_kept_to_the_millisecond",
        says="different, campaign 'awkward'",
    ),
    Guard(
        "only what was committed is counted",
        "pipeline/source.py",
        '"read_committed"',
        '"read_uncommitted"',
        "tests/integration/test_records.py::test_what_a_transaction_takes_back_was_never_published",
        says="('taken-back-",
    ),
    Guard(
        "a declared length never leads backwards",
        f"{_JAVA}/adctr/flink/Walk.java",
        "if (size < 0) {",
        "if (size < -1_000) {",
        "tests/unit/pipeline/contract/test_java_decoder.py::test_a_length_never_leads_backwards",
        says="'AdEvent(event_id=",
    ),
    Guard(
        "whatever is thrown while a record is decoded costs that record",
        f"{_JAVA}/adctr/flink/AdEventDecoder.java",
        "} catch (RuntimeException | StackOverflowError error) {",
        "} catch (UnsupportedOperationException error) {",
        "tests/unit/pipeline/contract/test_java_decoder.py::test_whatever_is_thrown_while_a_record_is_decoded_costs_that_record",
        says="'exception: java.lang.",
    ),
    Guard(
        "no value takes more steps than its size is worth",
        f"{_JAVA}/adctr/flink/Walk.java",
        "if (++steps > mostSteps) {",
        "if (++steps < 0) {",
        "tests/unit/pipeline/contract/test_java_decoder.py::test_every_writers_schema_means_the_same_to_both",
        says="no answer about",
    ),
    Guard(
        "Java and Python agree on writers' schemas",
        f"{_JAVA}/adctr/flink/AvroType.java",
        "if (named.containsKey(name)) {",
        "if (false) {",
        "tests/unit/pipeline/contract/generated/test_generated_schemas.py::test_java_and_python_agree",
        says="the judges disagree",
    ),
    Guard(
        "Flink and Python agree on the rules of time",
        "pipeline/source.py",
        "AND `event_time` <= `record_time` + {_MAX_AHEAD}",
        "AND `event_time` < `record_time` + {_MAX_AHEAD}",
        "tests/unit/pipeline/contract/generated/test_sql_rules.py::test_flink_and_python_agree_on_the_rules_of_time",
        says="Row(event_ms=",
    ),
    Guard(
        "a registry that is away makes nothing unknown",
        f"{_JAVA}/adctr/flink/WriterSchemas.java",
        "            unknown.clear();\n",
        "",
        "tests/unit/pipeline/contract/test_java_decoder.py::test_a_registry_that_went_away_makes_nothing_unknown",
        says="is unknown to the registry",
    ),
    Guard(
        "what was unknown once may be known later",
        f"{_JAVA}/adctr/flink/WriterSchemas.java",
        "id -> !known.containsKey(id) && !unusable.containsKey(id)",
        "id -> !known.containsKey(id) && !unusable.containsKey(id) && !unknown.contains(id)",
        "tests/unit/pipeline/contract/test_java_decoder.py::test_an_id_that_is_registered_after_it_was_unknown_is_known_to_the_next_record",
        says="isinstance('invalid: schema id 1",
    ),
    Guard(
        "a task waits for the registry",
        f"{_JAVA}/adctr/flink/WriterSchemas.java",
        "if (System.nanoTime() - began >= mostWaitMs * 1_000_000) {",
        "if (true) {",
        "tests/unit/pipeline/contract/test_java_decoder.py::test_a_registry_that_comes_back_is_waited_for",
        says="'unavailable: ",
    ),
    Guard(
        "a record is in raw_events once",
        "pipeline/store/migrations/0002_raw_events.sql",
        "boolean     NOT NULL,\n    PRIMARY KEY (kafka_partition, kafka_offset, record_time)\n",
        "boolean     NOT NULL\n",
        "tests/integration/test_recovery.py::test_counts_survive_the_death_of_both_taskmanagers",
        says="postgres.raw_events, content of impressions",
    ),
    Guard(
        "of one window PostgreSQL gets the newest counts",
        f"{_JAVA}/adctr/flink/CopyBatch.java",
        "newest.put(ByteBuffer.wrap",
        "newest.putIfAbsent(ByteBuffer.wrap",
        "tests/unit/pipeline/test_copy_rows.py::test_of_rows_with_one_key_the_newest_is_copied",
        says="('a', 'x', 1) != ('a', 'x', 3)",
    ),
    Guard(
        "a count in PostgreSQL never falls",
        f"{_JAVA}/adctr/flink/CopyConnection.java",
        'name + " = GREATEST(there." + name + ", EXCLUDED." + name + ")"',
        'name + " = EXCLUDED." + name',
        "tests/integration/test_dead_letter_replay.py::test_a_task_that_was_given_up_lowers_no_count",
        says="(11, 3)",
    ),
    Guard(
        "within a revision a count in Redis never falls",
        "pipeline/contract/raise_counts.lua",
        "after, afterClicks = math.max(before, after), math.max(beforeClicks, afterClicks)",
        "revised = revision",
        f"{_CACHE_WRITER_TEST}::test_within_a_revision_each_count_only_rises",
        says="b'2 2' != b'3 2'",
    ),
    Guard(
        "a recount in Redis is not undone by a job",
        "pipeline/contract/raise_counts.lua",
        "elseif revision < revised then",
        "elseif false then",
        "tests/integration/test_dead_letter_replay.py::test_a_job_from_an_old_checkpoint_cannot_undo_a_recount",
        says="60): Counts(impressions=1, clicks=0)} != ",
    ),
    Guard(
        "the jobs may not touch what was recounted",
        "pipeline/store/migrations/0005_replay_and_recount.sql",
        "UPDATE (window_start, campaign_id, category, impressions, clicks)\n",
        "UPDATE\n",
        "tests/integration/test_dead_letter_replay.py::test_the_jobs_role_may_not_touch_recounted_values",
        says="DID NOT RAISE InsufficientPrivilege",
    ),
    Guard(
        "what is replayed stays as it is",
        "pipeline/dead_letters/replay.py",
        "if noted == asdict(one.event):",
        "if noted is not None:",
        "tests/integration/test_dead_letter_replay.py::test_another_event_under_a_replayed_origin_is_refused",
        says="Right contains one more item: 'was replayed before, as another event",
    ),
    Guard(
        "an event is replayed once",
        "pipeline/dead_letters/replay.py",
        "elif twin is not None:",
        "elif twin == ():",
        "tests/integration/test_dead_letter_replay.py::test_one_event_under_two_origins_is_replayed_once",
        says=", []) == ([Mended(",
    ),
    Guard(
        "a recount that dies leaves no reader with the old counts",
        "pipeline/recount.py",
        "was_complete, token = is_complete(client), begin(client)",
        'was_complete, token = is_complete(client), ""',
        "tests/integration/test_dead_letter_replay.py::"
        "test_a_recount_that_dies_between_the_stores_leaves_no_reader_with_the_old_counts",
        says="True = is_complete(",
    ),
    Guard(
        "what retention has dropped is not recounted",
        "pipeline/recount.py",
        "            _refuse_dropped(cursor, first)\n",
        "",
        "tests/integration/test_dead_letter_replay.py::test_windows_whose_events_retention_has_dropped_are_not_recounted",
        says="DID NOT RAISE RawEventsDropped",
    ),
    Guard(
        "retention waits for a recount",
        "pipeline/store/partitions.py",
        "        exclude_others(cursor)  # a recount that has read the earlier moment still needs the rows\n",
        "",
        "tests/integration/test_partitions.py::test_retention_waits_for_a_recount",
        says="Left contains one more item: (datetime.datetime(",
    ),
    Guard(
        "readers take recounted values",
        "pipeline/store/metrics_queries.py",
        '"impressions": sql.SQL("coalesce(recounted_impressions, impressions)")',
        '"impressions": sql.SQL("impressions")',
        "tests/integration/test_dead_letter_replay.py::test_a_later_recount_may_lower_what_an_earlier_one_said",
        says="Counts(impressions=3, clicks=1)} != ",
    ),
    Guard(
        "a recount waits for both jobs",
        "pipeline/recount.py",
        '(("store", row[0] if row else None), ("live", cached))',
        '(("store", row[0] if row else None),)',
        "tests/integration/test_dead_letter_replay.py::test_windows_are_final_when_both_watermarks_say_so",
        says="assert None == 'job live has not made",
    ),
    Guard(
        "a window that has gone stays gone",
        "pipeline/contract/raise_counts.lua",
        " or tonumber(redis.call('TIME')[1]) >= expires then\n",
        " then\n",
        f"{_CACHE_WRITER_TEST}::test_a_window_that_has_expired_stays_gone",
        says="True = raise_window(",
    ),
    Guard(
        "what short memory has taken stays gone",
        "pipeline/contract/raise_counts.lua",
        "ends <= tonumber(kept[2] or 0) or ",
        "",
        "tests/unit/pipeline/cache/test_cache_pressure.py::test_what_has_gone_does_not_come_back_when_the_pressure_is_gone",
        says="True = raise_window(*(60, ",
    ),
    Guard(
        "longer retention brings nothing back",
        "pipeline/contract/set_retention.lua",
        "math.max(tonumber(before[2] or 0), now - math.min(tonumber(before[1] or seconds), seconds))",
        "now - seconds",
        "tests/unit/pipeline/cache/test_cache_pressure.py::test_what_has_gone_does_not_come_back_when_the_pressure_is_gone",
        says="= Retention(seconds=1800, kept_from_seconds=",
    ),
    Guard(
        "a late event keeps no window longer",
        "pipeline/contract/raise_counts.lua",
        "math.min(tonumber(kept[1] or ARGV[2]), tonumber(ARGV[2]))",
        "tonumber(ARGV[2])",
        "tests/unit/pipeline/cache/test_cache_pressure.py::test_a_late_event_lengthens_nothing",
        says="Mismatched elements",
    ),
    Guard(
        "a watermark never falls",
        "pipeline/contract/raise_watermark.lua",
        "if not before or before == most or tonumber(before) < tonumber(ARGV[1]) then",
        "if true then",
        f"{_CACHE_WRITER_TEST}::test_a_watermark_only_rises",
        says="b'4000' == b'6000'",
    ),
    Guard(
        "Redis keeps every window that can still change",
        "pipeline/settings.py",
        "if self.cache_retention_seconds <= self.final_after_seconds:",
        "if False:",
        "tests/unit/compose/stack/test_configuration.py::test_redis_keeps_every_window_that_can_still_change",
        says="DID NOT RAISE SettingsError",
    ),
    Guard(
        "short memory takes no window that is not final",
        "pipeline/cache/cache_pressure.py",
        "return min(max(wanted, shortest), longest)",
        "return min(wanted, longest)",
        "tests/unit/pipeline/cache/test_cache_pressure.py::test_whatever_the_memory_a_window_that_is_not_final_is_kept",
        says="1200 == 1500",
    ),
    Guard(
        "no watermark overtakes its cells",
        f"{_JAVA}/adctr/flink/CacheWriter.java",
        "answers.forEach(Response::get);",
        "",
        "tests/integration/test_cache_writer.py::test_no_watermark_overtakes_the_cells_that_redis_refused",
        says="the watermark of cells that were refused",
    ),
    Guard(
        "a part of Redis is never taken for the whole",
        "pipeline/cache/redis_reader.py",
        "if not complete:",
        "if complete is None:",
        "tests/integration/test_cache_loss.py::test_everything_comes_back_after_flushall",
        says="a part of Redis was taken for the whole",
    ),
    Guard(
        "what has expired is told by Redis's clock",
        "pipeline/cache/redis_reader.py",
        "_require_held(Retention.of(kept, self._longest_seconds), windows, now)",
        "_require_held(Retention.of(kept, self._longest_seconds), windows, self._clock())",
        f"{_LOST_WINDOWS_TEST}::test_a_reader_whose_clock_is_behind_takes_no_expired_window_for_zeros",
        says="DID NOT RAISE",
    ),
    Guard(
        "a window that a wrong clock took is not read as zeros",
        "pipeline/cache/redis_reader.py",
        "if held < counted:",
        "if False:",
        f"{_LOST_WINDOWS_TEST}::test_a_window_that_expired_under_a_wrong_clock_is_not_read_as_zeros",
        says="DID NOT RAISE",
    ),
    Guard(
        "a window that a wrong clock took comes back whole or not at all",
        "pipeline/contract/raise_counts.lua",
        "if known and redis.call('EXISTS', KEYS[1]) == 0 then",
        "if false then",
        f"{_LOST_WINDOWS_TEST}::test_the_next_write_to_a_lost_window_takes_the_marker_away",
        says="assert not True",
    ),
    Guard(
        "a write that a wrong clock refused is not forgotten",
        "pipeline/contract/raise_counts.lua",
        "  if not known then note() end\n",
        "",
        f"{_LOST_WINDOWS_TEST}::test_a_write_that_was_refused_under_a_wrong_clock_is_missed_later",
        says="assert not True",
    ),
    Guard(
        "the keeper restores what a wrong clock took",
        "pipeline/cache_keeper.py",
        "if is_complete(client) and not lost:",
        "if is_complete(client):",
        "tests/integration/test_dead_letter_replay.py::test_windows_lost_to_a_wrong_clock_are_restored",
        says="2 == 0",
    ),
    Guard(
        "the end of a drained job is no time in PostgreSQL",
        f"{_JAVA}/adctr/flink/WatermarkSink.java",
        "if (!watermark.equals(Watermark.MAX_WATERMARK)) {",
        "if (true) {",
        _WATERMARKS_TEST,
        says="'[9223372036854775807]'",
    ),
    Guard(
        "the end of a drained job is no time in Redis",
        "pipeline/contract/raise_watermark.lua",
        "if ARGV[1] == most then return end",
        "",
        "tests/unit/pipeline/test_published_watermarks.py::test_redis_takes_back_one_that_was_published_before",
        says="b'9223372036854775807' == b'5000'",
    ),
    Guard(
        "a server that hangs holds no client",
        "pipeline/store/deadline.py",
        "        timer.start()\n",
        "",
        "tests/unit/pipeline/store/test_deadlines.py::test_a_statement_ends_and_the_connection_is_closed",
        says="waits for ever",
    ),
    Guard(
        "a read that hangs does not hold those behind it",
        "pipeline/cache/postgres_reader.py",
        "if not self._lock.acquire(timeout=LOCK_SECONDS):",
        "if not self._lock.acquire():",
        "tests/unit/pipeline/store/test_deadlines.py::test_readers_behind_one_that_hangs_are_told",
        says="assert False",
    ),
    Guard(
        "the name of a canary hides nobody else's events",
        "pipeline/source.py",
        'IS_VALID = f"{_DECODED} AND NOT {_IS_NO_CANARY} AND',
        'IS_VALID = f"{_DECODED} AND',
        "tests/integration/test_records.py",
        says="canary",
    ),
    Guard(
        "the name of a canary hides nobody else's events from a fold",
        "pipeline/contract/rules.py",
        "(NO_CANARY if _claims_canary(event) and not _is_canary(event) else None)",
        "None",
        "tests/unit/pipeline/contract/test_vectors.py",
        says="canary",
    ),
    Guard(
        "a marker of another boot is none",
        "pipeline/cache/cache_rebuild.py",
        "return client.get(complete_key()) == boot_id()",
        "return client.get(complete_key()) is not None",
        "tests/unit/pipeline/cache/test_marker.py::test_a_marker_of_another_boot_is_none",
        says="True = is_complete(",
    ),
    Guard(
        "a Redis that stands still is not believed",
        "pipeline/cache/cache_manager.py",
        "if not self._stands_still(cached):",
        "if True:",
        "tests/integration/test_cache_manager.py::"
        "test_where_redis_stands_still_and_postgres_is_further_postgres_answers",
        says="<Source.REDIS: 'redis'> != <Source.POSTGRES: 'postgres'>",
    ),
    Guard(
        "a rebuild that was lost meanwhile is not complete",
        "pipeline/cache/cache_rebuild.py",
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n",
        "",
        "tests/integration/test_dead_letter_replay.py::test_a_loss_in_the_middle_of_a_rebuild_is_noticed",
        says="True = rebuild(",
    ),
    Guard(
        "a recount leaves a Redis that is being restored to its keeper",
        "pipeline/recount.py",
        "if cached_ranges and was_complete:",
        "if cached_ranges:",
        "tests/integration/test_dead_letter_replay.py::test_a_recount_leaves_a_redis_that_is_being_restored_to_its_keeper",
        says="True = is_complete(",
    ),
    Guard(
        "a job never begins anew while it has a checkpoint",
        "compose/stack/jobs/start_gate.py",
        "problem = self._unrestorable(job, checkpoints) if checkpoints and restore_point is None else None",
        "problem = None",
        "tests/unit/compose/stack/jobs/test_keeper.py::test_a_checkpoint_that_fails_twice_is_passed_over_for_an_older_one",
        says="assert not True",
    ),
    Guard(
        "a checkpoint that can't be restored is passed over",
        "compose/stack/jobs/keeper.py",
        "if found.count < RESTORE_ATTEMPTS:",
        "if True:",
        "tests/unit/compose/stack/jobs/test_keeper.py::test_a_job_that_fails_to_restore_is_cancelled_and_its_checkpoint_passed_over",
        says="assert [] == ['1']",
    ),
    Guard(
        "a sink's outage says nothing about a checkpoint",
        "compose/stack/jobs/restoring.py",
        "return any(mark in stack_trace for mark in MARKS)",
        "return True",
        "tests/unit/compose/stack/jobs/test_restoring.py::test_a_sinks_outage_and_a_dead_taskmanager_say_nothing_about_a_checkpoint",
        says="assert 3 == 0",
    ),
    Guard(
        "loss is accepted once",
        "compose/stack/jobs/start_gate.py",
        "accept.unlink()",
        "pass",
        "tests/unit/compose/stack/jobs/test_keeper.py::test_a_job_starts_without_its_state_where_that_was_accepted",
        says="assert not True",
    ),
    Guard(
        "a topic that was recreated is another one",
        "compose/stack/jobs/topic_loss.py",
        "if known_id is not None and known_id != state.topic_id:",
        "if False:",
        "tests/unit/compose/stack/jobs/test_topic_loss.py::test_a_topic_with_another_id_is_another_topic",
        says="assert None is not None",
    ),
    Guard(
        "no consumer jumps over records that are gone",
        "pipeline/source.py",
        '"properties.auto.offset.reset": offset_reset,',
        '"properties.auto.offset.reset": "earliest",',
        "tests/unit/pipeline/test_sql.py::test_a_consumer_whose_offset_is_gone_fails",
        says="'none'",
    ),
    Guard(
        "the writer deletes nothing",
        "pipeline/store/migrations/0004_grants.sql",
        "GRANT SELECT, INSERT, UPDATE\n",
        "GRANT SELECT, INSERT, UPDATE, DELETE\n",
        "tests/integration/test_partitions.py::test_the_writer_can_neither_delete_nor_change_the_schema",
        says="DID NOT RAISE InsufficientPrivilege",
    ),
    Guard(
        "a reader of Redis writes nothing",
        "compose/stack/services/redis_server.py",
        '{READS} {FIGURES}"',
        '{READS} {FIGURES} {SCRIPTS} {WRITES}"',
        "tests/integration/test_access.py::test_a_user_of_redis_is_refused_what_is_not_its_business",
        says="DID NOT RAISE ResponseError",
    ),
    Guard(
        "nobody gets into Redis without a name",
        "compose/stack/services/redis_server.py",
        '"user default off resetpass',
        '"user default on nopass',
        "tests/unit/compose/stack/services/test_redis_restart.py::test_nobody_becomes_the_user_that_replays",
        says="DID NOT RAISE any of",
    ),
    Guard(
        "everything listens on the loopback interface alone",
        f"{_JAVA}/adctr/flink/LoopbackHttpServerProvider.java",
        "address != null && address.getAddress().isAnyLocalAddress()",
        "address == null",
        "tests/integration/test_access.py::test_everything_listens_on_the_loopback_interface_alone",
        says="} <= {'127.0.0.1'",
    ),
    Guard(
        "the record of a stack has no secret",
        "compose/stack/state.py",
        " if key not in _SECRET_FIELDS",
        "",
        "tests/unit/compose/stack/test_configuration.py::test_the_record_has_the_settings_and_no_password",
        says="assert not ['r3dis'",
    ),
    Guard(
        "text of others steers no terminal",
        "pipeline/shared/terminal_safe.py",
        "each if each.isprintable() else ascii(each)[1:-1]",
        "each",
        "tests/unit/compose/cli/test_hostile_arguments.py::test_what_is_printed_steers_no_terminal",
        says="= printable('",
    ),
    Guard(
        "a fault leaves alone what must be kept",
        "slo/faults/fault.py",
        "for each in self.kept if each.verdict is Verdict.FAIL]",
        "for each in self.kept if each.verdict is Verdict.NOT_JUDGED]",
        "tests/unit/slo/faults/test_fault.py::test_each_way_to_fail_says_so",
        says="not kept: too slow",
    ),
    Guard(
        "a reader gets an answer throughout a fault",
        "slo/faults/fault.py",
        "# control: unanswered reads",
        "if False:",
        "tests/unit/slo/faults/test_fault.py::test_each_way_to_fail_says_so",
        says="1 of 100 reads got no answer",
    ),
    Guard(
        "a fault that nobody felt is none",
        "slo/disturbances/injections.py",
        "if link.strikes == before:",
        "if False:",
        "tests/unit/slo/disturbances/test_link.py::test_a_fault_that_nobody_felt_is_none",
        says="DID NOT RAISE NotStruck",
    ),
    Guard(
        "a quote that never closes costs one row of a log",
        "loadgen/replay/csv_rows.py",
        "self._again.extendleft(reversed(record[1:]))",
        "pass",
        "tests/unit/loadgen/replay/test_log_file.py::test_a_quote_that_is_never_closed",
        says="assert 19",
    ),
    Guard(
        "a time pattern reads back what it writes",
        "loadgen/replay/time_pattern.py",
        "_problem(directives) or _squeezed(pattern) or _not_back(pattern)",
        "_problem([]) if not directives else None",
        "tests/unit/loadgen/replay/test_times.py::test_what_is_no_format",
        says="DID NOT RAISE LoadRefused",
    ),
    Guard(
        "no digit separates date and time",
        "loadgen/replay/times.py",
        "if found is None:\n        raise ValueError(text)",
        "if found is None:\n        return datetime.fromisoformat(text)",
        "tests/unit/loadgen/replay/test_times.py::test_what_is_no_time",
        says="DID NOT RAISE ValueError",
    ),
    Guard(
        "no row of a log waits for years",
        "loadgen/replay/schedule.py",
        "if gap_ns > self.max_gap_ns:",
        "if False:",
        "tests/unit/loadgen/replay/test_schedule.py::test_a_clock_that_is_wrong",
        says="1000000000.0",
    ),
    Guard(
        "where nothing was compared nothing is exact",
        "slo/reconciliation/report.py",
        "return self.found.total == 0 and self.anything_verified",
        "return self.found.total == 0",
        "tests/unit/slo/reconciliation/test_reading.py::test_nothing_compared_is_not_exact",
        says="True = Report(records=0",
    ),
    Guard(
        "a difference is found",
        "slo/reconciliation/compare.py",
        'if want != have:\n            what = "missing"',
        'if want is None:\n            what = "missing"',
        "tests/unit/slo/reconciliation/test_sabotage.py",
        says="assert [] == [('different', 'shoes')]",
    ),
    Guard(
        "a difference that may be chance has no colour",
        "dashboards/business/view/difference.py",
        "return self.low <= 0.0 <= self.high",
        "return False",
        "tests/unit/dashboards/test_view.py::test_only_a_difference_that_chance_does_not_explain_has_a_sign",
        says="assert (-1, False) == (0, True)",
    ),
]
"""In the order of an event's way through the pipeline, and the check of it all last."""
