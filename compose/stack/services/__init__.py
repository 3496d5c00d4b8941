"""One module per kind of process in the embedded stack: its configuration, command line and health check."""

from __future__ import annotations

from compose.stack.service import Plan, Service
from compose.stack.services import (
    dashboard,
    flink,
    kafka,
    monitoring,
    postgres_server,
    python_services,
    redis_server,
    registry,
)


def every_service(plan: Plan) -> list[Service]:
    """The processes of a stack, those that take longest to start first."""
    return [
        *flink.services(plan),
        kafka.service(plan),
        registry.service(plan),
        postgres_server.service(plan),
        redis_server.service(plan),
        *python_services.services(plan),
        *dashboard.services(plan),
        *monitoring.services(plan),
    ]
