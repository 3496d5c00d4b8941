"""Kafka: one node that is broker and controller (KRaft)."""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient

from compose.process.errors import EnvironmentFailed
from compose.stack.java import artifacts, class_archives
from compose.stack.java.jvm import COMMON, JAVA, QUICK_START, argument_file
from compose.stack.layout import Layout
from compose.stack.ports import LOOPBACK, Ports
from compose.stack.service import STRAIGHT, JobLinks, Plan, Service
from pipeline.settings import Settings

HEAP_MEGABYTES = 512
_PROBE_SECONDS = 1.0


def service(plan: Plan) -> Service:
    """The broker; state in DIR/kafka."""
    arguments = plan.layout.run / "kafka.args"
    client = AdminClient(
        {
            "bootstrap.servers": plan.settings.kafka_bootstrap,
            "reconnect.backoff.max.ms": 200,
            # A probe that finds nobody is the normal case while the broker starts.
            "log_level": 0,
            "logger": _silent(),
        }
    )
    return Service(
        name="kafka",
        command=(str(JAVA), f"@{arguments}"),
        address=plan.settings.kafka_bootstrap,
        prepare=lambda: _prepare(plan),
        check=lambda: _check(client),
        stop_seconds=30,
    )


def _silent() -> object:
    import logging

    logger = logging.getLogger("adctr.kafka-probe")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def _check(client: AdminClient) -> None:
    client.list_topics(timeout=_PROBE_SECONDS)


@dataclass(frozen=True)
class OtherWay:
    """A listener for those who come by another address than everybody: the ``advertised`` one, which they are told."""

    port: int
    advertised: str


def server_properties(layout: Layout, ports: Ports, settings: Settings, links: JobLinks = STRAIGHT) -> str:
    """The broker's configuration file."""
    link = None
    if links.kafka is not None and links.kafka_listener is not None:
        link = OtherWay(links.kafka_listener, f"{LOOPBACK}:{links.kafka}")
    properties = broker_properties(layout.of_service("kafka"), ports, settings, link)
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def broker_properties(
    directory: Path, ports: Ports, settings: Settings, link: OtherWay | None = None, listen: str = LOOPBACK
) -> dict[str, str]:
    """The broker's configuration; ``directory`` holds its logs. The controller is for the broker alone."""
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{ports.kafka_controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{listen}:{ports.kafka},CONTROLLER://{LOOPBACK}:{ports.kafka_controller}",
        "advertised.listeners": f"PLAINTEXT://{settings.kafka_bootstrap}",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(directory),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        # Readers see nothing behind an open transaction. One that is open for longer than the slack would hold its
        # partition back until windows of the others are final, and what it then commits would be missing in them.
        "transaction.max.timeout.ms": str(settings.record_slack_seconds * 1000 // 2),
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # A broker that was killed is let in again when its controller's session with it has run out: by default after
        # 9 s, though the controller was the same process.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "num.recovery.threads.per.data.dir": "2",
        "log.segment.bytes": str(256 * 1024 * 1024),
        # Committed offsets are the recovery check of the jobs and of `verify`: they must not expire.
        "offsets.retention.minutes": str(60 * 24 * 365),
    }
    if link is not None:
        lines["listeners"] += f",LINK://{listen}:{link.port}"
        lines["advertised.listeners"] += f",LINK://{link.advertised}"
        lines["listener.security.protocol.map"] += ",LINK:PLAINTEXT"
    return lines


LOG4J = """\
status = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss,SSS} %-5p %c{1} - %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


def _prepare(plan: Plan) -> None:
    run = plan.layout.run
    state = plan.layout.of_service("kafka")
    properties, log4j = run / "kafka.properties", run / "kafka-log4j2.properties"
    properties.write_text(server_properties(plan.layout, plan.ports, plan.settings, plan.job_links), encoding="utf-8")
    log4j.write_text(LOG4J, encoding="utf-8")
    jars = artifacts.paths("kafka")
    options = (
        f"-Xmx{HEAP_MEGABYTES}m",
        f"-Xms{HEAP_MEGABYTES // 2}m",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        *COMMON,
        *class_archives.options(plan.layout, "kafka", jars),
        f"-Dlog4j2.configurationFile={log4j}",
    )
    (run / "kafka.args").write_text(argument_file(options, jars, ("kafka.Kafka", str(properties))), encoding="utf-8")
    if not (state / "meta.properties").exists():
        state.mkdir(exist_ok=True)
        format_args = run / "kafka-format.args"
        main = ("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(properties))
        format_args.write_text(
            argument_file((*QUICK_START, f"-Dlog4j2.configurationFile={log4j}"), jars, main), encoding="utf-8"
        )
        result = subprocess.run([str(JAVA), f"@{format_args}"], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise EnvironmentFailed(f"kafka: cannot format {state}: {result.stdout}{result.stderr}")


def _cluster_id() -> str:
    return urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "A")
