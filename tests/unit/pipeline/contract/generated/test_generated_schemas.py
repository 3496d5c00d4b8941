"""Generated writers' schemas, values and damage to both: Java and Python say the same of each."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pipeline.contract.codec import AdEvent
from tests.unit.pipeline.contract.generated.judges import as_vector, judge, problem
from tests.unit.pipeline.contract.generated.schemas import Example, damaged_bytes, damaged_text, examples
from tests.unit.pipeline.contract.java_decoder import JavaDecoder, compile_decoder, java_decoder

SEED = int(os.environ.get("ADCTR_SEED", "20"))
QUICK, LONG = 150, 12_000
"""Schemas; each comes with ten values or more, whole and damaged."""
DAMAGED = 4


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JavaDecoder]:
    with java_decoder(compile_decoder(tmp_path_factory.mktemp("classes"))) as (decoder, _):
        yield decoder


class Tally:
    """How many triples of schema, value and damage were judged, and how many were events."""

    def __init__(self) -> None:
        self.triples = self.events = self.expected = 0


def check(java: JavaDecoder, schema: str, values: list[bytes], expected: list[AdEvent | None], tally: Tally) -> None:
    """Fails, and prints the vector, where the judges disagree or the generator knows better."""
    for each, event in zip(judge(java, schema, values), expected, strict=True):
        tally.triples += 1
        tally.events += isinstance(each.java, AdEvent)
        tally.expected += event is not None
        wrong = problem(each)
        if wrong is None and event is not None and each.java != event:
            wrong = "not the event that was written"
        if wrong is not None:
            said = f"{wrong}: Java says {each.java!r}, Python {each.python!r}; as a vector:\n"
            pytest.fail(said + as_vector(wrong, schema, each, event))


def run(java: JavaDecoder, schemas: int) -> Tally:
    """Judges so many schemas, each with its values and with damage to both."""
    tally = Tally()

    @seed(SEED)
    @settings(
        max_examples=schemas,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(examples(), st.data())
    def judged(example: Example, data: st.DataObject) -> None:
        draw = data.draw
        damaged = [draw(damaged_bytes(example.values[0])) for _ in range(DAMAGED)]
        values = [*example.values, *damaged]
        check(java, example.schema, values, [*example.expected, *[None] * DAMAGED], tally)
        for _ in range(2):
            text = draw(damaged_text(example.schema))
            check(java, text, [example.values[0], damaged[0]], [None, None], tally)

    judged()
    return tally


def test_java_and_python_agree(java: JavaDecoder) -> None:
    """In seconds."""
    tally = run(java, QUICK)
    assert tally.expected > tally.triples / 20


@pytest.mark.long
def test_java_and_python_agree_on_a_hundred_thousand_triples(java: JavaDecoder) -> None:
    """In minutes."""
    tally = run(java, LONG)
    print(f"seed {SEED}: {tally.triples} triples, {tally.events} events, {tally.expected} of them foretold")
    assert tally.triples >= 100_000
    assert tally.expected > tally.triples / 20
