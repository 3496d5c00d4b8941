"""What the producer refuses is in the ledger like every other failure, and ends the run with a message."""

from __future__ import annotations

import pytest
from confluent_kafka import Message

from loadgen import publisher
from loadgen.errors import BrokerUnavailable
from loadgen.ledger import UNKNOWN_OFFSET
from loadgen.publisher import Answers, Publisher, failure_name
from pipeline.contract.codec import AdEvent, encode
from pipeline.settings import Settings
from tests.dying_producer import DyingProducer

HISTORIC = Settings(kafka_bootstrap="127.0.0.1:1", historic=True)


def _values(count: int, user: str = "u") -> list[bytes]:
    return [encode(AdEvent(f"run-{seq}", "CLICK", 1, user, "a", "c", "k"), 1) for seq in range(count)]


def _columns(answers: Answers) -> tuple[list[int], list[int], list[int]]:
    return answers.seqs.tolist(), answers.partitions.tolist(), answers.offsets.tolist()


def test_a_producer_that_dies_fails_every_later_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five events two were taken and three have their answer, with the error's code; then nothing goes on."""
    monkeypatch.setattr(publisher, "Producer", DyingProducer)
    dying = Publisher(HISTORIC)
    dying.send(_values(5), [b"c"] * 5, [0] * 5, 1)
    assert _columns(dying.take_answers()) == ([2, 3, 4], [-1] * 3, [-150] * 3)
    with pytest.raises(BrokerUnavailable, match="Fatal error; start the load again"):
        dying.require_usable()
    with pytest.raises(BrokerUnavailable, match="start the load again"):
        dying.send_canary(b"", b"", 0, 1)


def test_an_event_that_is_too_large_fails_alone() -> None:
    """The producer itself is in order."""
    real = Publisher(HISTORIC)
    real.send_patiently(_values(1, "u" * 1_500_000), [b"c"], [0], [1])
    assert _columns(real.take_answers()) == ([0], [-1], [-10])
    real.require_usable()


def test_a_delivered_event_may_have_no_offset() -> None:
    """A record whose first answer was lost is sent again, and the broker, which has it, answers without an offset."""
    mailbox = publisher._Mailbox()
    value = _values(1)[0]
    mailbox.callback()(None, Message(topic="ad-events", partition=2, value=value))
    assert mailbox.delivered[0].offset() is None
    assert _columns(mailbox.take()) == ([0], [2], [UNKNOWN_OFFSET])


@pytest.mark.parametrize(
    ("offset", "name"), [(-32, "INVALID_TIMESTAMP"), (-184, "QUEUE_FULL"), (-192, "MSG_TIMED_OUT")]
)
def test_a_failure_has_a_name(offset: int, name: str) -> None:
    """The broker's codes are positive, the producer's own negative; both stand negative in the place of an offset."""
    assert failure_name(offset) == name
