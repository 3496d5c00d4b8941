"""Real sabotage, a real exporter, a real Prometheus with the generated rules, a real Alertmanager: is the on-call told?

Alerts of every kind of objective, of failing probes and of a dead exporter. With the windows of the SRE workbook that
would take hours, so all but the first see rules whose every duration is a sixtieth: an hour passes in a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from compose.monitoring import binaries
from slo.disturbances import sabotage
from slo.disturbances.injections import checkpoints_full
from slo.rules.rule_file import rule_file
from slo.spec.parse import load_bundled
from tests.integration.alerting import Bench, OnCall, an_hour_in_a_minute, on_call, required
from tests.integration.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

pytestmark = pytest.mark.embedded

SOON_SECONDS = 120.0
"""Folding the topic of a whole test session and waiting for a checkpoint takes its time."""
MINUTES_SECONDS = 240.0

LEAKED_PER_SECOND = 1000
"""Campaigns: enough for checkpoints to grow faster than the objective allows."""

_frozen = sabotage.processes_frozen
KINDS: dict[str, tuple[str, Callable[..., AbstractContextManager[Any]]]] = {
    "latency": ("CacheReadBurnsErrorBudget", sabotage.cache_reads_slow),
    "ceiling": ("RedisKeysWithoutTtlAboveCeiling", sabotage.ttl_removed),
    "freshness": ("CheckpointAgeBurnsErrorBudget", checkpoints_full),
    "probe": ("ProbeFails", partial(_frozen, services=("redis",))),
    "growth": ("CheckpointSizeGrowthGrows", partial(sabotage.state_leak, campaigns_per_second=LEAKED_PER_SECOND)),
}
"""Kind → its alert, and what is done to the stack so that it fires. Correctness and a dead exporter have own tests."""


@pytest.fixture
def programs() -> None:
    """Asked for before the stack is started: without them there is nothing to start it for."""
    required(binaries.PROMETHEUS)
    required(binaries.ALERTMANAGER)


def test_a_difference_pages_and_its_repair_resolves_the_page(
    programs: None, stack: RunningStack, tmp_path: Path
) -> None:
    """An event is gone from the record; the on-call is told, and told when it is back."""
    alert = "CountsExactDiffers"
    with on_call(stack, tmp_path, rule_file(load_bundled())) as duty:
        differences = partial(duty.value, "adctr_count_differences")
        eventually("the first verification", lambda: len(differences()) == 1, SOON_SECONDS)
        assert differences() == ["0"], "before anything was done"
        groups = duty.ask("rules")["groups"]
        assert [rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")] == []
        assert alert not in duty.firing()
        with sabotage.one_event_lost(Bench(stack)):
            eventually("the alert fires", lambda: alert in duty.firing(), SOON_SECONDS)
            eventually("the webhook is told", lambda: duty.inbox.has(alert), 30.0)
        eventually("the webhook is told of the end", lambda: duty.inbox.has(alert, "resolved"), SOON_SECONDS)
        assert differences() == ["0"]


@pytest.fixture(scope="module")
def quick(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnCall]:
    """A reader whose hour passes in a minute."""
    rules = an_hour_in_a_minute(rule_file(load_bundled()))
    with on_call(stack, tmp_path_factory.mktemp("alerts"), rules) as duty:
        yield duty


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_an_alert_of_each_kind_reaches_the_webhook(
    programs: None, stack: RunningStack, quick: OnCall, kind: str
) -> None:
    """Not before it is done, while it lasts, and until it is over."""
    alert, do = KINDS[kind]
    eventually("the exporter is asked", lambda: quick.value('up{job="adctr"}') == ["1"], SOON_SECONDS)
    eventually(f"{alert} is quiet", lambda: alert not in quick.firing(), MINUTES_SECONDS)
    so_far = len(quick.inbox.got)
    with do(Bench(stack)):
        eventually(f"{alert} reaches the webhook", lambda: quick.inbox.has(alert, since=so_far), MINUTES_SECONDS)
    eventually(f"{alert} is resolved", lambda: quick.inbox.has(alert, "resolved", so_far), MINUTES_SECONDS)


@pytest.mark.long
def test_an_exporter_that_is_killed_is_one_page(programs: None, quick: OnCall) -> None:
    """Last, because the exporter is dead afterwards. No objective's silence is told beside it."""
    eventually("somebody is measuring", lambda: "RedisMemorySilent" not in quick.firing(), SOON_SECONDS)
    so_far = len(quick.inbox.got)
    quick.exporter.kill()
    eventually("the webhook is told", lambda: quick.inbox.has("ExporterDown", since=so_far), SOON_SECONDS)
    fired = 'count_over_time(ALERTS{alertname="ExporterDown", alertstate="firing"}[1m]) > 20'
    eventually("it fires for longer than silence waits", lambda: quick.value(fired) != [], SOON_SECONDS)
    told = {alert for alert, status in quick.inbox.got[so_far:] if status == "firing"}
    assert not {alert for alert in told if alert.endswith("Silent")}
