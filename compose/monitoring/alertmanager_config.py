"""alertmanager.yml: alerts to one webhook, one notification per cause, and a dead man's switch. Pure."""

from __future__ import annotations

from typing import Any

from slo.burn_rate import Severity
from slo.rules.expressions import WATCHDOG
from slo.rules.watchers import JOB_RESTARTS, PROBE_FAILS, TARGET_DOWN
from slo.spec.metrics import FLINK_JOB

NOBODY = "nobody"
WEBHOOK = "webhook"
WATCHDOG_RECEIVER = "watchdog"
CAUSE = ["objective", "subject"]
"""The labels that say what an alert is about: its objective, or the subject of a rule that watches the watchers."""
WATCHDOG_REPEAT = "1m"


def alertmanager_config(
    webhook_url: str,
    watchdog_url: str = "",
    group_wait: str = "10s",
    group_interval: str = "1m",
    repeat_interval: str = "4h",
) -> dict[str, Any]:
    """The document. Without a webhook alerts are shown by Alertmanager's own page and sent to nobody.

    The watchdog fires always: ``watchdog_url`` is posted to every minute, and who listens there notices that it ends.
    """
    watchdog = {
        "receiver": WATCHDOG_RECEIVER if watchdog_url else NOBODY,
        "matchers": [f'alertname="{WATCHDOG}"'],
        "group_wait": "0s",
        "group_interval": WATCHDOG_REPEAT,
        "repeat_interval": WATCHDOG_REPEAT,
    }
    return {
        "route": {
            "receiver": WEBHOOK if webhook_url else NOBODY,
            "group_by": [*CAUSE, "severity"],
            "group_wait": group_wait,
            "group_interval": group_interval,
            "repeat_interval": repeat_interval,
            "routes": [watchdog],
        },
        "inhibit_rules": [
            # Who is woken by a breach need not be told that it is also a ticket.
            {
                "source_matchers": [f'severity="{Severity.PAGE}"'],
                "target_matchers": [f'severity="{Severity.TICKET}"'],
                "equal": CAUSE,
            },
            # A probe that gets no answer leaves its indicators without a figure.
            {
                "source_matchers": [f'alertname="{PROBE_FAILS}"'],
                "target_matchers": ['alertname=~".+Silent"'],
                "equal": ["probe"],
            },
            # A process of Flink that is gone takes the jobs on it along.
            {
                "source_matchers": [f'alertname="{TARGET_DOWN}"', f'job="{FLINK_JOB}"'],
                "target_matchers": [f'alertname="{JOB_RESTARTS}"'],
            },
        ],
        "receivers": _receivers(webhook_url, watchdog_url),
    }


def _receivers(webhook_url: str, watchdog_url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"name": NOBODY}]
    if webhook_url:
        found.append({"name": WEBHOOK, "webhook_configs": [{"url": webhook_url, "send_resolved": True}]})
    if watchdog_url:
        found.append({"name": WATCHDOG_RECEIVER, "webhook_configs": [{"url": watchdog_url, "send_resolved": False}]})
    return found
