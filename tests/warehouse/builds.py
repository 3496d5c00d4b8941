"""Runs dbt by `adctr warehouse`, and reads what it has built."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from compose.cli.warehouse import PROGRAM_VARIABLE
from compose.stack.state import instead_of_the_stacks
from pipeline.settings import Settings
from pipeline.store import connect_reader

MARTS = {
    "campaigns_hourly": ("campaign_id", "category"),
    "placements_hourly": ("placement",),
    "devices_hourly": ("device",),
}
"""Marts that hold rows of their own, and what they count by."""
PASSWORD = "d8t-s3cret"
"""The server asks for none, and dbt still sends one."""
Hours = dict[tuple[str, datetime], datetime]


@dataclass(frozen=True)
class Builds:
    """dbt on one database."""

    dbt: str
    settings: Settings
    state: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command's output and exit code."""
        settings = replace(self.settings, postgres_warehouse_password=PASSWORD)
        environment = {**os.environ, **instead_of_the_stacks(settings), PROGRAM_VARIABLE: self.dbt}
        command = [sys.executable, "-m", "compose.cli", "--data-dir", str(self.state), "warehouse", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def build(self) -> None:
        ended = self.run("build")
        assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Of a query by the dashboard's role."""
        with closing(connect_reader(self.settings)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def hours(self) -> Hours:
        """When each hour of each mart was written last."""
        return {
            (mart, hour): built_at
            for mart in MARTS
            for hour, built_at in self.rows(f"SELECT hour_start, max(built_at) FROM warehouse.{mart} GROUP BY 1")
        }

    def contents(self, mart: str) -> set[tuple[Any, ...]]:
        """Every cell of a mart of hours."""
        late = "" if mart.startswith("campaigns") else ", late_events"
        columns = ", ".join(("hour_start", *MARTS[mart]))
        return set(self.rows(f"SELECT {columns}, impressions, clicks{late} FROM warehouse.{mart}"))
