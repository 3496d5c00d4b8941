"""Sums over many cells, held against adding them up one by one."""

from __future__ import annotations

import random

import pytest

from pipeline.cache.cell_sums import summed
from pipeline.contract.cache_schema import ZERO, Counts, parse_counts


def campaign_of(field: bytes) -> str | None:
    """None: left out."""
    name = field.decode()
    return None if name.startswith("_") else name.partition("/")[0]


def one_by_one(hashes: list[dict[bytes, bytes]]) -> dict[str, Counts]:
    sums: dict[str, Counts] = {}
    for fields in hashes:
        for field, value in fields.items():
            campaign = campaign_of(field)
            if campaign is not None:
                sums[campaign] = sums.get(campaign, ZERO) + parse_counts(value)
    return sums


@pytest.mark.parametrize("recounted", [0.0, 0.1, 1.0])
def test_sums_are_those_of_adding_up(recounted: float) -> None:
    """Whether values have a revision or not, which decides how they are read."""
    drawn = random.Random(11)
    hashes: list[dict[bytes, bytes]] = []
    for _ in range(7):
        fields = [f"{name}/{number}".encode() for name in ("a", "b", "_c") for number in range(drawn.randrange(9))]
        drawn.shuffle(fields)
        values = [f"{drawn.randrange(10 ** drawn.randrange(1, 13))} {drawn.randrange(100)}" for _ in fields]
        values = [f"{value} 4" if drawn.random() < recounted else value for value in values]
        hashes.append({field: value.encode() for field, value in zip(fields, values, strict=True)})
    assert summed(hashes, campaign_of) == one_by_one(hashes)
    assert len(summed(hashes, campaign_of)) == 2


def test_nothing_sums_up_to_nothing() -> None:
    assert summed([], campaign_of) == {}
    assert summed([{}, {}], campaign_of) == {}
    assert summed([{b"_c/1": b"3 1"}], campaign_of) == {}


@pytest.mark.parametrize("value", [b"", b" ", b"5", b"5 ", b" 5", b"5 x", b"5.0 1", b"1 2\n3 4", b"hello"])
def test_what_is_no_counts_is_an_error_beside_what_is(value: bytes) -> None:
    """Recounted values beside it make up for numbers that it lacks."""
    with pytest.raises(ValueError, match=r"invalid literal|unpack"):
        summed([{b"a": b"1 2 3", b"b": value, b"c": b"1 2"}], campaign_of)
    with pytest.raises(ValueError, match=r"invalid literal|unpack"):
        summed([{b"b": value, b"c": b"1 2"}], campaign_of)
