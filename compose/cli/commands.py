"""Every command and where it is: the one place that a new command is entered in."""

from __future__ import annotations

from collections.abc import Mapping

from compose.cli.lazy import Place, Places

_OTHERS_FLAGS = {"allow_extra_args": True, "ignore_unknown_options": True}

LOAD = {
    "run": Place("load.run:run"),
    "full-speed": Place("load.run:full_speed"),
    "historic": Place("load.run:historic"),
    "profiles": Place("load.run:profiles"),
    "replay": Place("load.replay:replay"),
    "locust": Place("load.locust:locust", settings=_OTHERS_FLAGS),
}

_CLAIMS = "Checks of developers' claims"

BENCH = {
    "latency": Place("bench.latency:latency", history=True),
    "drain": Place("bench.drain:drain", history=True),
    "capacity": Place("bench.capacity:capacity", history=True),
    "cost": Place("bench.cost:cost", history=True),
    "cache-reads": Place("bench.cache_reads:cache_reads", history=True),
    "peers": Place("bench.peers:peers", history=True),
    "soak": Place("bench.soak:soak", history=True),
    "compare": Place("bench.compare:compare", history=True),
    "report": Place("bench.report:report"),
    "raw-copy": Place("bench.drain:raw_copy", panel=_CLAIMS, history=True),
    "probes": Place("bench.latency:probes", panel=_CLAIMS, history=True),
    "generator": Place("bench.generator:generator", panel=_CLAIMS, history=True),
    "dead-letters": Place("bench.dead_letters:dead_letters", panel=_CLAIMS, history=True),
}

SLO = {
    "rules": Place("slo.rules:rules"),
    "check": Place("slo.check:check", history=True),
    "watch": Place("slo.check:watch"),
    "export": Place("slo.check:export"),
    "compare": Place("slo.check:compare", history=True),
    "drill": Place("slo.drill:drill", history=True),
}

GRAFANA = {"build": Place("grafana:build"), "publish": Place("grafana:publish")}

DLQ = {
    "list": Place("dlq.letters:list_letters"),
    "show": Place("dlq.letters:show"),
    "export": Place("dlq.letters:export"),
    "replay": Place("dlq.replay:replay"),
}

CHAOS = {
    "list": Place("chaos.faults:list_faults"),
    "run": Place("chaos.faults:run", history=True),
    "random": Place("chaos.schedules:random", history=True),
}

COMMANDS: Mapping[str, Place | Places] = {
    "up": Place("stack:up", "Starts the stack; returns when it is healthy and the jobs run."),
    "status": Place("stack:status", "Shows the processes and jobs of a running stack."),
    "down": Place("stack:down", "Stops the stack. Its state stays in the data directory."),
    "logs": Place("stack:logs", "Prints the log of a service."),
    "verify": Place(
        "verify:verify",
        "Waits until the jobs have drained, then compares topic, Redis, PostgreSQL, dead letters and ledger.",
    ),
    "demo": Place(
        "demo:demo",
        "Starts the stack unless it runs, sends events, times each, verifies every count and prints the verdict.",
        history=True,
    ),
    "retention": Place(
        "retention:retention",
        "Drops raw events and windows that are past their retention, and creates partitions for the coming days.",
    ),
    "dashboard": Place(
        "dashboard:dashboard",
        "Prints the address of the running stack's dashboard. Starts one if the stack has none, or on --port.",
    ),
    "recount": Place(
        "recount:recount",
        "Recounts final windows from raw_events, which also holds replayed dead letters.",
    ),
    "warehouse": Place(
        "warehouse:warehouse",
        "Runs dbt on the marts of the running stack. Its own arguments follow: adctr warehouse build.",
        settings=_OTHERS_FLAGS,
    ),
    "load": Places("Generates load and records it in a ledger.", LOAD),
    "bench": Places("Measures what the pipeline can do on this machine.", BENCH),
    "slo": Places("Checks objectives: verdicts, Prometheus rules, drills.", SLO),
    "grafana": Places("Builds and publishes the dashboards for operators.", GRAFANA),
    "dlq": Places("Lists and exports dead letters, and replays repaired ones.", DLQ),
    "chaos": Places("Injects faults under load and verifies every count afterwards.", CHAOS),
}
