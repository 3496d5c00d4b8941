"""Docker Compose: up, load, kill, down and up again, and nothing left. One stack for all, in the order of the file."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from slo.spec.model import Kind
from slo.spec.parse import load_bundled
from tests.docker.compose_stack import ComposeStack, compose_stack, project_name
from tests.docker.engine import left_of
from tests.integration.waiting import eventually

PROJECT = project_name("smoke")
OPS = {"exporter", "prometheus", "alertmanager", "redis-exporter", "postgres-exporter"}
READ_ONLY = {"prometheus", "redis-exporter", "postgres-exporter", "canary", "cache-keeper"}
OURS = {"jobmanager", "taskmanager", "jobs", "canary", "cache-keeper", "dashboard", "exporter"}
CORE = {"kafka", "registry", "redis", "postgres", *OURS} - OPS


@pytest.fixture(scope="module")
def stack(more_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """Profiles core and ops."""
    with compose_stack(PROJECT, ["core", "ops"], more_files, tmp_path_factory.mktemp("compose")) as running:
        yield running
    assert left_of(PROJECT) == [], "`docker compose down -v` leaves nothing"


def _inspect(stack: ComposeStack, service: str) -> list[dict[str, Any]]:
    identities = [str(each.ID) for each in stack.containers(service)]
    found = subprocess.run(["docker", "inspect", *identities], capture_output=True, text=True, check=True)
    inspected: list[dict[str, Any]] = json.loads(found.stdout)
    return inspected


def _exact(stack: ComposeStack) -> int:
    """`adctr verify` finds every count right; how many events it counted."""
    report = stack.adctr_json("verify")
    assert report["exact"], report["differences"]
    return int(report["counted"])


def _busy_task_manager(stack: ComposeStack) -> str:
    """The container of a TaskManager that runs a job: its id begins with its host's name."""
    with urllib.request.urlopen(f"{stack.settings.flink_rest_url}/taskmanagers", timeout=10) as answer:
        managers = json.loads(answer.read())["taskmanagers"]
    assert len(managers) == 3
    return next(str(each["id"]) for each in managers if each["freeSlots"] < each["slotsNumber"])


def test_every_container_runs_and_is_healthy(stack: ComposeStack) -> None:
    health = {(each.Service, each.Health) for each in stack.containers()}
    assert health == {(name, "healthy") for name in (CORE | OPS) - {"canary"}} | {("canary", "")}
    assert len(stack.containers("taskmanager")) == 2


@pytest.mark.parametrize("service", sorted(CORE | OPS))
def test_nobody_is_root_and_ports_are_this_machines_alone(stack: ComposeStack, service: str) -> None:
    for container in _inspect(stack, service):
        processes = subprocess.run(
            ["docker", "top", container["Id"], "-eo", "uid,pid"], capture_output=True, text=True, check=True
        )
        assert "0" not in {line.split()[0] for line in processes.stdout.splitlines()[1:]}, processes.stdout
        for bindings in container["HostConfig"]["PortBindings"].values():
            assert {each["HostIp"] for each in bindings} == {"127.0.0.1"}
        assert container["HostConfig"]["Memory"] > 0
        assert container["HostConfig"]["ReadonlyRootfs"] == (service in READ_ONLY)
        assert container["HostConfig"]["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}


@pytest.mark.parametrize(
    ("setting", "value", "readers"),
    [
        ("ADCTR_CACHE_MAX_MEMORY_MEGABYTES", "700", {"redis", *OURS, "provision"}),
        ("ADCTR_REDIS_READER_PASSWORD", "0" * 32, {"redis", "redis-exporter", "exporter", "dashboard"}),
        ("ADCTR_ALERT_WEBHOOK_URL", "http://127.0.0.1:1/other", {"alertmanager"}),
        ("ADCTR_EARLY_FIRE_MILLISECONDS", "300", {*OURS, "provision"}),
    ],
)
def test_a_changed_setting_is_seen_by_compose(stack: ComposeStack, setting: str, value: str, readers: set[str]) -> None:
    """Compose says which containers it would make anew; `config --hash` leaves out what comes from settings.env."""
    said = stack.run("--dry-run", "create", **{setting: value})
    assert said.returncode == 0, said.stderr
    assert readers == set(re.findall(rf"Container {stack.project}-([a-z-]+)-\d+ +Recreate\n", said.stderr))


def test_load_is_counted_exactly(stack: ComposeStack) -> None:
    sent = stack.adctr_json("load", "run", "--rate", "500", "--seconds", "20")
    assert sent["acknowledged"] == sent["sent"] == 10_000
    assert _exact(stack) >= 10_000


def test_no_objective_but_those_of_time_is_breached(stack: ComposeStack) -> None:
    """Eighteen containers on two cores say nothing about how long things take; the gates do that."""
    ended = stack.adctr("slo", "check", "--for", "30s", "--rate", "300", "--warm-up", "10s", "--format", "json")
    assert ended.returncode in (1, 3), ended.stderr
    verdicts = {each["name"]: each["verdict"] for each in json.loads(ended.stdout)["objectives"]}
    timed = {each.name for each in load_bundled().objectives if each.kind in (Kind.LATENCY, Kind.FRESHNESS)}
    assert not {name for name, said in verdicts.items() if said == "fail"} - timed, ended.stdout
    assert verdicts["counts_exact"] == "pass", ended.stdout


def test_prometheus_has_everybody_and_every_rule(stack: ComposeStack) -> None:
    def asked(path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{stack.ports.prometheus}/api/v1/{path}", timeout=10) as answer:
            return json.loads(answer.read())["data"]

    def answering() -> list[str]:
        return sorted(each["labels"]["job"] for each in asked("targets")["activeTargets"] if each["health"] == "up")

    everybody = ["adctr", "alertmanager", "flink", "flink", "flink", "postgres", "prometheus", "redis"]
    with suppress(AssertionError):
        eventually("all targets are up", lambda: answering() == everybody, 60)
    assert answering() == everybody, [each["lastError"] for each in asked("targets")["activeTargets"]]
    rules = [rule for group in asked("rules")["groups"] for rule in group["rules"]]
    eventually("all rules are evaluated", lambda: all(rule["health"] == "ok" for rule in rules), 60)
    assert len(asked("alertmanagers")["activeAlertmanagers"]) == 1


def test_counts_are_exact_with_three_taskmanagers_of_which_one_is_killed(stack: ComposeStack) -> None:
    """The one that is killed works: its job goes on in another."""
    ended = stack.run("up", "--detach", "--wait", "--no-recreate", "--scale", "taskmanager=3")
    assert ended.returncode == 0, ended.stderr
    before = _exact(stack)
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(stack.adctr_json, "load", "run", "--rate", "500", "--seconds", "40")
        time.sleep(15)
        subprocess.run(["docker", "kill", _busy_task_manager(stack)], check=True, capture_output=True)
        assert load.result()["acknowledged"] == 20_000
    assert len(stack.containers("taskmanager")) == 2
    assert _exact(stack) >= before + 20_000


def test_down_and_up_goes_on_where_it_was(stack: ComposeStack) -> None:
    """With everything that was counted."""
    before = _exact(stack)
    assert stack.run("down").returncode == 0
    assert {each.partition(" ")[0] for each in left_of(PROJECT)} == {"volume"}
    ended = stack.run("up", "--detach", "--wait")
    assert ended.returncode == 0, ended.stderr
    assert _exact(stack) >= before
    sent = stack.adctr_json("load", "run", "--rate", "500", "--seconds", "10")
    assert _exact(stack) >= before + int(sent["acknowledged"])


def test_a_new_limit_of_redis_is_in_force_after_up(stack: ComposeStack) -> None:
    """The container is made anew, and with the limit that is set by then."""
    up = ("up", "--detach", "--wait", "--no-deps", "redis")
    ended = stack.run(*up, ADCTR_CACHE_MAX_MEMORY_MEGABYTES="700")
    assert ended.returncode == 0, ended.stderr
    asked = stack.run("exec", "-T", "redis", "redis-cli", "--user", "adctr_reader", "config", "get", "maxmemory")
    assert str(700 * 1024 * 1024) in asked.stdout, asked.stdout + asked.stderr
    assert stack.run(*up).returncode == 0
