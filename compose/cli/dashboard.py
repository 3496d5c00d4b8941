"""`adctr dashboard`: the business dashboard of a running stack."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Annotated

import typer

from compose.process.errors import EnvironmentFailed, UsageError
from compose.process.exit_codes import ExitCode
from compose.stack.layout import STACK_DIR_VARIABLE, Layout
from compose.stack.ports import LOOPBACK, Ports, holder_of, is_free
from compose.stack.services import dashboard as service
from compose.stack.services.dashboard import check
from compose.stack.state import load_settings


def dashboard(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Serve another dashboard on this port, until Ctrl-C.", show_default=False),
    ] = None,
    refresh: Annotated[
        int | None,
        typer.Option(min=1, help="With --port: seconds between refreshes.", show_default=False),
    ] = None,
) -> int:
    """Prints the address of the running stack's dashboard. Starts one if the stack has none, or on --port.

    Exit 0: printed. 4: no stack runs, the port is taken, or the dashboard does not answer or ended by itself.
    """
    settings = load_settings(context.obj)
    if port is not None or not settings.dashboard_url:
        return _serve(context, port, refresh or settings.dashboard_refresh_seconds)
    if refresh is not None:
        raise UsageError("--refresh is for a dashboard on a --port of its own")
    try:
        check(settings.dashboard_url)
    except OSError as error:
        raise EnvironmentFailed(
            f"the dashboard at {settings.dashboard_url} does not answer ({error}); "
            "see `adctr status` and `adctr logs dashboard`"
        ) from error
    print(settings.dashboard_url)
    return ExitCode.PASS


def _serve(context: typer.Context, port: int | None, refresh_seconds: int) -> int:
    """Runs in a process of its own, which ends with this one and prints to stderr."""
    port = port or Ports().dashboard
    if not is_free(port):
        holder = holder_of(port) or "a process of another user"
        raise EnvironmentFailed(f"port {port} is in use by {holder}; choose another one with --port")
    settings = replace(load_settings(context.obj), dashboard_refresh_seconds=refresh_seconds)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("ADCTR_", "STREAMLIT_"))},
        **service.environment(settings),
        # It is the stack's: `adctr down` takes it along.
        STACK_DIR_VARIABLE: str(Layout.of(context.obj).root),
    }
    process = subprocess.Popen(service.command(port), env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    print(f"http://{LOOPBACK}:{port}", flush=True)
    try:
        code = process.wait()
    finally:
        process.terminate()
        process.wait()
    raise EnvironmentFailed(f"the dashboard ended by itself with exit code {code}; its last words are above")
