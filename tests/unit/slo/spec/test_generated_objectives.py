"""Any file is a specification of objectives or is refused with the line; what a legal one says is what is read."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from slo.spec.metrics import indicators_of
from slo.spec.model import BudgetingMethod, Kind, Minimum, Objective, Operator, Specification, TimeWindow
from slo.spec.parse import load as load_spec
from slo.statistics.share import fewest_samples
from tests.generated import BUDGETS
from tests.generated_yaml import Document, dumped, names, nearly, read_or_refused, sentences

SMALL: Document = yaml.safe_load((Path(__file__).parent / "small.yaml").read_bytes())
load = partial(load_spec, docs=Path("/nonexistent"))
"""Runbooks are not looked for."""


@st.composite
def objectives(draw: st.DrawFn) -> tuple[Document, Objective]:
    """A legal objective as a document, and the objective that it is."""
    kind = draw(st.sampled_from([each for each in Kind if each is not Kind.CORRECTNESS]))
    with_target = kind in (Kind.LATENCY, Kind.FRESHNESS)
    by_looks = kind in (Kind.FRESHNESS, Kind.CEILING)
    target = draw(st.sampled_from((0.5, 0.99, 0.999, 1.0))) if with_target else 1.0
    document: dict[str, Any] = {
        "name": draw(names),
        "displayName": draw(sentences),
        "kind": kind.value,
        "indicator": draw(st.sampled_from(indicators_of(kind))).value,
        "op": draw(st.sampled_from(list(Operator))).value if with_target else "lte",
        "value": draw(st.floats(1e-6, 1e12)),
        "budgetingMethod": draw(st.sampled_from(list(BudgetingMethod))).value if by_looks else "Occurrences",
        "minimum": {
            "duration": f"{draw(st.integers(100, 9_999))}s",
            "samples": fewest_samples(target) + draw(st.integers(0, 9)),
        },
        "why": draw(sentences),
        "whenBroken": draw(sentences),
        "runbook": "runbooks/event_to_redis.md",
    }
    if with_target:
        document["target"] = target
    if kind is Kind.GROWTH:
        document["warmUp"] = f"{draw(st.integers(1, 99))}s"
    return document, Objective(
        name=document["name"],
        display_name=document["displayName"],
        kind=kind,
        indicator=type(indicators_of(kind)[0])(document["indicator"]),
        op=Operator(document["op"]),
        value=document["value"],
        computed=None,
        target=target,
        budgeting_method=BudgetingMethod(document["budgetingMethod"]),
        minimum=Minimum(float(document["minimum"]["duration"][:-1]), document["minimum"]["samples"]),
        warm_up_seconds=float(document.get("warmUp", "0s")[:-1]),
        why=document["why"],
        when_broken=document["whenBroken"],
        runbook=document["runbook"],
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("objectives") / "objectives.yaml"


@BUDGETS
@given(found=st.lists(objectives(), min_size=1, max_size=4, unique_by=lambda each: each[1].name), data=st.data())
def test_what_legal_objectives_say_is_what_is_read(
    budget: str, path: Path, found: list[tuple[Document, Objective]], data: st.DataObject
) -> None:
    document = {**SMALL, "objectives": [each for each, _ in found]}
    text = data.draw(st.composite(lambda draw: dumped(document, draw))())
    expected = Specification("adctr", TimeWindow(28 * 86_400.0), tuple(objective for _, objective in found))
    assert read_or_refused(path, text, load) == expected


@BUDGETS
@given(text=nearly(st.just(SMALL) | objectives().map(lambda each: {**SMALL, "objectives": [each[0]]})))
def test_nearly_objectives_are_some_or_are_refused_with_the_line(budget: str, path: Path, text: str) -> None:
    found = read_or_refused(path, text, load)
    assert found is None or isinstance(found, Specification)


@BUDGETS
@given(text=st.text())
def test_any_text_is_refused_with_the_line(budget: str, path: Path, text: str) -> None:
    assert read_or_refused(path, text, load) is None
