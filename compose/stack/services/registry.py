"""The Schema Registry: Apicurio with its Confluent-compatible API, schemas in an H2 file."""

from __future__ import annotations

import urllib.request

from compose.stack.java import artifacts, class_archives
from compose.stack.java.jvm import COMMON, JAVA, QUICK_START, argument_file
from compose.stack.ports import LOOPBACK
from compose.stack.service import Plan, Service

HEAP_MEGABYTES = 256
_PROBE_SECONDS = 2.0


def service(plan: Plan) -> Service:
    """The registry; state in DIR/registry."""
    return Service(
        name="registry",
        command=(str(JAVA), f"@{plan.layout.run / 'registry.args'}"),
        address=plan.settings.schema_registry_url,
        environment=environment(plan),
        prepare=lambda: _prepare(plan),
        check=lambda: _check(plan.settings.schema_registry_url),
    )


def environment(plan: Plan) -> dict[str, str]:
    """Apicurio's and Quarkus's configuration."""
    database = plan.layout.of_service("registry") / "registry"
    return {
        "QUARKUS_HTTP_HOST": plan.listen,
        "QUARKUS_HTTP_PORT": str(plan.ports.registry),
        "QUARKUS_MANAGEMENT_HOST": LOOPBACK,
        "QUARKUS_MANAGEMENT_PORT": str(plan.ports.registry_management),
        "QUARKUS_OTEL_SDK_DISABLED": "true",
        "APICURIO_STORAGE_KIND": "sql",
        "APICURIO_STORAGE_SQL_KIND": "h2",
        # H2 would otherwise close the database with its last connection and re-open it for the next.
        "APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{database}",
        "APICURIO_DATASOURCE_USERNAME": "registry",
        "APICURIO_DATASOURCE_PASSWORD": plan.passwords.registry_storage,
    }


def _check(url: str) -> None:
    with urllib.request.urlopen(f"{url}/subjects", timeout=_PROBE_SECONDS) as response:
        response.read()


def _prepare(plan: Plan) -> None:
    home = artifacts.unpacked_registry()
    plan.layout.of_service("registry").mkdir(exist_ok=True)
    jar = home / "quarkus-run.jar"
    options = (f"-Xmx{HEAP_MEGABYTES}m", *QUICK_START, *COMMON, *class_archives.options(plan.layout, "registry", [jar]))
    text = argument_file(options, (), ("-jar", str(jar)))
    (plan.layout.run / "registry.args").write_text(text, encoding="utf-8")
