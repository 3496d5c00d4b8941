"""The stack in containers is configured from what configures the embedded stack."""

import json
import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose.docker import env_file, names, run, watchers
from compose.docker.compose_file import COMPOSE_FILE, FILES_LABEL, HERE, READ_ONCE, document, files
from compose.docker.containers import PROFILES
from compose.docker.project_services import SETTINGS_FILE
from compose.process.errors import UsageError
from compose.stack.layout import Layout
from compose.stack.passwords import Passwords
from compose.stack.ports import EVERYWHERE, Ports
from compose.stack.service import Plan
from compose.stack.services import every_service, flink, kafka, monitoring
from compose.stack.state import settings_for
from pipeline.settings import Settings
from slo.spec.parse import DOCS
from tests.golden import assert_golden

PASSWORDS = Passwords(
    *("r3dis-r", "r3dis-w", "r3dis-a", "p0stgres", "0wner", "wr1ter", "r3ader", "m3nder", "k33per", "m0nitor"),
    *("d8t", "st0rage"),
)
WITHOUT_A_CHECK = {"canary", "provision", "load", "cli"}
"""The embedded stack cannot ask a canary anything; the others end."""


@pytest.fixture
def embedded(tmp_path: Path) -> Plan:
    """The embedded stack, with everything that it may have."""
    layout = Layout.of(tmp_path / "data")
    settings = settings_for(Settings(), layout, Ports(), PASSWORDS, historic=False)
    return Plan(layout, Ports(), PASSWORDS, replace(settings, dashboard_url="http://127.0.0.1:8501"), monitoring=True)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Of the Compose file that is under version control."""
    found: dict[str, Any] = yaml.safe_load((HERE / COMPOSE_FILE).read_text(encoding="utf-8"))["services"]
    return found


@pytest.mark.parametrize("name", sorted(files()))
def test_the_files_are_what_the_definitions_say(name: str) -> None:
    assert_golden(HERE / name, files()[name])


def test_every_service_of_the_embedded_stack_has_a_container(embedded: Plan, services: dict[str, Any]) -> None:
    """Its two TaskManagers are one service of as many containers as one likes."""
    names_there = {each.name.partition("-live")[0].partition("-store")[0] for each in every_service(embedded)}
    assert {*names_there, *monitoring.NAMES, "grafana", "provision", "load", "cli"} == set(services)


def test_each_process_is_told_the_passwords_that_it_is_told_in_the_embedded_stack(
    embedded: Plan, services: dict[str, Any]
) -> None:
    """And no others."""
    for service in every_service(embedded):
        if service.name not in run.services(embedded) or service.name == monitoring.EXPORTER:
            continue
        told = {key for key, value in service.environment.items() if key.endswith("_PASSWORD") and value}
        assert set(services[service.name].get("environment", {})) == told, service.name
    assert "environment" not in services["load"], "it talks to Kafka and the registry alone"


def test_the_processes_are_told_the_settings_of_the_embedded_stack(embedded: Plan) -> None:
    """But for addresses they have the same defaults."""
    text = re.sub(r"\$\{(\w+):-([^}]*)\}", r"\2", (HERE / SETTINGS_FILE).read_text(encoding="utf-8"))
    told = Settings.from_env(dict(line.split("=", 1) for line in text.splitlines()))
    passwords = {f"{each}_password": "" for each in vars(PASSWORDS) if hasattr(embedded.settings, f"{each}_password")}
    addresses = {name: getattr(told, name) for name in names.ADDRESSES}
    assert told == replace(embedded.settings, **passwords, **addresses)  # type: ignore[arg-type]
    assert (told.kafka_bootstrap, told.redis_host, told.postgres_host) == ("kafka:9092", "redis", "postgres")


def test_the_broker_is_the_one_of_the_embedded_stack(embedded: Plan, services: dict[str, Any]) -> None:
    """But for where it listens and keeps its logs."""
    told = {key: value for key, value in services["kafka"]["environment"].items() if key != "KAFKA_HEAP_OPTS"}
    here = {
        f"KAFKA_{key.replace('.', '_').upper()}": value
        for key, value in kafka.broker_properties(Path("/x"), embedded.ports, embedded.settings).items()
    }
    assert set(told) == set(here)
    changed = {key for key in told if told[key] != here[key]}
    assert changed == {
        "KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "KAFKA_LOG_DIRS",
    }  # fmt: skip


def test_nobody_is_root_and_everybody_has_limits(services: dict[str, Any]) -> None:
    """And every image is pinned."""
    for name, service in services.items():
        assert service["user"] not in ("", "root", "0"), name
        assert set(service["deploy"]["resources"]["limits"]) == {"memory", "cpus", "pids"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert re.search(r":v?\d+\.\d+\.\d+(-\w+)?$|:\d+\.\d+-\w+$", service["image"]), service["image"]
        assert service["profiles"][0] in PROFILES, name
        assert ("healthcheck" in service) != (name in WITHOUT_A_CHECK), name


def test_each_official_image_was_checked_in_this_version(services: dict[str, Any]) -> None:
    """And nothing else is in the table: a new tag has to be checked again."""
    page = (DOCS / "container-images.md").read_text(encoding="utf-8")
    checked = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    assert checked == {each["image"] for each in services.values()} - {names.PROJECT_IMAGE}


def test_a_changed_setting_changes_every_service_that_reads_it(services: dict[str, Any]) -> None:
    """Compose compares services, so each variable of an inline config has to stand in the service that uses it."""
    configs = yaml.safe_load((HERE / COMPOSE_FILE).read_text(encoding="utf-8"))["configs"]
    used = [(name, each["source"]) for name, service in services.items() for each in service.get("configs", [])]
    assert {source for _, source in used} == set(configs)
    for name, source in used:
        if source in READ_ONCE:
            continue
        found = set(re.findall(r"\$\{(\w+)", configs[source]["content"]))
        assert found, source
        here = {key: value for key, value in services[name].items() if key != "configs"}
        assert found <= set(re.findall(r"\$\{(\w+)", json.dumps(here))), name


def test_a_changed_file_changes_every_service_that_mounts_it() -> None:
    """Each file of its own, and no other service."""
    plan = names.plan(names.network_settings(Settings()))
    mounted = {f"./config/{name}": text for name, text in watchers.files().items()} | watchers.other_files()
    before = document(plan, mounted)["services"]
    readers = {
        "prometheus.yaml": "prometheus",
        "rules.yaml": "prometheus",
        "alertmanager.yaml": "alertmanager",
        "alertmanager-webhook.yaml": "alertmanager",
        "alertmanager-watchdog.yaml": "alertmanager",
        "alertmanager-webhook-watchdog.yaml": "alertmanager",
        "grafana-source.yaml": "grafana",
        "grafana-dashboards.yaml": "grafana",
        "postgres_queries.yaml": "postgres-exporter",
    }
    assert {Path(path).name for path in mounted} == set(readers)
    for path, text in mounted.items():
        after = document(plan, {**mounted, path: text + "# changed\n"})["services"]
        assert [name for name in after if after[name] != before[name]] == [readers[Path(path).name]]


def test_every_file_that_is_mounted_by_itself_is_looked_at(services: dict[str, Any]) -> None:
    for name, service in services.items():
        single = [each for each in service.get("volumes", []) if re.match(r"\..*\.yaml:", each)]
        assert bool(single) == (FILES_LABEL in service.get("labels", {})), name


def test_logs_are_bounded(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["logging"] == {"driver": "local", "options": {"max-size": "10m", "max-file": "3"}}, name


def test_a_mount_over_our_data_belongs_to_our_user(services: dict[str, Any]) -> None:
    """Docker makes it root's where nothing is said, and the service can't write there."""
    user = re.search(r"useradd --uid (\d+)", (HERE / "Dockerfile").read_text())
    assert user is not None
    mounts = [mount for service in services.values() for mount in service.get("tmpfs", ()) if "/var/lib/adctr" in mount]
    assert mounts
    assert all(f"uid={user[1]},gid={user[1]}" in mount for mount in mounts)


def test_what_is_read_only_has_no_inline_config(services: dict[str, Any]) -> None:
    """Compose copies those into the container, which a read-only one refuses (docker/compose#12031)."""
    read_only = {name for name, service in services.items() if service.get("read_only")}
    assert read_only == {
        "prometheus", "redis-exporter", "postgres-exporter", "provision", "canary", "cache-keeper",
    }  # fmt: skip
    assert not [name for name in read_only if "configs" in services[name]]


def test_ports_are_published_on_the_loopback_interface_alone(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert len(published) == 10
    assert all(port.startswith("127.0.0.1:") for port in published), published


def test_no_password_has_a_default(services: dict[str, Any]) -> None:
    """A start without an `.env` fails with the command that makes one."""
    found = [
        value
        for service in services.values()
        for key, value in service.get("environment", {}).items()
        if re.search("PASS|AUTH", key) and key != "POSTGRES_INITDB_ARGS"
    ]
    assert len(found) > 20
    assert all(re.fullmatch(r"\$\{ADCTR_\w+_PASSWORD:\?run make docker-env\}", value) for value in found), found


def test_the_env_file_is_made_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    made = env_file.ensure(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made["COMPOSE_PROFILES"] == "core"
    assert all(re.fullmatch("[0-9a-f]{32}", value) for key, value in made.items() if key.endswith("_PASSWORD"))
    assert len(set(made.values())) == len(made) == 14
    file.write_text(file.read_text().replace(made["ADCTR_GRAFANA_PASSWORD"], "mine") + "ADCTR_PARALLELISM=2\n")
    again = env_file.ensure(file)
    assert again == {**made, "ADCTR_GRAFANA_PASSWORD": "mine", "ADCTR_PARALLELISM": "2"}
    assert env_file.passwords(again).redis_reader == made["ADCTR_REDIS_READER_PASSWORD"]


def test_in_containers_flink_is_found_by_name_and_listens_to_all(embedded: Plan) -> None:
    inside = flink.config(names.plan(names.network_settings(Settings())))
    assert inside["jobmanager.rpc.address"] == inside["rest.address"] == "jobmanager"
    assert inside["jobmanager.bind-host"] == inside["taskmanager.bind-host"] == EVERYWHERE
    assert "taskmanager.host" not in inside, "each tells its own"
    assert flink.config(embedded)["taskmanager.host"] == "127.0.0.1"


def test_each_process_in_the_image_finds_what_it_finds_in_the_embedded_stack(embedded: Plan) -> None:
    """Flink's processes find jars and plugins by their environment."""
    inside = run.services(embedded)
    for service in every_service(embedded):
        name = names.TASK_MANAGER if service.name.startswith(names.TASK_MANAGER) else service.name
        if name in inside and name != monitoring.EXPORTER:
            assert inside[name].environment == service.environment, name


def test_the_image_refuses_a_service_that_it_has_not(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"service 'kafka': the image has jobmanager, taskmanager, .*provision and adctr"
    ):
        run.main(["kafka"], {"ADCTR_DATA_DIR": str(tmp_path)})
