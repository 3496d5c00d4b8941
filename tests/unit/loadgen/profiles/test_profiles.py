"""Profiles: known by name, and wrong values named."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadgen.errors import LoadRefused
from loadgen.profiles import Profile, bundled_names, find_profile


def test_an_unknown_profile_is_answered_with_those_that_exist() -> None:
    """The user sees what is allowed."""
    with pytest.raises(LoadRefused, match=r"profile='stedy': did you mean steady\? known are bursty, .*yahoo"):
        find_profile("stedy")


def test_the_bundled_ones_are_all_there() -> None:
    """Each file is named like its profile."""
    names = {
        "steady", "ramp", "spike", "diurnal", "bursty", "hot_campaign", "many_campaigns", "out_of_order", "late",
        "duplicates", "yahoo", "disorder",
    }  # fmt: skip
    assert set(bundled_names()) == names
    assert {find_profile(name).name for name in names} == names
    assert find_profile("many_campaigns").campaigns == 100_000
    assert (find_profile("yahoo").campaigns, find_profile("yahoo").ads_per_campaign) == (100, 10)


@pytest.mark.parametrize("name", ["bursty", "diurnal"])
def test_what_goes_up_and_down_has_the_rate_as_its_mean(name: str) -> None:
    """So that --rate means the same under each of them."""
    curve = find_profile(name).curve
    assert curve is not None
    assert curve.mean_times == pytest.approx(1.0)


def test_a_file_is_told_by_its_name() -> None:
    """A / or an ending."""
    assert find_profile(str(Path(__file__).with_name("small.yaml"))).name == "small"


def test_given_values_replace_those_of_the_profile() -> None:
    """None leaves a value as it is."""
    changed = find_profile("disorder").changed(campaigns=5, late_fraction=0.0)
    assert (changed.campaigns, changed.late_fraction, changed.out_of_order_fraction) == (5, 0.0, 0.1)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_fraction_outside_0_to_1_is_named(value: float) -> None:
    """With its key and value."""
    with pytest.raises(LoadRefused, match="late_fraction"):
        Profile("x", late_fraction=value)


def test_fractions_share_the_events() -> None:
    """An event has at most one flag."""
    with pytest.raises(LoadRefused, match="at most 1"):
        Profile("x", late_fraction=0.6, out_of_order_fraction=0.6)
