"""Flink: one JobManager and two TaskManagers, and the client, started without Flink's shell scripts.

The scripts start two more JVMs to compute options; the options are written out here instead, so that each supervised
process id is the process itself and a job is submitted some seconds sooner. Memory model:
https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/deployment/memory/mem_setup_tm/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from compose.stack.java import class_archives
from compose.stack.java.build import compile_java, flink_home, flink_jars
from compose.stack.java.jvm import COMMON, JAVA, JAVA_HOME, QUICK_START, argument_file
from compose.stack.layout import Layout
from compose.stack.ports import LOOPBACK
from compose.stack.service import Plan, Service
from pipeline.flink_rest import FlinkRest

# One per job: what kills one job's TaskManager leaves the other job alone.
TASK_MANAGERS = ("taskmanager-live", "taskmanager-store")
# With room for the other job as well: it goes on here at once, in a warm JVM, when its own TaskManager dies.
JOBS_PER_TASK_MANAGER = 2
JOB_MANAGER_HEAP_MEGABYTES = 448
_PROBE_SECONDS = 2.0
REPORTER = "metrics.reporter.prom"

PLUGINS = ("metrics-prometheus",)
# Flink's reporter listens on all interfaces and has no option for it; the JDK lets another class make its servers.
LOOPBACK_ONLY = (
    "--add-exports=jdk.httpserver/sun.net.httpserver=ALL-UNNAMED",
    "-Dcom.sun.net.httpserver.HttpServerProvider=adctr.flink.LoopbackHttpServerProvider",
)

# The JVM's doors that Flink and its libraries use, from the distribution's config.yaml.
_OPENED = (
    "java.lang java.net java.io java.nio sun.nio.ch java.lang.reflect java.text java.time java.util "
    "java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks"
)
MODULE_OPTIONS = (
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED.split()),
)

# Sizes in megabytes. Together with metaspace and overhead about 2 GB, of which an idle process touches half.
TASK_MANAGER_MEMORY = {
    "taskmanager.memory.framework.heap.size": 64,
    "taskmanager.memory.task.heap.size": 1024,
    "taskmanager.memory.framework.off-heap.size": 64,
    "taskmanager.memory.task.off-heap.size": 64,
    "taskmanager.memory.network.min": 96,
    "taskmanager.memory.network.max": 96,
    "taskmanager.memory.managed.size": 160,
    "taskmanager.memory.jvm-metaspace.size": 256,
    "taskmanager.memory.jvm-overhead.min": 192,
    "taskmanager.memory.jvm-overhead.max": 192,
}

# More than the usual third: what checkpoints and batches hold is soon garbage, and each collection copies the rest.
YOUNG_HEAP_MEGABYTES = 416

CLIENT_ARGUMENTS = "client.args"
"""Beside config.yaml, in FLINK_CONF_DIR: the client's Java argument file, without its command."""

LOG4J = """\
monitorInterval = 30
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss,SSS} %-5p %c{1} - %m%n
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
logger.netty.name = org.jboss.netty.channel.DefaultChannelPipeline
logger.netty.level = OFF
logger.types.name = org.apache.flink.api.java.typeutils.TypeExtractor
logger.types.level = WARN
"""


def services(plan: Plan) -> list[Service]:
    """The JobManager and the TaskManagers; configuration in DIR/run/flink."""
    manager = Service(
        name="jobmanager",
        command=(str(JAVA), f"@{plan.layout.run / 'jobmanager.args'}"),
        address=plan.settings.flink_rest_url,
        environment=environment(plan.layout),
        prepare=lambda: prepare(plan, config(plan)),
        check=lambda: check_answers(plan.settings.flink_rest_url),
    )
    return [manager, *(_task_manager(plan, name) for name in TASK_MANAGERS)]


def _task_manager(plan: Plan, name: str) -> Service:
    return Service(
        name=name,
        command=task_manager_command(plan, name, metrics_port(plan, name)),
        address=f"{LOOPBACK} ({task_slots(plan)} slots)",
        environment=environment(plan.layout),
        # Needs the JobManager's files, not the JobManager: it waits for that by itself.
        needs=("jobmanager:prepared",),
        check=lambda: check_registered(plan.settings.flink_rest_url, name),
    )


def task_slots(plan: Plan) -> int:
    """Slots of each TaskManager; a job takes as many as its parallelism."""
    return JOBS_PER_TASK_MANAGER * plan.settings.parallelism


def task_manager_command(plan: Plan, resource_id: str, port: int) -> tuple[str, ...]:
    """A TaskManager of this id, which no other of the cluster has, and the port of its metrics."""
    return (
        *(str(JAVA), f"@{plan.layout.run / 'taskmanager.args'}", "-D", f"taskmanager.resource-id={resource_id}"),
        *(("-D", f"{REPORTER}.port={port}") if plan.monitoring else ()),
    )


def metrics_port(plan: Plan, task_manager: str) -> int:
    """Where a TaskManager shows its metrics."""
    found = dict(zip(TASK_MANAGERS, (plan.ports.flink_live_metrics, plan.ports.flink_store_metrics), strict=True))
    return found[task_manager]


def environment(layout: Layout) -> dict[str, str]:
    """What Flink's processes, its client and PyFlink need to find this stack's configuration and jars."""
    return {
        "JAVA_HOME": str(JAVA_HOME),
        "FLINK_HOME": str(flink_home()),
        "FLINK_CONF_DIR": str(conf_dir(layout)),
        "FLINK_OPT_DIR": str(flink_home() / "opt"),
        "FLINK_PLUGINS_DIR": str(plugins_dir(layout)),
        "TZ": "UTC",
    }


def conf_dir(layout: Layout) -> Path:
    """The directory of this stack's config.yaml."""
    return layout.run / "flink" / "conf"


def plugins_dir(layout: Layout) -> Path:
    """Links to the plugins in use; each one costs every process a class loader at its start."""
    return layout.run / "flink" / "plugins"


def config(plan: Plan) -> dict[str, object]:
    """config.yaml, shared by the processes and the client."""
    ports, settings = plan.ports, plan.settings
    manager = urlsplit(settings.flink_rest_url).hostname
    return {
        "jobmanager.rpc.address": manager,
        "jobmanager.rpc.port": ports.flink_rpc,
        "jobmanager.bind-host": plan.listen,
        "jobmanager.memory.process.size": "1024m",
        "blob.server.port": str(ports.flink_blob),
        "rest.address": manager,
        "rest.bind-address": plan.listen,
        "rest.port": ports.flink_rest,
        "rest.bind-port": str(ports.flink_rest),
        # An interface without a password: nobody uploads a jar to it, and no other origin's page reads it. Who may use
        # this machine's loopback may still stop a job, or submit one as the client does.
        "web.submit.enable": False,
        "web.access-control-allow-origin": settings.flink_rest_url,
        # Elsewhere a TaskManager tells the address by which it reaches the JobManager.
        **({"taskmanager.host": LOOPBACK} if plan.listen == LOOPBACK else {}),
        "taskmanager.bind-host": plan.listen,
        "taskmanager.numberOfTaskSlots": task_slots(plan),
        "taskmanager.load-balance.mode": "SLOTS",
        "parallelism.default": settings.parallelism,
        # One second and six are enough on one machine, and a dead TaskManager is noticed soon.
        "heartbeat.interval": "1000 ms",
        "heartbeat.timeout": "6000 ms",
        "execution.checkpointing.dir": settings_checkpoint_uri(plan),
        "execution.checkpointing.num-retained": 3,
        # By default each 4 kB of a state is a call of the system.
        "execution.checkpointing.write-buffer-size": 1_048_576,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # A checkpoint that fails because a sink's server is down does not restart the job.
        "execution.checkpointing.tolerable-failed-checkpoints": 1_000_000,
        "state.backend.type": "hashmap",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "500 ms",
        "restart-strategy.exponential-delay.max-backoff": "1 s",
        # By default a job that failed often also waits this long at the next failure within the hour.
        "restart-strategy.exponential-delay.reset-backoff-threshold": "1 min",
        "restart-strategy.exponential-delay.backoff-multiplier": 1.5,
        "restart-strategy.exponential-delay.jitter-factor": 0.1,
        "web.tmpdir": str(plan.layout.of_service("flink")),
        "io.tmp.dirs": str(plan.layout.of_service("flink")),
        "env.java.opts.all": " ".join((*MODULE_OPTIONS, "-Duser.timezone=UTC")),
        **(reporter(ports.flink_metrics) if plan.monitoring else {}),
    }


def reporter(port: int) -> dict[str, object]:
    """Flink's Prometheus reporter; the port is the JobManager's, the others have theirs on the command line."""
    return {
        f"{REPORTER}.factory.class": "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
        f"{REPORTER}.port": str(port),
    }


def settings_checkpoint_uri(plan: Plan) -> str:
    """Where Flink keeps checkpoints, as a URI."""
    return Path(plan.settings.checkpoint_dir).as_uri()


def task_manager_options() -> tuple[list[str], list[str]]:
    """The JVM's memory options and the dynamic properties that must agree with them."""
    memory = TASK_MANAGER_MEMORY
    heap = memory["taskmanager.memory.framework.heap.size"] + memory["taskmanager.memory.task.heap.size"]
    direct = (
        memory["taskmanager.memory.framework.off-heap.size"]
        + memory["taskmanager.memory.task.off-heap.size"]
        + memory["taskmanager.memory.network.max"]
    )
    metaspace = memory["taskmanager.memory.jvm-metaspace.size"]
    young = f"-Xmn{YOUNG_HEAP_MEGABYTES}m"
    jvm = [
        f"-Xmx{heap}m",
        f"-Xms{heap}m",
        young,
        f"-XX:MaxDirectMemorySize={direct}m",
        f"-XX:MaxMetaspaceSize={metaspace}m",
    ]
    properties = [f"{key}={value}m" for key, value in memory.items()]
    properties += ["taskmanager.cpu.cores=1.0"]
    return jvm, [part for each in properties for part in ("-D", each)]


def prepare(plan: Plan, document: Mapping[str, object]) -> None:
    """Writes the configuration (``document`` is config.yaml), the links to plugins and the Java argument files."""
    layout = plan.layout
    jars = class_path()
    for name in PLUGINS:
        link = plugins_dir(layout) / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(flink_home() / "plugins" / name)
    conf = conf_dir(layout)
    conf.mkdir(parents=True, exist_ok=True)
    layout.of_service("flink").mkdir(exist_ok=True)
    (conf / "config.yaml").write_text(yaml.safe_dump(dict(document)), encoding="utf-8")
    log4j = conf / "log4j.properties"
    log4j.write_text(LOG4J, encoding="utf-8")
    local = LOOPBACK_ONLY if plan.monitoring and plan.listen == LOOPBACK else ()
    shared = (*COMMON, *MODULE_OPTIONS, *local, f"-Dlog4j.configurationFile={log4j.as_uri()}")
    heap = JOB_MANAGER_HEAP_MEGABYTES
    manager = (
        *(f"-Xmx{heap}m", "-Xms64m", "-XX:MaxMetaspaceSize=256m", *QUICK_START, *shared),
        *class_archives.options(layout, "jobmanager", jars),
    )
    main = ("org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint", "--configDir", str(conf))
    (layout.run / "jobmanager.args").write_text(argument_file(manager, jars, main), encoding="utf-8")
    jvm, properties = task_manager_options()
    worker_main = ("org.apache.flink.runtime.taskexecutor.TaskManagerRunner", "--configDir", str(conf), *properties)
    worker = (*jvm, "-XX:+UseParallelGC", *shared, *class_archives.options(layout, "taskmanager", jars))
    (layout.run / "taskmanager.args").write_text(argument_file(worker, jars, worker_main), encoding="utf-8")
    # No archive of Flink's classes: with one Janino, which compiles what the planner generates, finds null for a class.
    client = (
        *("-Xmx512m", *QUICK_START, *COMMON, *MODULE_OPTIONS, f"-Dlog4j.configurationFile={log4j.as_uri()}"),
        *class_archives.jdk_options(),
    )
    client_main = ("org.apache.flink.client.cli.CliFrontend",)
    (conf / CLIENT_ARGUMENTS).write_text(argument_file(client, jars, client_main), encoding="utf-8")


def class_path() -> list[Path]:
    """Our own jar first, as one of its classes stands in for one of Flink's; no links, as class archives want it."""
    own = compile_java()
    return flink_jars() if own is None else [own, *flink_jars()]


def check_answers(rest_url: str) -> None:
    """Raises FlinkUnavailable."""
    FlinkRest(rest_url, _PROBE_SECONDS).get("/overview")


def check_registered(rest_url: str, name: str) -> None:
    """Raises ConnectionError where the JobManager does not know the TaskManager."""
    managers = FlinkRest(rest_url, _PROBE_SECONDS).get("/taskmanagers")["taskmanagers"]
    if name not in [each["id"] for each in managers]:
        raise ConnectionError(f"{name} has not registered with the JobManager")
