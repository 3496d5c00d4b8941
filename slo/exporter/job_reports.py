"""What the job keeper reports as metrics, read from the file that it leaves beside the checkpoints."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from pipeline.job_names import JOBS
from pipeline.job_report import NOTHING, read_reports, report_time

BLOCKED = "adctr_job_blocked"
PASSED_OVER = "adctr_checkpoints_passed_over"
LOST = "adctr_records_lost"


class JobReports(Collector):
    """One gauge each by the label ``job``. Registers itself with ``registry``."""

    def __init__(self, registry: CollectorRegistry, checkpoint_dir: str) -> None:
        self._checkpoint_dir = checkpoint_dir
        registry.register(self)

    def collect(self) -> Iterator[Family]:
        """Reads the file anew each time; nothing where there is none, as no keeper runs on this machine."""
        if not report_time(self._checkpoint_dir):
            return
        reports = read_reports(self._checkpoint_dir)
        blocked = GaugeMetricFamily(BLOCKED, "1: the job is not started, `adctr status` says why.", labels=["job"])
        passed_over = GaugeMetricFamily(PASSED_OVER, "Checkpoints that could not be restored.", labels=["job"])
        lost = GaugeMetricFamily(LOST, "Records that the topic lost before the job read them.", labels=["job"])
        for job in JOBS:
            report = reports.get(job, NOTHING)
            blocked.add_metric([job], float(report.blocked is not None))
            passed_over.add_metric([job], len(report.passed_over))
            lost.add_metric([job], report.lost_records)
        yield from (blocked, passed_over, lost)
