"""Upper edges of the histograms, beside those that the objectives put in (`slo.spec.metrics.bucket_edges`)."""

from __future__ import annotations

from collections.abc import Mapping

from slo.spec.model import Indicator

_VISIBLE = (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_READ = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)

USUAL_EDGES_SECONDS: Mapping[Indicator, tuple[float, ...]] = {
    Indicator.EVENT_TO_REDIS: _VISIBLE,
    Indicator.EVENT_TO_POSTGRES: _VISIBLE,
    Indicator.WINDOW_CLOSE: _VISIBLE,
    Indicator.CACHE_READ: _READ,
    Indicator.CACHE_READ_BARE: _READ,
    Indicator.CHECKPOINT_DURATION: (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0),
}
