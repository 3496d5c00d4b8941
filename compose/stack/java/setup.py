"""``python -m compose.stack.java.setup``: fetches and verifies Java artifacts, compiles our Java; for `make setup`."""

from __future__ import annotations

from compose.process.guard import run_guarded
from compose.stack.java.artifacts import ensure, unpacked_registry
from compose.stack.java.build import compile_java


def main() -> None:
    """Raises EnvironmentFailed."""
    ensure(verify=True)
    unpacked_registry()
    compile_java()


if __name__ == "__main__":
    raise SystemExit(run_guarded(main))
