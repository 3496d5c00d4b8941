"""Objectives on locust's figures."""

from __future__ import annotations

import pytest

from loadgen.locust_users.gates import (
    BREACHED,
    INCONCLUSIVE,
    PASS,
    Gate,
    Judged,
    Requests,
    exit_code,
    judge,
    three_digits,
)

GATE = Gate("cache_read", "CACHE", value_ms=100.0, inclusive=False, target=0.99, samples=100)


@pytest.mark.parametrize(
    ("requests", "code"),
    [
        (Requests(1000, 0, {5.0: 999, 150.0: 1}), PASS),
        (Requests(200, 0, {5.0: 199, 150.0: 1}), INCONCLUSIVE),
        (Requests(200, 0, {5.0: 197, 150.0: 3}), BREACHED),
        (Requests(200, 0, {5.0: 197, 100.0: 3}), BREACHED),
        (Requests(200, 3, {5.0: 197}), BREACHED),
        (Requests(50, 0, {5.0: 50}), INCONCLUSIVE),
        (Requests(50, 0, {5.0: 40, 150.0: 10}), BREACHED),
        (Requests(0, 0, {}), INCONCLUSIVE),
    ],
)
def test_verdicts(requests: Requests, code: int) -> None:
    """99 % in under 100 ms of at least 100: exactly 100 ms is no longer good, a failure never is, however quick."""
    assert judge(GATE, requests).code == code


def test_three_bad_of_3838_do_not_show_three_nines() -> None:
    """None bad would just do."""
    gate = Gate("cache_read", "CACHE", value_ms=100.0, inclusive=False, target=0.999, samples=3838)
    assert judge(gate, Requests(3838, 0, {5.0: 3835, 150.0: 3})).code == INCONCLUSIVE
    assert judge(gate, Requests(3838, 0, {5.0: 3838})).code == PASS


def test_a_slow_failure_is_bad_once() -> None:
    """Ten of 2,000 failed and have no time: 99.5 % are good, and not 99 %."""
    assert judge(GATE, Requests(2000, 10, {5.0: 1990})).good == 1990


def test_a_limit_that_may_be_reached() -> None:
    """As ``lte`` has it."""
    gate = Gate("cache_read", "CACHE", value_ms=100.0, inclusive=True, target=1.0, samples=1)
    assert judge(gate, Requests(2, 0, {100.0: 2})).code == PASS
    assert judge(gate, Requests(2, 0, {100.0: 1, 101.0: 1})).code == BREACHED


def test_a_verdict_in_words() -> None:
    """What was found, of how many, and what was wanted."""
    assert str(judge(GATE, Requests(200, 0, {5.0: 197, 150.0: 3}))) == (
        "cache_read: fail: 98.500% of 200 under 100 ms, wanted 99.000%"
    )
    assert str(judge(GATE, Requests(0, 0, {}))) == (
        "cache_read: inconclusive: nothing of 0 under 100 ms, wanted 99.000%; 100 are needed, more if some are bad"
    )


@pytest.mark.parametrize(
    ("codes", "failed", "code"),
    [
        ([], [], PASS), ([PASS], [], PASS), ([PASS], ["CACHE"], PASS), ([PASS], ["KAFKA"], BREACHED),
        ([INCONCLUSIVE], [], INCONCLUSIVE), ([INCONCLUSIVE, BREACHED], [], BREACHED), ([], ["CACHE"], BREACHED),
    ],
)  # fmt: skip
def test_exit_codes(codes: list[int], failed: list[str], code: int) -> None:
    """A failure that its objective allows is no breach; one that no objective is about is."""
    assert exit_code([Judged(GATE, each, 1, 1) for each in codes], failed) == code


@pytest.mark.parametrize(
    ("milliseconds", "kept"),
    [
        (0, 0),
        (-3, 0),
        (0.0123, 0.012),
        (1.2345, 1.23),
        (12.345, 12.3),
        (123.45, 123),
        (1234.5, 1230),
        (99_950, 100_000),
    ],
)
def test_three_digits(milliseconds: float, kept: float) -> None:
    """Locust itself keeps two, so that 147 ms become 150."""
    assert three_digits(milliseconds) == pytest.approx(kept)
