"""The specification as a Prometheus rule file. Pure and deterministic: the same specification gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from slo import burn_rate
from slo.burn_rate import Severity, window_name
from slo.rules import expressions, watchers
from slo.rules.rule import AlertingRule, RecordingRule, RuleGroup, literal, to_yaml
from slo.spec.metrics import JOB_INDICATORS, PROBE_OF
from slo.spec.model import Kind, Objective, Specification

HEADING = "Made by `adctr slo rules`; change slo/objectives.yaml instead."
DEFAULT_DOCS_URL = "docs"

_CEILING_FOR = "1m"
_SILENT_FOR = "5m"
_PROBES_RUNBOOK = "runbooks/probes.md"


def rule_file(specification: Specification, docs_url: str = DEFAULT_DOCS_URL) -> str:
    """The YAML text of all rules. ``docs_url`` is where docs/ can be read; runbook links start with it."""
    groups = [_Rules(specification, objective, docs_url).group() for objective in specification.objectives]
    rules = sum(len(group.rules) for group in groups)
    window_seconds = specification.time_window.duration_seconds
    groups.append(watchers.rule_group(specification.service, docs_url, rules, window_seconds))
    return to_yaml(groups, HEADING)


class _Rules:
    """The rules of one objective."""

    def __init__(self, specification: Specification, objective: Objective, docs_url: str) -> None:
        self._objective = objective
        self._labels = {"objective": objective.name, "service": specification.service}
        self._docs_url = docs_url.rstrip("/")
        self._alerts = burn_rate.alerts(objective.target, specification.time_window.duration_seconds)

    def group(self) -> RuleGroup:
        """Recorded first, as the alerts look at what was recorded."""
        breaches = _BREACHES[self._objective.kind](self)
        rules: list[RecordingRule | AlertingRule] = [*self._recordings(), *breaches, self._silent()]
        return RuleGroup(f"adctr-{self._objective.name.replace('_', '-')}", rules)

    def _recordings(self) -> Iterator[RecordingRule]:
        if self._objective.kind not in (Kind.LATENCY, Kind.FRESHNESS):
            return
        if self._objective.kind is Kind.FRESHNESS:
            yield RecordingRule(expressions.IS_BAD, expressions.is_bad(self._objective), self._labels)
        for seconds in sorted({each for alert in self._alerts for each in (alert.long_seconds, alert.short_seconds)}):
            window = window_name(seconds)
            expr = expressions.error_ratio(self._objective, window)
            yield RecordingRule(f"{expressions.ERROR_RATIO}{window}", expr, self._labels)

    def burns(self) -> Iterator[AlertingRule]:
        """One alert per severity; the workbook joins the windows of a severity by `or`."""
        for severity in Severity:
            rows = [alert for alert in self._alerts if alert.severity is severity]
            if rows:
                expr = "\nor\n".join(expressions.burns(self._objective, row) for row in rows)
                yield self._alert("BurnsErrorBudget", expr, severity)

    def above_ceiling(self) -> Iterator[AlertingRule]:
        yield self._alert("AboveCeiling", expressions.above_ceiling(self._objective), Severity.TICKET, _CEILING_FOR)

    def grows(self) -> Iterator[AlertingRule]:
        """After a start, growth within the warm-up stays in the derivative's window for as long as that is."""
        until_warm = self._objective.warm_up_seconds + expressions.GROWTH_WINDOW_SECONDS
        yield self._alert("Grows", expressions.grows(self._objective), Severity.TICKET, window_name(until_warm))

    def differs(self) -> Iterator[AlertingRule]:
        """At once: a wrong count stays wrong."""
        yield self._alert("Differs", expressions.differs(), Severity.PAGE)

    def _silent(self) -> AlertingRule:
        """What nobody measures must not look healthy."""
        objective = self._objective
        annotations = {
            "summary": literal(f"Not measured: {objective.display_name}"),
            "description": _why_silent(objective),
            "runbook_url": f"{self._docs_url}/{_PROBES_RUNBOOK}",
        }
        probe = PROBE_OF.get(objective.indicator)
        of_probe = {} if probe is None else {"probe": probe}
        labels = {**self._labels, **of_probe, "severity": Severity.TICKET.value}
        return AlertingRule(self._named("Silent"), expressions.silent(objective), labels, annotations, _SILENT_FOR)

    def _alert(self, what: str, expr: str, severity: Severity, for_: str = "") -> AlertingRule:
        objective = self._objective
        annotations = _annotations(
            objective.display_name, f"{objective.why} {objective.when_broken}", f"{self._docs_url}/{objective.runbook}"
        )
        return AlertingRule(self._named(what), expr, {**self._labels, "severity": severity.value}, annotations, for_)

    def _named(self, what: str) -> str:
        return "".join(word.capitalize() for word in self._objective.name.split("_")) + what


def _why_silent(objective: Objective) -> str:
    if objective.kind is Kind.CORRECTNESS:
        return (
            "No comparison of all counts has succeeded for {{ $value | humanizeDuration }}. "
            "The exporter's log has the reason, `adctr verify` gives it at once."
        )
    of_job = "{{ with $labels.job }} of {{ . }}{{ end }}" if objective.indicator in JOB_INDICATORS else ""
    return f"{objective.indicator}{of_job} is missing or stands still. Look at its probe first."


def _annotations(summary: str, description: str, runbook_url: str) -> Mapping[str, str]:
    return {"summary": literal(summary), "description": literal(description), "runbook_url": runbook_url}


_BREACHES: Mapping[Kind, Callable[[_Rules], Iterator[AlertingRule]]] = {
    Kind.LATENCY: _Rules.burns,
    Kind.FRESHNESS: _Rules.burns,
    Kind.CEILING: _Rules.above_ceiling,
    Kind.GROWTH: _Rules.grows,
    Kind.CORRECTNESS: _Rules.differs,
}
