"""Upgrades under load: other jobs from savepoints, a newer schema of the event. Every count is right afterwards."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.error import SchemaRegistryError

from compose.process.errors import EnvironmentFailed
from compose.stack.jobs.checkpoints import complete_checkpoints
from compose.stack.jobs.savepoints import KEEPER
from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes.owner import owning
from compose.stack.processes.supervision import Supervisor
from compose.stack.state import load_settings
from loadgen.ledger import read_ledger
from loadgen.live import run_live
from loadgen.pacer import SteadyPacer
from loadgen.profiles import Profile
from loadgen.run import LoadPlan, new_run_id
from loadgen.session import Session
from loadgen.traffic import Prepared
from pipeline.contract.codec import HEADER, MAGIC_BYTE, SCHEMA_TEXT
from pipeline.contract.registry import find_schema_id, register_schema, registry_client, subject_of
from pipeline.job_names import JOBS, flink_name
from pipeline.provision import provision
from pipeline.settings import Settings
from slo.reconciliation.report import Report, to_text
from slo.reconciliation.verify import reconcile
from tests.integration.commands import adctr
from tests.integration.waiting import eventually

pytestmark = [pytest.mark.long, pytest.mark.embedded]

RATE, SECONDS = 300, 75
DISORDER = Profile("disorder", campaigns=50, late_fraction=0.02, out_of_order_fraction=0.2, invalid_fraction=0.02)
WIDE = {"ADCTR_PARALLELISM": "2"}
CHANGED = {
    "ADCTR_PARALLELISM": "3",
    "ADCTR_EARLY_FIRE_MILLISECONDS": "500",
    "ADCTR_CHECKPOINT_INTERVAL_SECONDS": "2",
}
PRICE = struct.pack("<d", 0.25)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A live stack that may be changed."""
    layout = Layout.of(tmp_path_factory.mktemp("upgrades") / "stack")
    layout.create()
    with owning(layout):
        try:
            start(layout, WIDE)
            yield layout
        finally:
            take_down(layout)


def start(layout: Layout, environ: dict[str, str], *, accept_loss: bool = False) -> Settings:
    return bring_up(
        layout.root,
        PortChoice.AUTO,
        historic=False,
        say=print,
        environ=environ,
        dashboard=False,
        accept_loss=accept_loss,
    )


def plan(directory: Path) -> LoadPlan:
    run_id = new_run_id()
    return LoadPlan(DISORDER, 1, directory / f"{run_id}.ledger", run_id)


def verified(settings: Settings, ledger: Path) -> Report:
    """The report of a reconciliation that found everything exact."""
    report = reconcile(settings, [read_ledger(ledger)], timeout_seconds=180)
    assert report.exact, to_text(report)
    assert "flink" not in {each.store for each in report.unverifiable}, "both jobs were asked, and answered: none"
    return report


def flink(settings: Settings, path: str) -> Any:
    answer = requests.get(f"{settings.flink_rest_url}{path}", timeout=10)
    answer.raise_for_status()
    return answer.json()


def running_jobs(settings: Settings) -> dict[str, dict[str, Any]]:
    """Flink's description of each job whose tasks all run, by name: one without a TaskManager is RUNNING too."""
    rows = [row for row in flink(settings, "/jobs/overview")["jobs"] if row["state"] == "RUNNING"]
    ids = [row["jid"] for row in rows if row["tasks"]["running"] == row["tasks"]["total"]]
    return {job["name"]: job for job in (flink(settings, f"/jobs/{job_id}") for job_id in ids)}


def widths(settings: Settings) -> dict[str, int]:
    """The largest parallelism in each running job."""
    return {
        name: max(vertex["parallelism"] for vertex in job["vertices"]) for name, job in running_jobs(settings).items()
    }


def test_changed_jobs_go_on_from_savepoints_and_miss_nothing(layout: Layout, tmp_path: Path) -> None:
    """`down --savepoint`, another parallelism, firing and checkpoint interval, `up`; a producer sends all the time."""
    settings = load_settings(layout.root)
    assert widths(settings) == dict.fromkeys(map(flink_name, JOBS), 2)
    outcome: list[BaseException | str] = []

    def upgrade() -> None:
        try:
            stopped = adctr(layout.root, "down", "--savepoint")
            assert stopped.returncode == 0, stopped.stderr
            outcome.append(stopped.stderr)
            assert start(layout, CHANGED) == replace(
                settings, parallelism=3, early_fire_milliseconds=500, checkpoint_interval_seconds=2
            )
        except BaseException as error:
            outcome.append(error)

    timer = threading.Timer(15, upgrade)
    timer.start()
    load = plan(tmp_path)
    result = run_live(settings, load, SteadyPacer(RATE, SECONDS), threading.Event())
    timer.join()
    assert len(outcome) == 1, outcome
    # A machine that takes longer than two minutes for it makes sends fail: then those alone, by the ledger.
    assert set(result.failures) <= {"MSG_TIMED_OUT"}
    assert result.acknowledged >= RATE * SECONDS / 3

    changed = load_settings(layout.root)
    eventually("both jobs run", lambda: len(running_jobs(changed)) == 2, 60)
    assert widths(changed) == dict.fromkeys(map(flink_name, JOBS), 3)
    log = layout.log_of("jobs").read_text(encoding="utf-8", errors="replace")
    for job in JOBS:
        savepoint = f"{changed.checkpoint_dir}/{job}/savepoints/savepoint-"
        assert f"{flink_name(job)}: file:{savepoint}" in str(outcome[0])
        assert f"submitting {job} from {savepoint}" in log
    report = verified(changed, load.ledger)
    assert report.late > 0
    assert report.dead_lettered > 0


def test_without_a_job_there_is_no_savepoint_and_the_stack_runs_on(layout: Layout) -> None:
    """The store job has lost its TaskManager: `down --savepoint` says so, stops nothing, and all is well afterwards."""
    settings, supervisor = load_settings(layout.root), Supervisor.find(layout)
    assert supervisor is not None
    supervisor.stop_processes(["taskmanager-live", "taskmanager-store"], 30)
    eventually("no job runs", lambda: not running_jobs(settings), 60)
    refused = adctr(layout.root, "down", "--savepoint")
    assert refused.returncode == 4
    assert "adctr-live, adctr-store does not run" in refused.stderr
    states = {each.name: each.state for each in supervisor.processes()}
    assert states[KEEPER] in ("STARTING", "RUNNING")
    for name in ("taskmanager-live", "taskmanager-store"):
        supervisor.start_process(name)
    eventually("both jobs run again", lambda: len(running_jobs(settings)) == 2, 90)


def changed_schema(change: Callable[[list[dict[str, Any]]], None]) -> Schema:
    """The event's schema after a change of its fields."""
    schema = json.loads(SCHEMA_TEXT)
    change(schema["fields"])
    return Schema(json.dumps(schema), "AVRO")


def with_price(fields: list[dict[str, Any]]) -> None:
    fields.append({"name": "price", "type": ["null", "double"], "default": None})


def with_price_required(fields: list[dict[str, Any]]) -> None:
    fields.append({"name": "price", "type": "double"})


def with_time_as_text(fields: list[dict[str, Any]]) -> None:
    fields[2]["type"] = "string"


class NewerProducers:
    """Traffic whose producers are upgraded one by one: from ``after`` events on every other value has the new field."""

    def __init__(self, traffic: Any, after: int, register: Callable[[], int]) -> None:
        self._traffic, self._after, self._register = traffic, after, register
        self._schema_id = 0
        self._seen = 0
        self.newer = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._traffic, name)

    def next(self) -> Prepared | None:
        prepared: Prepared | None = self._traffic.next()
        if prepared is None or self._seen < self._after:
            self._seen += 0 if prepared is None else len(prepared)
            return prepared
        self._schema_id = self._schema_id or self._register()
        values = [self._newer(value) if index % 2 else value for index, value in enumerate(prepared.values)]
        self.newer += len(values) // 2
        return replace(prepared, values=values)

    def _newer(self, value: bytes) -> bytes:
        """The same event with a price behind its other fields: branch 1 of a union, and a double."""
        return HEADER.pack(MAGIC_BYTE, self._schema_id) + value[HEADER.size :] + b"\x02" + PRICE


def test_a_field_is_added_under_load(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newer schema is registered and used amid the load; the older one goes on being used beside it.

    The jobs that run know nothing of it before its first record comes.
    """
    settings = load_settings(layout.root)
    registry, subject = registry_client(settings.schema_registry_url), subject_of(settings.events_topic)
    older, traffic = find_schema_id(settings.schema_registry_url, settings.events_topic), []

    def upgraded(session: Session, load: LoadPlan, generated: Callable[..., Any] = Session.generated) -> Any:
        register = lambda: registry.register_schema(subject, changed_schema(with_price))  # noqa: E731
        traffic.append(NewerProducers(generated(session, load), RATE * 10, register))
        return traffic[0]

    monkeypatch.setattr(Session, "generated", upgraded)
    before = running_jobs(settings)
    load = plan(tmp_path)
    result = run_live(settings, load, SteadyPacer(RATE, 30), threading.Event())
    assert (result.acknowledged, result.failed) == (RATE * 30, 0)
    assert traffic[0].newer > RATE * 30 / 4
    report = verified(settings, load.ledger)
    assert not [reason for reason in report.reasons if "schema" in reason]
    # The same submissions, never restarted since.
    assert {name: (job["jid"], job["timestamps"]["RESTARTING"]) for name, job in running_jobs(settings).items()} == {
        name: (job["jid"], job["timestamps"]["RESTARTING"]) for name, job in before.items()
    }
    newest = registry.get_latest_version(subject)
    assert newest.schema_id != older
    # A stack that starts again with the older schema is not refused.
    assert provision(settings) == register_schema(settings.schema_registry_url, settings.events_topic) == older


@pytest.mark.parametrize("change", [with_price_required, with_time_as_text])
def test_the_registry_refuses_a_schema_that_cannot_read_older_events(
    layout: Layout, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    """So no producer gets an id for it."""
    settings = load_settings(layout.root)
    registry, subject = registry_client(settings.schema_registry_url), subject_of(settings.events_topic)
    before = registry.get_versions(subject)
    with pytest.raises(SchemaRegistryError) as refused:
        registry.register_schema(subject, changed_schema(change))
    assert refused.value.http_status_code == 409
    assert registry.get_versions(subject) == before


def test_jobs_without_any_state_count_the_whole_topic_again(layout: Layout) -> None:
    """Their checkpoints are moved away, as for a plan that can't read them: all comes twice and is once."""
    take_down(layout)
    layout.checkpoints.rename(layout.checkpoints.with_name("checkpoints-before"))
    with pytest.raises(EnvironmentFailed, match="it has no checkpoint, though it has read the topic"):
        start(layout, {})
    settings = start(layout, {}, accept_loss=True)
    report = reconcile(settings, [], timeout_seconds=180)
    assert report.exact, to_text(report)
    for name, job in running_jobs(settings).items():
        assert flink(settings, f"/jobs/{job['jid']}/checkpoints")["latest"]["restored"] is None, name


def test_jobs_that_cannot_read_their_state_do_not_begin_anew(layout: Layout) -> None:
    """With more than one subtask the operators are chained in another way, and Flink finds none by its place.

    So `up` fails, the state stays, and the stack goes on as it was.
    """
    take_down(layout)
    states = complete_checkpoints(layout.checkpoints / "store")
    with pytest.raises(EnvironmentFailed, match=r"none of its \d checkpoints"):
        start(layout, WIDE)
    assert "Cannot map" in layout.log_of("jobs").read_text(encoding="utf-8", errors="replace")
    assert set(states) <= set(complete_checkpoints(layout.checkpoints / "store"))
    settings = start(layout, {})
    report = reconcile(settings, [], timeout_seconds=180)
    assert report.exact, to_text(report)
