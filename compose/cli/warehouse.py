"""`adctr warehouse`: dbt on the running stack, with the warehouse's role and in its schema."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

import pipeline
from compose.process.errors import EnvironmentFailed
from compose.process.exit_codes import ExitCode
from compose.stack.layout import Layout
from compose.stack.state import load_settings
from pipeline.settings import ENV_PREFIX, Settings

PROJECT = Path(pipeline.__file__).with_name("warehouse")
PROGRAM_VARIABLE = "ADCTR_DBT"
_OWN_PROGRAM = PROJECT.parents[1] / ".venv-warehouse" / "bin" / "dbt"
_NEEDED = (
    "postgres_host", "postgres_port", "postgres_database", "postgres_warehouse_password", "allowed_lateness_seconds",
    "record_slack_seconds",
)  # fmt: skip
_FAILED = 1
"""dbt's exit code where a model or a test failed; 2 is its word for everything else."""


def warehouse(context: typer.Context) -> int:
    """Runs dbt on the marts of the running stack. Its own arguments follow: adctr warehouse build.

    Exit 0: built, and all tests passed. 1: a model or a test failed. 4: dbt is not installed, or could not work.
    """
    settings = load_settings(context.obj)
    state = Layout.of(context.obj).root / "warehouse"
    ended = subprocess.run(command(program(), context.args, state), env={**os.environ, **environment(settings)})
    if ended.returncode not in (0, _FAILED):
        raise EnvironmentFailed(f"dbt ended with exit code {ended.returncode}; it has said why above")
    return ExitCode.FAIL if ended.returncode else ExitCode.PASS


def program(environ: Mapping[str, str] = os.environ) -> str:
    """The dbt to run: the one named, that of `make warehouse`, or any on PATH. Raises EnvironmentFailed without one."""
    named = environ.get(PROGRAM_VARIABLE)
    found = named or (str(_OWN_PROGRAM) if _OWN_PROGRAM.exists() else shutil.which("dbt"))
    if found is None:
        raise EnvironmentFailed(f"dbt is not installed: `make warehouse` installs it, {PROGRAM_VARIABLE} names another")
    return found


def command(dbt: str, arguments: Sequence[str], state: Path) -> list[str]:
    """dbt's command line; what it writes besides tables goes below ``state``."""
    first, *rest = arguments or ("build",)
    places = {"project-dir": PROJECT, "profiles-dir": PROJECT, "target-path": state / "target", "log-path": state}
    return [dbt, first, *(part for name, path in places.items() for part in (f"--{name}", str(path.resolve()))), *rest]


def environment(settings: Settings) -> dict[str, str]:
    """The variables that the profile and the models read."""
    everything = settings.to_env()
    return {key: everything[key] for key in (ENV_PREFIX + name.upper() for name in _NEEDED)}
