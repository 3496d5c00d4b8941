"""Turns what a command raises into a message and an exit code."""

from __future__ import annotations

import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from types import FrameType

from compose.process.errors import EnvironmentFailed, Inconclusive, UsageError
from compose.process.exit_codes import ExitCode
from compose.process.signals import interrupting
from pipeline.settings import SettingsError
from pipeline.shared.terminal_safe import printable_lines


def run_guarded(command: Callable[[], object]) -> int:
    """Runs a command and turns what it raises into a message and an exit code."""
    for each in interrupting():
        signal.signal(each, _interrupt)
    try:
        result = command()
    except (UsageError, SettingsError) as error:
        return _fail(error, ExitCode.USAGE)
    except Inconclusive as error:
        return _fail(error, ExitCode.INCONCLUSIVE)
    except EnvironmentFailed as error:
        return _fail(error, ExitCode.ENVIRONMENT)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except (OSError, subprocess.SubprocessError) as error:
        return _fail(error, ExitCode.ENVIRONMENT)
    except Exception as error:
        if not isinstance(error, _expected_errors()):
            # Never Python's own exit code 1: that is the promise that an objective was breached.
            traceback.print_exc()
        return _fail(error, ExitCode.ENVIRONMENT)
    return result if isinstance(result, int) else ExitCode.PASS


def _expected_errors() -> tuple[type[Exception], ...]:
    """What says enough without a traceback. Imported only where something has failed: the clients take a while."""
    try:
        from confluent_kafka import KafkaException

        from pipeline.provision import ProvisionError
        from pipeline.store.migrate import MigrationFailed
        from slo.reconciliation.tally import TooManyCells
    except ImportError:  # which may well be what has failed
        return ()
    return (ProvisionError, MigrationFailed, KafkaException, TooManyCells)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # Once: whatever cleans up now must not be interrupted by the next one.
    for each in interrupting():
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _fail(error: Exception | str, code: ExitCode) -> int:
    if text := printable_lines(str(error)):  # a group without a command has printed its help
        print(f"adctr: {text}", file=sys.stderr)
    return code
