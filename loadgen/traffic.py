"""Generated events on their way to the wire: generator, encoder, keys and partitions, wired together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from loadgen.encoder import Encoder
from loadgen.generator import Generator
from loadgen.ledger import Events
from loadgen.pacer import Pacer
from loadgen.population import Population, make_population
from loadgen.profiles import Profile


@dataclass(frozen=True)
class Prepared:
    """Events that are ready to be sent; all columns have one length. ``record_times_ms`` None: when they are sent.

    ``new_cells`` are (campaign, category) pairs that the ledger doesn't know yet, in the order of their indexes.
    """

    rows: Events
    values: list[bytes]
    keys: list[bytes]
    partitions: list[int]
    record_times_ms: list[int] | None = None
    new_cells: Sequence[tuple[str, str]] = ()

    def __len__(self) -> int:
        return len(self.values)


class Traffic(Protocol):
    """Where a run's events come from, in the order of sending."""

    def next(self) -> Prepared | None:
        """Some more, None at the end. May be empty."""


@dataclass(frozen=True)
class Part:
    """One of ``count`` processes that share a run: number ``index``, from 0."""

    index: int
    count: int

    def campaigns(self, population: Population) -> npt.NDArray[np.bool_]:
        """Those that this process sends. Each campaign has one sender, and all send about as much."""
        shares = np.diff(population.cumulative_share, prepend=0.0)
        loads, mine = np.zeros(self.count), np.zeros(len(shares), np.bool_)
        for campaign in np.argsort(-shares, kind="stable").tolist():
            lightest = int(np.argmin(loads))
            loads[lightest] += shares[campaign]
            mine[campaign] = lightest == self.index
        return mine


WHOLE = Part(0, 1)


class GeneratedTraffic:
    """The events of one run, or a process's part of them: the parts of a run have its event ids and times."""

    def __init__(
        self, profile: Profile, seed: int, run_id: str, schema_id: int, partition_count: int, part: Part = WHOLE
    ) -> None:
        self.population = make_population(
            seed, profile.campaigns, profile.zipf_exponent, profile.hot_share, profile.ads_per_campaign
        )
        self._profile = profile
        self._seed = seed
        self._encoder = Encoder(self.population, run_id, schema_id)
        self._keys = [name.encode() for name in self.population.campaigns]
        self._partitions: list[int] = self.population.partitions(partition_count).tolist()
        self._mine = None if part.count == 1 else part.campaigns(self.population)

    def begin(self, pacer: Pacer, start_ns: int, allowed_lateness_seconds: int) -> None:
        """Fixes when it starts; before `next`."""
        self._generator = Generator(
            self.population, self._profile, pacer, self._seed, start_ns, allowed_lateness_seconds
        )

    def next(self) -> Prepared | None:
        batch = self._generator.next_batch()
        if batch is None:
            return None
        if self._mine is not None:
            batch = batch.take(self._mine[batch.rows["campaign"]])
        campaigns: list[int] = batch.rows["campaign"].tolist()
        keys, partitions = self._keys, self._partitions
        return Prepared(
            rows=batch.rows,
            values=self._encoder.encode(batch) if len(batch) else [],
            keys=[keys[index] for index in campaigns],
            partitions=[partitions[index] for index in campaigns],
        )
