"""The addresses that `adctr demo` prints while it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compose.cli.demo import addresses
from compose.stack.layout import Layout
from compose.stack.passwords import Passwords
from compose.stack.ports import Ports
from compose.stack.processes.supervision import Supervisor
from compose.stack.service import Service
from compose.stack.state import Record, settings_for
from pipeline.settings import Settings

URL = "http://127.0.0.1:8501"


def test_the_exporter_is_named_only_while_it_runs(tmp_path: Path) -> None:
    """The dashboard is a setting of the stack; the exporter is there unless `up --no-monitoring` left it out."""
    layout = Layout.of(tmp_path / "data")
    layout.create()
    ports = Ports.free()
    settings = settings_for(
        replace(Settings(), dashboard_url=URL), layout, ports, Passwords.load_or_create(layout), historic=False
    )
    Record.of(ports, settings).write(layout)
    assert list(addresses(layout.root, settings)) == [f"dashboard at {URL}"]
    supervisor = Supervisor.start(layout, [Service("exporter", ("sleep", "60"), "", lambda: None)])
    try:
        assert list(addresses(layout.root, settings)) == [
            f"dashboard at {URL}",
            f"exporter at http://127.0.0.1:{ports.exporter}/metrics",
        ]
    finally:
        supervisor.shutdown(10.0)
