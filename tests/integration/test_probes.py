"""All probes against a real stack that has nothing but canaries to count."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import requests

from pipeline.settings import Settings
from slo.exporter.buckets import USUAL_EDGES_SECONDS
from slo.exporter.exporter import Exporter
from slo.probes.catalogue import probes_of
from slo.probes.recorder import Recorder
from slo.recording import Recording
from slo.spec.model import Indicator
from tests.integration.waiting import eventually

SOON_SECONDS = 20.0
NEXT_MINUTE_SECONDS = 90.0
"""Windows close once a minute, and a minute of canaries that did not begin on time is left out."""
QUICK = (
    Indicator.CACHE_READ,
    Indicator.CACHE_READ_BARE,
    Indicator.CHECKPOINT_SIZE,
    Indicator.CHECKPOINT_DURATION,
    Indicator.CHECKPOINT_AGE,
    Indicator.REDIS_MEMORY,
    Indicator.REDIS_KEYS,
    Indicator.REDIS_KEYS_WITHOUT_TTL,
    Indicator.REDIS_EVICTIONS,
    Indicator.CONSUMER_LAG,
)


@pytest.fixture(scope="module")
def seen() -> set[tuple[Indicator, str]]:
    """Indicator and job of the samples that have come."""
    return set()


@pytest.fixture(scope="module")
def recorder(settings: Settings, seen: set[tuple[Indicator, str]]) -> Iterator[Recorder]:
    with Recorder(probes_of(settings), also=lambda sample: seen.add((sample.indicator, sample.job))) as recorder:
        yield recorder


def test_every_probe_delivers_within_seconds(recorder: Recorder, seen: set[tuple[Indicator, str]]) -> None:
    def missing() -> list[Indicator]:
        series = recorder.recording().series
        return [indicator for indicator in QUICK if len(series[indicator].values) < 5]

    eventually("samples of every indicator", lambda: not missing(), SOON_SECONDS)
    recording = recorder.recording()
    for indicator in QUICK:
        # A broker whose first group has only just committed may not know yet who coordinates it.
        tolerated = 1 if indicator is Indicator.CONSUMER_LAG else 0
        assert recording.series[indicator].failed_looks <= tolerated, (indicator, recording.notes)
    assert highest(recording, Indicator.CACHE_READ) < 1.0
    assert highest(recording, Indicator.CACHE_READ_BARE) < 1.0
    assert 1_000 < highest(recording, Indicator.CHECKPOINT_SIZE) < 50_000_000
    assert 0 < highest(recording, Indicator.CHECKPOINT_DURATION) < 10
    assert 500_000 < highest(recording, Indicator.REDIS_MEMORY) < 20_000_000
    assert 4 <= highest(recording, Indicator.REDIS_KEYS) < 1_000
    assert highest(recording, Indicator.REDIS_KEYS_WITHOUT_TTL) == 0
    assert highest(recording, Indicator.REDIS_EVICTIONS) == 0
    for indicator in (Indicator.CONSUMER_LAG, Indicator.CHECKPOINT_SIZE):
        assert {job for of, job in seen if of is indicator} == {"adctr-live", "adctr-store"}


def test_canaries_and_closing_windows_are_timed(recorder: Recorder) -> None:
    def seen(indicator: Indicator) -> int:
        return len(recorder.recording().series[indicator].values)

    for store in (Indicator.EVENT_TO_REDIS, Indicator.EVENT_TO_POSTGRES):
        eventually(f"20 canaries: {store}", lambda store=store: seen(store) >= 20, NEXT_MINUTE_SECONDS)
    eventually("a window closes", lambda: seen(Indicator.WINDOW_CLOSE) >= 1, NEXT_MINUTE_SECONDS)
    recording = recorder.recording()
    for indicator in (Indicator.EVENT_TO_REDIS, Indicator.EVENT_TO_POSTGRES, Indicator.WINDOW_CLOSE):
        series = recording.series[indicator]
        assert (series.void, series.failed_looks) == ("", 0)
        assert 0 < np.median(series.values) < SOON_SECONDS
        assert series.lowest is not None
        assert 0 < np.max(series.values - series.lowest) < SOON_SECONDS


def test_the_exporter_has_them_all(settings: Settings) -> None:
    wanted = [f"adctr_{indicator.value}" for indicator in QUICK if indicator is not Indicator.REDIS_EVICTIONS]
    wanted += ["adctr_redis_evicted_keys_total 0.0", "adctr_ceiling_redis_memory_bytes", "adctr_window_close_lateness"]
    with Exporter(settings, probes_of(settings), USUAL_EDGES_SECONDS, port=0) as exporter:

        def page() -> str:
            return requests.get(f"http://127.0.0.1:{exporter.port}/metrics", timeout=5).text

        eventually("every metric", lambda: all(name in page() for name in wanted), SOON_SECONDS)
        figures = dict(line.rsplit(" ", 1) for line in page().splitlines() if not line.startswith("#"))
    assert float(figures["adctr_redis_memory_bytes"]) < float(figures["adctr_ceiling_redis_memory_bytes"])
    assert float(figures['adctr_checkpoint_age_seconds{job="adctr-live"}']) < 30
    failures = {name: value for name, value in figures.items() if name.startswith("adctr_probe_failures_total")}
    assert len(failures) == len(probes_of(settings))
    assert set(failures.values()) == {"0.0"}


def highest(recording: Recording, indicator: Indicator) -> float:
    """The largest value; NaN if one never came."""
    values = recording.series[indicator].values
    return math.nan if np.isnan(values).any() else float(values.max())
