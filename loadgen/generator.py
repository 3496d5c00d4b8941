"""The stream of events, in batches of arrays: who is shown which ad, and who clicks some seconds later.

A click is not drawn by itself: it follows an impression, with the probability of its category's CTR and after a
delay, and takes the next place in the schedule once it is due. So the rate of all events together is the schedule's.
The stream depends on seed, profile and schedule alone, never on how the sending goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadgen.ledger import CLICK, EVENT, IMPRESSION, INVALID, LATE, OUT_OF_ORDER, Events
from loadgen.pacer import SECOND_NS, Pacer
from loadgen.population import DEVICES, PLACEMENTS, Population
from loadgen.profiles import Profile

MAX_BATCH = 4096
BATCH_SECONDS = 0.25
"""A batch never spans more than the shortest click delay, so a click is never due in its impression's batch."""
MIN_CLICK_DELAY_SECONDS = 1.0
MEAN_EXTRA_CLICK_DELAY_SECONDS = 2.0
MAX_CLICK_DELAY_SECONDS = 15.0
LATE_MARGIN_MS = 60_000
LATE_SPREAD_MS = 600_000
OUT_OF_ORDER_MS = 120_000
INVALID_AHEAD_MS = 10 * 86_400_000
"""Ten days in the future: the kind of bad event that would drag an unguarded watermark along."""

PENDING = np.dtype(
    [("due_ns", "<i8"), ("seq", "<i8"), ("campaign", "<u4"), ("ad", "<u4"), ("user", "<u4"), ("where", "u1")]
)
Pending = npt.NDArray[np.void]
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Batch:
    """Events in the order of sending; all arrays have one length.

    ``rows`` is what the ledger keeps. ``where`` combines placement and device (see `place`). ``impression`` is the
    number of a click's impression, -1 for impressions and for clicks without one.
    """

    rows: Events
    ad: npt.NDArray[np.uint32]
    user: npt.NDArray[np.uint32]
    where: npt.NDArray[np.uint8]
    impression: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: npt.NDArray[np.generic]) -> Batch:
        """Some of the events: those of a mask, or of row numbers, which may repeat."""
        return Batch(self.rows[which], self.ad[which], self.user[which], self.where[which], self.impression[which])


def place(where: int) -> tuple[str, str]:
    """Placement and device of an event."""
    return PLACEMENTS[where // len(DEVICES)], DEVICES[where % len(DEVICES)]


class Generator:
    """Yields the events of a run, batch by batch."""

    def __init__(
        self,
        population: Population,
        profile: Profile,
        pacer: Pacer,
        seed: int,
        start_ns: int,
        allowed_lateness_seconds: int,
    ) -> None:
        self._population = population
        self._profile = profile
        self._pacer = pacer
        self._rng = np.random.default_rng([seed, 2])
        self._start_ns = start_ns
        self._lateness_ms = allowed_lateness_seconds * 1000
        self._pending = np.empty(0, PENDING)
        self._new: list[Pending] = []
        self._new_due_ns = _NEVER
        self._next = 0
        self._seq = 0

    def next_batch(self) -> Batch | None:
        """The next events, or None at the end of the schedule."""
        size = self._size()
        if size <= 0:
            return None
        intended = self._start_ns + self._pacer.offsets_ns(self._next, size)
        self._next += size
        if self._profile.duplicate_fraction == 0:
            return self._fresh(intended)
        again = self._rng.random(size) < self._profile.duplicate_fraction
        again[0] = False
        return _repeated(self._fresh(intended[~again]), again, intended)

    def _size(self) -> int:
        """How many events are due within the time that a batch may span."""
        if self._pacer.total is not None and self._next >= self._pacer.total:
            return 0
        first_ns = int(self._pacer.offsets_ns(self._next, 1)[0])
        due = self._pacer.due(first_ns + int(BATCH_SECONDS * SECOND_NS)) - self._next
        return max(1, min(MAX_BATCH, due))

    def _fresh(self, intended: npt.NDArray[np.int64]) -> Batch:
        batch = self._impressions(intended)
        if self._profile.click_fraction is None:
            self._place_clicks(batch)
            self._schedule_clicks(batch)
        else:
            batch.rows["type"][self._rng.random(len(batch)) < self._profile.click_fraction] = CLICK
        self._set_event_times(batch.rows)
        self._seq += len(batch)
        return batch

    def _impressions(self, intended: npt.NDArray[np.int64]) -> Batch:
        size, people = len(intended), self._population
        rows = np.zeros(size, EVENT)
        rows["seq"] = np.arange(self._seq, self._seq + size)
        rows["intended_ns"] = intended
        rows["type"] = IMPRESSION
        campaign = np.searchsorted(people.cumulative_share, self._rng.random(size), side="right")
        rows["campaign"] = campaign
        ad = people.first_ad[campaign] + (self._rng.random(size) * people.ad_count[campaign]).astype(np.int64)
        return Batch(
            rows=rows,
            ad=ad.astype(np.uint32),
            user=self._rng.integers(0, people.users, size, dtype=np.uint32),
            where=self._rng.integers(0, len(PLACEMENTS) * len(DEVICES), size, dtype=np.uint8),
            impression=np.full(size, -1, np.int64),
        )

    def _place_clicks(self, batch: Batch) -> None:
        """Gives each click that is due the first free place at or after its time."""
        intended = batch.rows["intended_ns"]
        if intended[-1] >= self._new_due_ns:
            self._sort_in()
        # Sorted by due time. A click that finds no place waits for the next batch and comes first there.
        due = self._pending[: np.searchsorted(self._pending["due_ns"], intended[-1], side="right")]
        order = np.arange(len(due))
        at = np.maximum.accumulate(np.searchsorted(intended, due["due_ns"]) - order) + order
        due = due[: np.searchsorted(at, len(batch))]
        at = at[: len(due)]
        self._pending = self._pending[len(due) :]
        batch.rows["type"][at] = CLICK
        batch.rows["campaign"][at] = due["campaign"]
        batch.ad[at], batch.user[at], batch.where[at] = due["ad"], due["user"], due["where"]
        batch.impression[at] = due["seq"]

    def _schedule_clicks(self, batch: Batch) -> None:
        rows = batch.rows
        chance = self._rng.random(len(batch))
        clicked = (rows["type"] == IMPRESSION) & (chance < self._population.campaign_ctr[rows["campaign"]])
        extra = self._rng.exponential(MEAN_EXTRA_CLICK_DELAY_SECONDS, len(batch))[clicked]
        delay = np.minimum(MIN_CLICK_DELAY_SECONDS + extra, MAX_CLICK_DELAY_SECONDS)
        clicks = np.empty(int(clicked.sum()), PENDING)
        clicks["due_ns"] = rows["intended_ns"][clicked] + (delay * SECOND_NS).astype(np.int64)
        clicks["seq"] = rows["seq"][clicked]
        clicks["campaign"] = rows["campaign"][clicked]
        clicks["ad"], clicks["user"], clicks["where"] = batch.ad[clicked], batch.user[clicked], batch.where[clicked]
        self._new.append(clicks)
        self._new_due_ns = min(self._new_due_ns, int(clicks["due_ns"].min(initial=_NEVER)))

    def _sort_in(self) -> None:
        """Puts the new clicks among the pending ones. Not with each batch: none is due for a second, and many wait."""
        pending = np.concatenate([self._pending, *self._new])
        self._pending = pending[np.argsort(pending["due_ns"], kind="stable")]
        self._new, self._new_due_ns = [], _NEVER

    def _set_event_times(self, rows: Events) -> None:
        """Event time = intended send time, unless the event is flagged by the profile's fractions."""
        profile = self._profile
        rows["event_time_ms"] = rows["intended_ns"] // 1_000_000
        if profile.late_fraction + profile.out_of_order_fraction + profile.invalid_fraction == 0:
            return
        chance, spread = self._rng.random(len(rows)), self._rng.random(len(rows))
        late = chance < profile.late_fraction
        chance -= profile.late_fraction
        disorder = (chance >= 0) & (chance < profile.out_of_order_fraction)
        chance -= profile.out_of_order_fraction
        invalid = (chance >= 0) & (chance < profile.invalid_fraction)
        # Half the lateness stays in reserve: a send that is behind its schedule has a later record time.
        disorder_ms = min(OUT_OF_ORDER_MS, self._lateness_ms // 2)
        times, flags = rows["event_time_ms"], rows["flags"]
        times[late] -= self._lateness_ms + LATE_MARGIN_MS + (spread[late] * LATE_SPREAD_MS).astype(np.int64)
        times[disorder] -= (spread[disorder] * disorder_ms).astype(np.int64)
        times[invalid] += INVALID_AHEAD_MS
        flags[late], flags[disorder], flags[invalid] = LATE, OUT_OF_ORDER, INVALID


def _repeated(fresh: Batch, again: npt.NDArray[np.bool_], intended: npt.NDArray[np.int64]) -> Batch:
    """The batch with the event before it in each place of ``again``: the same event, sent at that place's time."""
    batch = fresh.take(np.cumsum(~again) - 1)
    batch.rows["intended_ns"] = intended
    return batch
