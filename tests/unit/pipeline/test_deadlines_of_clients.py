"""Every client has a deadline: each place that opens one names it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("pipeline", "loadgen", "slo", "dashboards", "compose")
DEADLINES = {
    "redis.Redis": {"socket_timeout", "socket_connect_timeout"},
    "psycopg2.connect": {"connect_timeout", "connection_factory"},
    "urllib.request.urlopen": {"timeout"},
    "describe_configs": {"request_timeout"},
    "incremental_alter_configs": {"request_timeout"},
    "list_consumer_group_offsets": {"request_timeout"},
    "list_offsets": {"request_timeout"},
    "create_topics": {"request_timeout"},
    "create_partitions": {"request_timeout"},
    "describe_topics": {"request_timeout"},
}
"""Of clients that wait forever, or for many minutes, by default. Ruff (S113) has `requests`."""


def missing(source: str) -> Iterator[str]:
    """The calls of a module that lack one of their deadlines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            for client, needed in DEADLINES.items():
                matches = name == client or ("." not in client and name.endswith(f".{client}"))
                if matches and (absent := needed - {each.arg for each in node.keywords}):
                    yield f"line {node.lineno}: {name}(…) without {', '.join(sorted(absent))}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_client_has_a_deadline(package: str) -> None:
    found = {
        str(path.relative_to(ROOT)): calls
        for path in (ROOT / package).rglob("*.py")
        if (calls := list(missing(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


def test_one_without_is_found() -> None:
    assert list(missing("redis.Redis(host=h, socket_timeout=1)")) == [
        "line 1: redis.Redis(…) without socket_connect_timeout"
    ]
