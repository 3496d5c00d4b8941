"""The age of what the dashboard shows: the time since the figures on an open page were read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from pipeline.settings import Settings
from slo.probes.probe import Probe, Sample
from slo.probes.viewer import DashboardUnavailable, Viewer
from slo.spec.model import Indicator

IDLE_SECONDS = 1.0


class Dashboard(Probe):
    """Keeps the page open as a viewer does (`slo.probes.viewer`), and looks at it five times a second.

    What is on the page gets older until the next refresh replaces it, also when the dashboard freezes or goes. Where a
    stack runs no dashboard there is nothing to look at, and the series says so.
    """

    name = "dashboard"
    indicators = (Indicator.DASHBOARD_AGE,)
    period_seconds = 0.2

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._url = settings.dashboard_url
        self._viewer = Viewer(settings.dashboard_url)
        self._clock = clock

    def look(self) -> Iterable[Sample]:
        if not self._url:
            return ()
        if self._viewer.read_at_seconds is None:
            self._viewer.open()
        self._viewer.attend()
        read_at = self._viewer.read_at_seconds
        if read_at is None:
            raise DashboardUnavailable(f"the dashboard at {self._url} shows no figures")
        now = self._clock()
        return [Sample(Indicator.DASHBOARD_AGE, now, now - read_at)]

    def idle_seconds(self) -> float:
        return 0.0 if self._url else IDLE_SECONDS

    def void(self) -> str:
        return "" if self._url else "this stack runs no dashboard"

    def notes(self) -> Mapping[str, float | int | str]:
        return {"dashboard_refreshes": len(self._viewer.refreshes)} if self._url else {}

    def close(self) -> None:
        self._viewer.close()
