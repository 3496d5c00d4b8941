"""What the stack writes into the configuration of its services."""

import configparser
import dataclasses
import importlib.util
import zipfile
from pathlib import Path

import pytest

from compose.process.errors import EnvironmentFailed
from compose.stack.java.build import flink_jars
from compose.stack.java.jvm import argument_file
from compose.stack.layout import Layout
from compose.stack.passwords import Passwords
from compose.stack.ports import Ports
from compose.stack.processes.supervision import render
from compose.stack.service import JobLinks, Plan, Service
from compose.stack.services import dashboard, flink, kafka, monitoring, python_services, redis_server, registry
from compose.stack.state import Record, StackNotRunning, instead_of_the_stacks, load_settings, settings_for
from pipeline.settings import Settings, SettingsError

PORTS = Ports()
PASSWORDS = Passwords(
    *("r3dis-r", "r3dis-w", "r3dis-a", "p0stgres", "0wner", "wr1ter", "r3ader", "m3nder", "k33per", "m0nitor"),
    *("d8t", "st0rage"),
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    layout = Layout.of(tmp_path / "data")
    return Plan(layout, PORTS, PASSWORDS, settings_for(Settings(), layout, PORTS, PASSWORDS, historic=False))


def _broker(plan: Plan) -> dict[str, str]:
    text = kafka.server_properties(plan.layout, plan.ports, plan.settings, plan.job_links)
    return dict(line.split("=", 1) for line in text.splitlines())


def test_every_listener_of_kafka_is_on_the_loopback_interface(plan: Plan) -> None:
    lines = _broker(plan)
    assert lines["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert lines["log.dirs"] == str(plan.layout.root / "kafka")


def test_the_jobs_alone_are_led_over_links_where_there_are_any(plan: Plan) -> None:
    """Kafka's clients go on to the advertised address, so it has a listener that advertises the link."""
    linked = dataclasses.replace(plan, job_links=JobLinks(kafka=7001, kafka_listener=7002, redis=7003))
    lines = _broker(linked)
    assert lines["listeners"].endswith(",LINK://127.0.0.1:7002")
    assert lines["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092,LINK://127.0.0.1:7001"
    (jobs,) = (each for each in python_services.services(linked) if each.name == "jobs")
    told = Settings.from_env(jobs.environment)
    assert (told.kafka_bootstrap, told.redis_port, told.postgres_port) == ("127.0.0.1:7001", 7003, PORTS.postgres)
    assert linked.settings.kafka_bootstrap == "127.0.0.1:9092", "everybody else's way is straight"
    assert "LINK" not in str(_broker(plan))


def test_no_transaction_stays_open_for_longer_than_half_the_slack(plan: Plan) -> None:
    """What is behind it would otherwise be read when its windows are final."""
    assert _broker(plan)["transaction.max.timeout.ms"] == "300000"


def test_redis_lets_nobody_in_without_a_name_and_keeps_what_it_is_told(plan: Plan) -> None:
    """The configuration holds digests of the passwords, none of them in clear. A full Redis refuses writes."""
    text = redis_server.config(plan.layout, 6379, PASSWORDS, 768)
    nobody = "user default off resetpass allkeys allchannels allcommands"
    assert {"bind 127.0.0.1", nobody, "appendonly yes", "maxmemory 768mb", "maxmemory-policy noeviction"} <= set(
        text.splitlines()
    )
    assert "r3dis" not in text


def test_the_registry_listens_locally_also_for_its_management(plan: Plan) -> None:
    environment = registry.environment(plan)
    assert environment["QUARKUS_HTTP_HOST"] == environment["QUARKUS_MANAGEMENT_HOST"] == "127.0.0.1"
    assert environment["APICURIO_DATASOURCE_PASSWORD"] == "st0rage"


def test_the_dashboard_listens_locally_and_knows_a_readers_passwords_alone(plan: Plan) -> None:
    assert dashboard.services(plan) == [], "a stack has one where it is asked for"
    with_one = dataclasses.replace(plan, settings=dataclasses.replace(plan.settings, dashboard_url="http://x:8501"))
    (service,) = dashboard.services(with_one)
    command = " ".join(service.command)
    assert "--server.address 127.0.0.1 --server.port 8501" in command
    assert "--browser.gatherUsageStats false" in command
    assert "--server.fileWatcherType none" in command
    everything = command + str(service.environment)
    assert {word for word in ("r3dis", "r3ader", "0wner", "wr1ter", "st0rage") if word in everything} == {
        "r3dis",
        "r3ader",
    }
    assert service.environment["ADCTR_DASHBOARD_EVENT_AGE_REDIS_SECONDS"] == "2"
    assert service.environment["ADCTR_DASHBOARD_CACHE_READ_SECONDS"] == "0.1"


def test_flink_keeps_its_checkpoints_in_the_data_directory(plan: Plan) -> None:
    config = flink.config(plan)
    assert config["execution.checkpointing.dir"] == f"file://{plan.layout.root}/checkpoints"
    hosts = ("jobmanager.bind-host", "taskmanager.bind-host", "rest.bind-address")
    assert {config[key] for key in hosts} == {"127.0.0.1"}


def test_the_memory_of_a_task_manager_adds_up() -> None:
    """The JVM's limits are the sums that Flink's memory model expects; a mismatch stops the process at its start."""
    jvm, properties = flink.task_manager_options()
    assert jvm == ["-Xmx1088m", "-Xms1088m", "-Xmn416m", "-XX:MaxDirectMemorySize=224m", "-XX:MaxMetaspaceSize=256m"]
    assert properties.count("-D") == len(flink.TASK_MANAGER_MEMORY) + 1


def test_argument_files_quote_what_java_would_split() -> None:
    text = argument_file(["-Da=b c"], [Path("/x y/a.jar"), Path("/b.jar")], ["Main", 'say "hi"'])
    assert text == '"-Da=b c"\n"-cp"\n"/x y/a.jar:/b.jar"\n"Main"\n"say \\"hi\\""\n'


def test_supervisord_reads_back_what_was_meant(tmp_path: Path) -> None:
    """Percent signs and spaces survive its two levels of quoting."""
    layout = Layout.of(tmp_path / "my data")
    service = Service("web", ("/bin/echo", "50% off", "-x"), "-", check=lambda: None, environment={"A": "1 % 2"})
    parser = configparser.ConfigParser()
    parser.read_string(render(layout, [service]))
    program = parser["program:web"]
    assert program["command"] == '"/bin/echo" "50% off" "-x"'
    assert program["environment"] == 'A="1 % 2"'
    assert program["autorestart"] == "true"
    assert parser["unix_http_server"]["chmod"] == "0600"


def test_the_record_has_the_settings_and_no_password(plan: Plan) -> None:
    layout = plan.layout
    layout.create()
    Record.of(plan.ports, plan.settings).write(layout)
    text = layout.record.read_text()
    assert '"kafka_bootstrap": "127.0.0.1:9092"' in text
    assert not [secret for secret in ("r3dis", "0wner", "wr1ter", "r3ader", "st0rage") if secret in text]
    assert Record.read(layout) == Record.of(plan.ports, plan.settings)


def test_redis_keeps_every_window_that_can_still_change() -> None:
    with pytest.raises(SettingsError, match="must be more than allowed_lateness_seconds"):
        Settings(cache_retention_seconds=600, allowed_lateness_seconds=300, record_slack_seconds=300)
    assert Settings(cache_retention_seconds=900, allowed_lateness_seconds=300, record_slack_seconds=300)


def test_a_command_can_be_given_other_settings_than_those_of_the_stack(tmp_path: Path) -> None:
    """All of them come through an environment, passwords and flags included."""
    other = Settings(events_topic="other-events", historic=True, redis_admin_password="a", parallelism=2)
    assert load_settings(tmp_path, instead_of_the_stacks(other)) == other


def test_a_remote_stack_is_described_by_the_environment(tmp_path: Path) -> None:
    """`adctr verify` against a cluster: no data directory, no supervisor, the variables alone."""
    environ = {"ADCTR_STACK": "remote", "ADCTR_KAFKA_BOOTSTRAP": "kafka:9092", "ADCTR_REDIS_READER_PASSWORD": "r3dis"}
    settings = load_settings(tmp_path, environ)
    assert (settings.kafka_bootstrap, settings.redis_reader_password) == ("kafka:9092", "r3dis")
    with pytest.raises(StackNotRunning):
        load_settings(tmp_path, {"ADCTR_KAFKA_BOOTSTRAP": "kafka:9092"})


def test_flink_is_asked_for_metrics_only_where_somebody_asks(plan: Plan) -> None:
    """Its reporter costs threads and a port in every process."""
    assert not [key for key in flink.config(plan) if key.startswith("metrics.")]
    watched = dataclasses.replace(plan, monitoring=True)
    assert flink.config(watched)["metrics.reporter.prom.port"] == "9249"
    commands = {service.name: service.command for service in flink.services(watched)}
    assert commands["taskmanager-store"][-2:] == ("-D", "metrics.reporter.prom.port=9251")
    assert [service.name for service in monitoring.services(plan)] == []
    assert "exporter" in [service.name for service in monitoring.services(watched)]


def test_passwords_are_made_once(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / "data")
    layout.create()
    first = Passwords.load_or_create(layout)
    assert Passwords.load_or_create(layout) == first
    assert layout.passwords.stat().st_mode & 0o777 == 0o600
    assert first.redis_admin not in repr(first)


def test_a_user_that_an_upgrade_adds_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    """As after an upgrade from a version whose Redis had one password for everybody."""
    layout = Layout.of(tmp_path / "data")
    layout.create()
    layout.passwords.write_text('{"redis": "old", "postgres_owner": "kept"}')
    with pytest.raises(EnvironmentFailed, match="no password of redis_reader, "):
        Passwords.load(layout)
    made = Passwords.load_or_create(layout)
    assert made.postgres_owner == "kept"
    assert Passwords.load(layout) == made


@pytest.mark.parametrize("process", ["jobmanager", "taskmanager"])
def test_flinks_class_path_is_the_same_in_every_data_directory(plan: Plan, process: str) -> None:
    """Or a class archive would serve one directory alone."""
    plan.layout.create()
    flink.prepare(plan, flink.config(plan))
    lines = (plan.layout.run / f"{process}.args").read_text(encoding="utf-8").splitlines()
    class_path = lines[lines.index('"-cp"') + 1]
    assert "flink-dist" in class_path
    assert str(plan.layout.root) not in class_path


def test_flink_knows_every_option_that_it_is_given(plan: Plan) -> None:
    """One that a later version has dropped is ignored without a word."""
    classes = b"".join(
        jar.read(name)
        for jar in map(zipfile.ZipFile, flink_jars())
        for name in jar.namelist()
        if name.startswith("org/apache/flink/") and name.endswith("Options.class")
    )
    options = [key for key in flink.config(plan) if not key.startswith(flink.REPORTER)]
    assert [key for key in options if key.encode() not in classes] == []


def test_every_process_of_ours_is_a_module_that_is_there(plan: Plan) -> None:
    """A renamed keeper would else be missed when a stack starts, at best."""
    modules = [each.command[each.command.index("-m") + 1] for each in python_services.services(plan)]
    assert len(modules) == 3
    assert all(importlib.util.find_spec(each) for each in modules)
