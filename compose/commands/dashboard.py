"""`adctr dashboard`: the business dashboard of a running stack."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from compose.errors import EnvironmentFailed
from compose.exit_codes import ExitCode


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("dashboard")(dashboard)


def dashboard(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Serve another one there, until Ctrl-C.", show_default=False),
    ] = None,
) -> int:
    """Prints the address of the dashboard that the running stack serves; serves one where it has none, or on --port.

    Exit 0: printed, or ended by Ctrl-C. 4: no stack runs, the port is taken, or the stack's dashboard does not answer.
    """
    from compose.stack.services.dashboard import check
    from compose.stack.state import load_settings

    settings = load_settings(context.obj)
    if port is None and settings.dashboard_url:
        try:
            check(settings.dashboard_url)
        except OSError as error:
            raise EnvironmentFailed(
                f"the dashboard at {settings.dashboard_url} does not answer ({error}); "
                "see `adctr status` and `adctr logs dashboard`"
            ) from error
        print(settings.dashboard_url)
        return ExitCode.PASS
    return _serve(context, port)


def _serve(context: typer.Context, port: int | None) -> int:
    from compose.stack.layout import STACK_DIR_VARIABLE, Layout
    from compose.stack.ports import LOOPBACK, Ports, holder_of, is_free
    from compose.stack.services import dashboard as service
    from compose.stack.state import load_settings

    port = port or Ports().dashboard
    if not is_free(port):
        raise EnvironmentFailed(
            f"port {port} is in use by {holder_of(port) or 'a process of another user'}: --port PORT"
        )
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("ADCTR_", "STREAMLIT_"))},
        **service.environment(load_settings(context.obj)),
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
    if code:
        raise EnvironmentFailed(f"the dashboard ended with exit code {code}; its last words are above")
    return ExitCode.PASS
