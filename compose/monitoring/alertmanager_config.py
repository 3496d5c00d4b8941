"""alertmanager.yml: everything to one webhook, a page of an objective silences its tickets. Pure."""

from __future__ import annotations

from typing import Any

from slo.burn_rate import Severity

NOBODY = "nobody"
WEBHOOK = "webhook"


def alertmanager_config(
    webhook_url: str, group_wait: str = "10s", group_interval: str = "1m", repeat_interval: str = "4h"
) -> dict[str, Any]:
    """The document. Without a webhook alerts are shown by Alertmanager's own page and sent to nobody."""
    receiver = WEBHOOK if webhook_url else NOBODY
    receivers: list[dict[str, Any]] = [{"name": NOBODY}]
    if webhook_url:
        receivers.append({"name": WEBHOOK, "webhook_configs": [{"url": webhook_url, "send_resolved": True}]})
    return {
        "route": {
            "receiver": receiver,
            "group_by": ["objective", "severity"],
            "group_wait": group_wait,
            "group_interval": group_interval,
            "repeat_interval": repeat_interval,
        },
        # Who is woken by an objective's breach need not be told that it is also a ticket.
        "inhibit_rules": [
            {
                "source_matchers": [f'severity="{Severity.PAGE}"'],
                "target_matchers": [f'severity="{Severity.TICKET}"'],
                "equal": ["objective"],
            }
        ],
        "receivers": receivers,
    }
