"""The two decoders as judges of one schema and its values, and what they must agree on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.contract.avro_strict import STEPS_PER_BYTE, STEPS_PER_VALUE, Walk
from pipeline.contract.codec import HEADER, AdEvent, DecodeError, Decoder, read_fields, schema_id_of
from pipeline.contract.reasons import Reason
from pipeline.contract.rules import invalid_fields
from tests.unit.pipeline.contract.java_decoder import JavaDecoder

Verdict = AdEvent | str
"""The event, or ``invalid: `` and why the bytes alone say that there is none."""


@dataclass(frozen=True)
class Judgement:
    """What both say of one value, and the steps that they took; Python's are 0 where it did not come as far."""

    value: bytes
    python: Verdict
    python_steps: int
    java: Verdict
    java_steps: int


def judge(java: JavaDecoder, schema: str, values: Sequence[bytes]) -> list[Judgement]:
    """Both judges' verdicts, with a registry that has the schema under every id."""
    decoder = Decoder(lambda _: schema)
    return [
        Judgement(value, *_python(decoder, value), verdict, steps)
        for value, (steps, verdict) in zip(values, java.example(schema, values), strict=True)
    ]


def _python(decoder: Decoder, value: bytes) -> tuple[Verdict, int]:
    try:
        event = decoder.decode(value)
    except DecodeError as error:
        return f"invalid: {error.reason.of(str(error))}", 0
    reason = invalid_fields(event)
    walk = Walk(value, HEADER.size)
    read_fields(decoder.writer(schema_id_of(value) or 0), walk, {})
    return (event if reason is None else f"invalid: {Reason.NOT_AN_EVENT.of(reason)}"), walk.steps


def problem(each: Judgement) -> str | None:
    """Why the judgement is a fault, or None."""
    most = STEPS_PER_VALUE + STEPS_PER_BYTE * len(each.value) + 1
    if isinstance(each.java, str) and not each.java.startswith("invalid: "):
        return "Java's decoder fails"
    if isinstance(each.java, str) != isinstance(each.python, str) or (
        isinstance(each.java, AdEvent) and each.java != each.python
    ):
        return "the judges disagree"
    if isinstance(each.java, str) and str(each.python).split(": ")[1] != each.java.split(": ")[1]:
        return "the judges give other reasons"
    if each.java_steps > most or each.python_steps > most:
        return f"more than {most} steps"
    if isinstance(each.java, AdEvent) and each.java_steps != each.python_steps:
        return "the judges count steps differently"
    return None


def as_vector(name: str, schema: str, each: Judgement, event: AdEvent | None) -> str:
    """The line to add to tests/vectors/writers.json."""
    return json.dumps(
        {"name": name, "schema": schema, "value": each.value.hex(), "event": None if event is None else event._asdict()}
    )
