"""Whatever a command raises, its exit code says whose fault it was; 1 is only ever said on purpose."""

from __future__ import annotations

import signal
import subprocess
from functools import partial

import pytest
from confluent_kafka import KafkaError, KafkaException

from compose.process import guard
from compose.process.errors import EnvironmentFailed, Inconclusive, UsageError
from compose.process.signals import interrupting
from pipeline.provision import ProvisionError, ProvisionRefused
from pipeline.settings import SettingsError
from pipeline.store.migrate import MigrationFailed
from slo.reconciliation.tally import TooManyCells


@pytest.fixture(autouse=True)
def _signals_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "interrupting", tuple)


def _exit_code(error: BaseException) -> int:
    def command() -> None:
        raise error

    return guard.run_guarded(command)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("why"), 2),
        (SettingsError("why"), 2),
        (ProvisionRefused("why"), 2),
        (Inconclusive("why"), 3),
        (EnvironmentFailed("why"), 4),
        (ProvisionError("why"), 4),
        (MigrationFailed("why"), 4),
        (KafkaException(KafkaError(KafkaError._TRANSPORT, "why")), 4),
        (subprocess.TimeoutExpired("why", 5), 4),
        (TooManyCells("why"), 4),
        (OSError("why"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_expected_error_is_a_message_and_a_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for what has a cure."""
    assert _exit_code(error) == code
    words = capsys.readouterr().err
    assert "Traceback" not in words
    assert isinstance(error, KeyboardInterrupt) or "why" in words


def test_a_mistake_of_ours_shows_where_and_is_not_a_breach(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback for the issue tracker; exit code 4."""
    assert _exit_code(KeyError("nobody expected this")) == 4
    words = capsys.readouterr().err
    assert "Traceback" in words
    assert "nobody expected this" in words


def test_what_a_command_returns_is_its_code() -> None:
    """1 among them."""
    assert [guard.run_guarded(partial(int, code)) for code in (0, 1, 3)] == [0, 1, 3]
    assert guard.run_guarded(lambda: None) == 0


def test_a_hangup_that_was_ignored_stays_so() -> None:
    """As `nohup` wants it; everything else that ends a command does."""
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert interrupting() == (signal.SIGINT, signal.SIGTERM)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        assert interrupting() == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)
