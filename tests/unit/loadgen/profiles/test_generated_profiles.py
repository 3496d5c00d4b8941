"""Any file is a profile or is refused with the line; what a legal one says is what is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadgen.profiles.model import Profile
from loadgen.profiles.parse import load_profile
from loadgen.rate_curve import RateCurve, RatePoint
from tests.generated import BUDGETS
from tests.generated_yaml import Document, dumped, names, nearly, read_or_refused, sentences

_fractions = st.sampled_from((0, 0.0, 0.25, 0.3, 1e-9, 0.333333333333))
_optional: dict[str, tuple[str, st.SearchStrategy[float]]] = {
    "campaigns": ("campaigns", st.integers(2, 1_000_000)),
    "zipfExponent": ("zipf_exponent", st.floats(0, 10)),
    "hotShare": ("hot_share", st.floats(1e-9, 0.999)),
    "adsPerCampaign": ("ads_per_campaign", st.integers(1, 1_000)),
    "clickFraction": ("click_fraction", st.floats(0, 1)),
    "lateFraction": ("late_fraction", _fractions),
    "outOfOrderFraction": ("out_of_order_fraction", _fractions),
    "invalidFraction": ("invalid_fraction", _fractions),
    "duplicateFraction": ("duplicate_fraction", st.floats(0, 0.999)),
}


def _written(seconds: float) -> str:
    return f"{seconds:g}s"


@st.composite
def profiles(draw: st.DrawFn) -> tuple[Document, Profile]:
    """A legal document, and the profile that it is."""
    document: Document = {"apiVersion": "adctr/v1", "name": draw(names), "description": draw(sentences)}
    values = {"name": document["name"], "description": document["description"]}
    for key in draw(st.lists(st.sampled_from(list(_optional)), unique=True)):
        field, strategy = _optional[key]
        document[key] = values[field] = draw(strategy)
    curve = None
    if draw(st.booleans()):
        steps = draw(st.lists(st.integers(1, 600), max_size=5))
        at = [sum(steps[:number]) for number in range(len(steps) + 1)]
        times = [draw(st.floats(0.001, 1_000)) for _ in at]
        repeat = draw(st.none() | st.integers(max(at[-1], 1), 10_000))
        points = tuple(RatePoint(float(moment), level) for moment, level in zip(at, times, strict=True))
        curve = RateCurve(points, None if repeat is None else float(repeat))
        document["rate"] = {
            "points": [{"at": _written(moment), "times": level} for moment, level in zip(at, times, strict=True)],
            **({} if repeat is None else {"repeatEvery": _written(repeat)}),
        }
    return document, Profile(**values, curve=curve)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profiles") / "profile.yaml"


@BUDGETS
@given(profile=profiles(), data=st.data())
def test_what_a_legal_profile_says_is_what_is_read(
    budget: str, path: Path, profile: tuple[Document, Profile], data: st.DataObject
) -> None:
    document, expected = profile
    text = data.draw(st.composite(lambda draw: dumped(document, draw))())
    found = read_or_refused(path, text, load_profile)
    assert found == expected


@BUDGETS
@example(text="apiVersion: adctr/v1\nname: n\ndescription: A\ncampaigns: 1_\n").via("a traceback, once")
@given(text=nearly(profiles().map(lambda each: each[0])))
def test_nearly_a_profile_is_one_or_is_refused_with_the_line(budget: str, path: Path, text: str) -> None:
    found = read_or_refused(path, text, load_profile)
    assert found is None or isinstance(found, Profile)


@BUDGETS
@given(text=st.text())
def test_any_text_is_refused_with_the_line(budget: str, path: Path, text: str) -> None:
    assert read_or_refused(path, text, load_profile) is None
