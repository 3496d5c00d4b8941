"""Sums over the hashes of windows, thousands of cells at a time: what a read costs beyond its fetch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence, Sized
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.contract.cache_schema import Counts, parse_counts

G = TypeVar("G", bound=Hashable)

_DIGITS = b"0123456789"


def summed(hashes: Collection[Mapping[bytes, bytes]], group_of: Callable[[bytes], G | None]) -> dict[G, Counts]:
    """Sums per group over hashes of counts; a field whose group is None is left out.

    ``group_of`` is asked once per field, in however many hashes it is. Raises ValueError for a value that is no counts.
    """
    groups: dict[G, int] = {}
    numbers = _Numbers(group_of, groups)
    _, *sums = _added_up([numbers[field] for fields in hashes for field in fields], hashes, groups)
    return dict(zip(groups, sums, strict=True))


def totals(hashes: Sequence[Mapping[bytes, bytes]], is_shown: Callable[[bytes], bool]) -> list[Counts]:
    """The sum over each hash, of the fields that are shown. Raises ValueError as `summed`."""
    numbers = [number if is_shown(field) else 0 for number, fields in enumerate(hashes, 1) for field in fields]
    _, *sums = _added_up(numbers, hashes, hashes)
    return sums


def _added_up(numbers: list[int], hashes: Iterable[Mapping[bytes, bytes]], groups: Sized) -> list[Counts]:
    """Sums by each field's number: of 0, and of each of the groups from 1."""
    counts = _parsed([value for fields in hashes for value in fields.values()])
    where = np.array(numbers, dtype=np.int64)
    impressions, clicks = (np.bincount(where, column, len(groups) + 1).tolist() for column in counts.T)
    return [Counts(int(shown), int(clicked)) for shown, clicked in zip(impressions, clicks, strict=True)]


class _Numbers(dict[bytes, int]):
    """The number of each field's group; 0 for fields that are left out."""

    def __init__(self, group_of: Callable[[bytes], G | None], groups: dict[G, int]) -> None:
        super().__init__()
        self._group_of = group_of
        self._groups = groups

    def __missing__(self, field: bytes) -> int:
        group = self._group_of(field)
        number = self[field] = 0 if group is None else self._groups.setdefault(group, len(self._groups) + 1)
        return number


def _parsed(values: list[bytes]) -> npt.NDArray[np.int64]:
    """Shape (values, 2): impressions, clicks. NumPy reads what nobody has recounted; else each is parsed by itself."""
    text = b"\n".join(values)
    if text.translate(None, _DIGITS) == b"\n".join([b" "] * len(values)):
        numbers = np.fromstring(text, dtype=np.int64, sep=" ")
        if len(numbers) == 2 * len(values):
            return numbers.reshape(-1, 2)
    parsed = map(parse_counts, values)
    return np.array([(counts.impressions, counts.clicks) for counts in parsed], dtype=np.int64).reshape(-1, 2)
