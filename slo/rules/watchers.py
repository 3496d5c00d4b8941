"""Alerts that belong to no objective: who watches is watched, and what must not fill up or go unseen. Pure.

Each has a label ``subject``. Alertmanager makes one notification of those with the same one, and a page of a subject
silences its tickets (compose/monitoring/alertmanager_config.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slo.burn_rate import Severity, window_name
from slo.rules import expressions
from slo.rules.rule import AlertingRule, RuleGroup
from slo.spec.metrics import (
    DEFAULT_PARTITION_ROWS,
    DISK_FREE,
    DISK_SIZE,
    EXPORTER_JOB,
    FLINK_JOB,
    LETTERS_EXPIRING,
    PROBE_FAILURES,
    TOPIC_RECORDS,
)

TARGET_DOWN = "TargetDown"
PROBE_FAILS = "ProbeFails"
JOB_RESTARTS = "JobRestarts"
NO_SEVERITY = "none"
"""The watchdog's: it is neither a page nor a ticket."""
GROUP = "adctr-probes"
_SILENT_FOR = "5m"
_FEW = 100
"""Fewer bad records in five minutes are no burst, whatever share they are."""


@dataclass(frozen=True)
class Watch:
    """One alert; ``runbook`` is a page of docs/runbooks without its suffix."""

    alert: str
    subject: str
    severity: str
    expr: str
    summary: str
    description: str
    runbook: str
    for_: str = ""


def rule_group(service: str, docs_url: str, other_rules: int, window_seconds: float) -> RuleGroup:
    """The group of all of them.

    ``other_rules``: how many the file has beside it, all of which must be there. ``window_seconds``: how far error
    budgets look back.
    """
    watches = [*_watching(), _history_too_short(window_seconds), *_records(), *_jobs(), *_storage()]
    watches.append(_rules_missing(other_rules + len(watches) + 1))
    return RuleGroup(GROUP, tuple(_rules(watches, service, docs_url)))


def _rules(watches: Sequence[Watch], service: str, docs_url: str) -> Iterator[AlertingRule]:
    for each in watches:
        annotations = {
            "summary": each.summary,
            "description": each.description,
            "runbook_url": f"{docs_url.rstrip('/')}/runbooks/{each.runbook}.md",
        }
        labels = {"service": service, "subject": each.subject, "severity": str(each.severity)}
        yield AlertingRule(each.alert, each.expr, labels, annotations, each.for_)


def _watching() -> Iterator[Watch]:
    yield Watch(
        expressions.WATCHDOG,
        "watchdog",
        NO_SEVERITY,
        "vector(1)",
        "Prometheus evaluates rules and Alertmanager sends",
        "Always fires. The service behind ADCTR_WATCHDOG_URL has to tell you when the posts stop.",
        "watchdog",
    )
    yield Watch(
        "ExporterDown",
        "exporter",
        Severity.PAGE,
        expressions.exporter_down(),
        "The exporter of adctr{{ with $labels.instance }} at {{ . }}{{ end }} is down",
        "Nobody measures any objective, so no other alert can fire. Look at its host first, then at `adctr status`.",
        "exporter_down",
        "2m",
    )
    yield Watch(
        PROBE_FAILS,
        "probes",
        Severity.TICKET,
        f"sum by (probe) (increase({PROBE_FAILURES}[5m])) > 0",
        "The probe {{ $labels.probe }} gets no answers",
        "Its figures are old. See `adctr status` for the service that it asks.",
        "probes",
        _SILENT_FOR,
    )
    yield Watch(
        "SamplesImplausible",
        "samples",
        Severity.TICKET,
        expressions.implausible(),
        "{{ $labels.indicator }} has latencies below zero",
        "Canaries are counted twice, or a clock stepped. Such samples are left out, so most of the latency is unknown.",
        "probes",
        _SILENT_FOR,
    )
    yield Watch(
        TARGET_DOWN,
        "targets",
        Severity.TICKET,
        f'up{{job!="{EXPORTER_JOB}"}} == 0\nor\n'
        f'(absent(up{{job="{FLINK_JOB}"}}) and on () max(up{{job="{EXPORTER_JOB}"}}) == 1)',
        "Prometheus gets no answer from {{ $labels.job }}{{ with $labels.instance }} at {{ . }}{{ end }}",
        "Its metrics are missing: dashboards are empty, and alerts about them cannot fire.",
        "targets",
        "5m",
    )
    yield Watch(
        "RulesFail",
        "rules",
        Severity.TICKET,
        "sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[5m]))\n+\n"
        "sum by (rule_group) (increase(prometheus_rule_group_iterations_missed_total[5m]))\n> 0",
        "Rules of {{ $labels.rule_group }} are not evaluated",
        "Their alerts cannot fire, and their recorded series are missing.",
        "rules",
        "5m",
    )
    yield Watch(
        "ConfigNotReloaded",
        "rules",
        Severity.TICKET,
        "prometheus_config_last_reload_successful == 0 or alertmanager_config_last_reload_successful == 0",
        "{{ $labels.job }} refuses its new configuration",
        "The previous one stays in force, with its rules and receivers.",
        "rules",
        "5m",
    )


def _rules_missing(rules: int) -> Watch:
    return Watch(
        "RulesMissing",
        "rules",
        Severity.TICKET,
        f'sum(prometheus_rule_group_rules{{rule_group=~".*;adctr-.*"}}) < {rules}',
        "Prometheus has {{ $value }} rules of adctr and should have " + str(rules),
        "Some alerts cannot fire. Make the file anew with `adctr slo rules`, and load all of it.",
        "rules",
        "5m",
    )


def _history_too_short(window_seconds: float) -> Watch:
    """A young Prometheus has deleted nothing, and is none."""
    deleted = "prometheus_tsdb_size_retentions_total + prometheus_tsdb_time_retentions_total > 0"
    return Watch(
        "HistoryTooShort",
        "history",
        Severity.TICKET,
        f"(time() - prometheus_tsdb_lowest_timestamp_seconds and on (instance) {deleted})\n"
        f"< {expressions.number(window_seconds)}",
        f"Prometheus keeps {{{{ $value | humanizeDuration }}}} and error budgets are for {window_name(window_seconds)}",
        "Budgets are computed from what is left, so a breach is forgotten too early. "
        "Give it more by --storage.tsdb.retention.size and .time.",
        "rules",
        "1h",
    )


def _increase(holds: str, window: str) -> str:
    return f'sum(increase({TOPIC_RECORDS}{{holds="{holds}"}}[{window}]))'


def _share(holds: str, window: str, limit: str) -> str:
    return f"{_increase(holds, window)}\n/\n{_increase('events', window)}\n> {limit}"


def _records() -> Iterator[Watch]:
    for holds, name, words, burst in (
        ("dead_letters", "DeadLetters", "records can't be counted and are dead letters", Severity.PAGE),
        ("late_events", "LateEvents", "events come too late to be counted in their windows", Severity.TICKET),
    ):
        yield Watch(
            f"{name}Rate",
            holds,
            Severity.TICKET,
            _share(holds, "1h", "0.01"),
            "{{ $value | humanizePercentage }} of an hour's " + words,
            "Some producer is wrong, or slow, all the time. `adctr dlq list` has reasons."
            if holds == "dead_letters"
            else "Some producer holds events back, or its clock is behind.",
            holds,
            "15m",
        )
        yield Watch(
            f"{name}Burst",
            holds,
            burst,
            f"{_share(holds, '5m', '0.1')}\nand\n{_increase(holds, '5m')} > {_FEW}",
            "{{ $value | humanizePercentage }} of five minutes' " + words,
            "Something has changed just now: a producer's release, a schema, a clock, a backlog that is sent.",
            holds,
            "2m",
        )
    yield Watch(
        "DeadLettersExpire",
        "dead_letters_expire",
        Severity.TICKET,
        f'{LETTERS_EXPIRING}{{holds="dead_letters"}} > 0',
        "{{ $value }} dead letters are deleted soon",
        "Four fifths of ADCTR_DEAD_LETTER_RETENTION_DAYS have passed since their record time. "
        "Replay or export them, or raise the limit, before Kafka deletes them.",
        "dead_letters",
        "10m",
    )


def _jobs() -> Iterator[Watch]:
    yield Watch(
        "JobBlocked",
        "jobs",
        Severity.PAGE,
        "adctr_job_blocked == 1",
        "{{ $labels.job }} is not started",
        "It would lose records or state. `adctr status` says which. The job waits for your decision, see the runbook.",
        "jobs",
        "1m",
    )
    yield Watch(
        JOB_RESTARTS,
        "jobs",
        Severity.TICKET,
        f'sum by (job_name) (increase(flink_jobmanager_job_numRestarts{{job="{FLINK_JOB}"}}[30m])) > 2',
        "{{ $labels.job_name }} was restarted {{ $value | humanize }} times in half an hour",
        "Each restart reads again from the last checkpoint: counts stay exact and come later.",
        "jobs",
    )
    yield Watch(
        "RecordsDropped",
        "dropped_records",
        Severity.PAGE,
        f'sum by (job_name) (flink_taskmanager_job_task_operator_numLateRecordsDropped{{job="{FLINK_JOB}"}}) > 0',
        "{{ $labels.job_name }} has dropped {{ $value }} records",
        "A window dropped an event that the rules count, so a count is too low. This must never happen.",
        "dropped_records",
        "1m",
    )


def _storage() -> Iterator[Watch]:
    yield Watch(
        "DefaultPartitionRows",
        "default_partition",
        Severity.TICKET,
        f"{DEFAULT_PARTITION_ROWS} > 0",
        "{{ $value }} rows of raw_events lie in no day's partition",
        "The cache keeper creates days and moves rows every hour, and has not. "
        "They are in no day that can be dropped, so they are kept forever.",
        "default_partition",
        "2h",
    )
    free = f"{DISK_FREE} / {DISK_SIZE}"
    for name, severity, limit, for_ in (
        ("DiskFills", Severity.TICKET, "0.15", "10m"),
        ("DiskAlmostFull", Severity.PAGE, "0.05", "5m"),
    ):
        yield Watch(
            name,
            "disk",
            severity,
            f"{free} < {limit}",
            "{{ $value | humanizePercentage }} of the disk with the checkpoints are free",
            "Without space jobs make no checkpoints, Kafka and PostgreSQL stop.",
            "disk",
            for_,
        )
