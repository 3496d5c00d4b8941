"""The job keeper's reports as metrics."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from pipeline.job_report import JobReport, Lost, read_reports, write_reports
from slo.exporter.job_reports import JobReports


def test_reports_come_back_as_they_were_written(tmp_path: Path) -> None:
    reports = {"live": JobReport("why", ("chk-1",), (Lost(0, 5, 9), Lost(1, 0, 3)), "id"), "store": JobReport()}
    write_reports(str(tmp_path), reports)
    assert read_reports(str(tmp_path)) == reports


def test_a_file_that_is_not_there_or_damaged_reports_nothing(tmp_path: Path) -> None:
    assert read_reports(str(tmp_path)) == {}
    assert read_reports("s3://bucket/checkpoints") == {}
    for text in ("", "[]", '{"live": 5}', '{"live": {"blocked": null}}'):
        (tmp_path / "keeper.json").write_text(text)
        assert read_reports(str(tmp_path)) == {}


def test_each_job_has_its_metrics(tmp_path: Path) -> None:
    """0 where there is nothing to report, so that a rule can rely on the series."""
    write_reports(str(tmp_path), {"live": JobReport("why", ("chk-1", "chk-2"), (Lost(0, 5, 9), Lost(1, 0, 3)))})
    registry = CollectorRegistry()
    JobReports(registry, str(tmp_path))
    found = {
        (name, job): registry.get_sample_value(f"adctr_{name}", {"job": job})
        for name in ("job_blocked", "checkpoints_passed_over", "records_lost")
        for job in ("live", "store")
    }
    assert found == {
        ("job_blocked", "live"): 1,
        ("job_blocked", "store"): 0,
        ("checkpoints_passed_over", "live"): 2,
        ("checkpoints_passed_over", "store"): 0,
        ("records_lost", "live"): 7,
        ("records_lost", "store"): 0,
    }
