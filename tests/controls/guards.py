"""What keeps each invariant, and the test that must fail without it."""

from __future__ import annotations

from dataclasses import dataclass

_JAVA = "pipeline/flink_java/src"
_TRIGGERS = f"{_JAVA}/org/apache/flink/table/runtime/operators/window/groupwindow/triggers"
_EARLY_TRIGGER = f"{_TRIGGERS}/ProcessingTimeTriggers$AfterFirstElementPeriodic.java"
_CACHE_WRITER_TEST = "tests/unit/pipeline/cache/test_cache_writer.py"


@dataclass(frozen=True)
class Guard:
    """``text`` stands once in ``file`` (a path in the tree); with ``without`` in its place all else goes on working."""

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
        f"{_JAVA}/adctr/flink/Structure.java",
        "size < 0 || size > data.length - position",
        "size > data.length - position",
        "tests/unit/pipeline/contract/test_java_decoder.py::test_a_length_never_leads_backwards",
        says="'AdEvent(event_id=",
    ),
    Guard(
        "a registry that is away makes nothing unknown",
        f"{_JAVA}/adctr/flink/WriterSchemas.java",
        "unknown.clear();\n            return false;",
        "return false;",
        "tests/unit/pipeline/contract/test_java_decoder.py::test_a_registry_that_went_away_makes_nothing_unknown",
        says="is unknown to the registry",
    ),
    Guard(
        "what was unknown once may be known later",
        f"{_JAVA}/adctr/flink/WriterSchemas.java",
        "if (known.containsKey(id) || unusable.containsKey(id)) {",
        "if (known.containsKey(id) || unusable.containsKey(id) || unknown.contains(id)) {",
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
        " or tonumber(redis.call('TIME')[1]) >= expires then return 0 end",
        " then return 0 end",
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
        "if not before or tonumber(before) < tonumber(ARGV[1]) then",
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
        "compose/stack/jobs/keeper.py",
        "return checkpoints[0] if checkpoints else None",
        "return None",
        "tests/unit/compose/stack/jobs/test_keeper.py::test_a_checkpoint_that_fails_twice_is_passed_over_for_an_older_one",
        says="assert None == PosixPath(",
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
        "if self.fault.answers and unanswered:",
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
]
"""In the order of an event's way through the pipeline, and the check of it all last."""
