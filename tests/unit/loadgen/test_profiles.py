"""Profiles: known by name, and wrong values named."""

from __future__ import annotations

import pytest

from loadgen.errors import LoadRefused
from loadgen.profiles import Profile, find_profile


def test_an_unknown_profile_is_answered_with_those_that_exist() -> None:
    """The user sees what is allowed."""
    with pytest.raises(LoadRefused, match=r"profile='stedy': known are steady, disorder"):
        find_profile("stedy")


def test_given_values_replace_those_of_the_profile() -> None:
    """None leaves a value as it is."""
    changed = find_profile("disorder").changed(campaigns=5, late_fraction=0.0)
    assert changed == Profile("disorder", campaigns=5, late_fraction=0.0, out_of_order_fraction=0.1)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_fraction_outside_0_to_1_is_named(value: float) -> None:
    """With its key and value."""
    with pytest.raises(LoadRefused, match="late_fraction"):
        Profile("x", late_fraction=value)


def test_fractions_share_the_events() -> None:
    """An event has at most one flag."""
    with pytest.raises(LoadRefused, match="at most 1"):
        Profile("x", late_fraction=0.6, out_of_order_fraction=0.6)
