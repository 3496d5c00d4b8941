r"""The Redis key schema: what the live job writes and every reader reads.

Per window size (60 or 300 seconds) and window start (seconds since the epoch) there are two hashes:

``adctr:{60:1700000040}:cells``
    field ``<campaign_id>\x00<category>`` (UTF-8; neither part can contain NUL),
    value ``<impressions> <clicks>`` in ASCII decimals, for example ``1200 37``; after a recount
    ``<impressions> <clicks> <revision>``, for example ``1201 37 5``.
``adctr:{60:1700000040}:categories``
    field ``<category>``, value as above without revision: the sums over the cells of that category.

Both expire (``EXPIREAT``) at window end + the retention in force; nothing is written to a window past that. The
braces are a Redis Cluster hash tag, so both keys of a window live in one slot and change in one script.
A value never falls: a write of the same revision takes the larger of each count, so that a replay after a failure is
harmless, and one of a smaller revision (the jobs' is 0) changes nothing. `RAISE_COUNTS` does that.

``adctr:watermark:60``
    per window size: the watermark W of the live job's window operator, milliseconds since the epoch, ASCII. Whatever
    the operator had counted when it reached W stood in the hashes before this key was written. A window is *closed*
    when W has reached its end and *final* when W has reached its end + allowed lateness + record slack.

``adctr:retention``
    a hash: ``seconds``, the retention in force, and ``kept_from``, unix seconds, which never falls; ASCII. A window is
    in Redis as long as its end > kept_from and now < its end + seconds (`Retention.holds`). One that isn't has gone for
    good: it is no window of zeros, its counts are in PostgreSQL. Without the key the retention is the setting's. The
    cache keeper shortens it while memory is short (docs/decisions/0021-retention-under-pressure.md). Read it in one
    transaction with the hashes.

``adctr:windows:60``
    per window size: the index, a sorted set of the ends (unix seconds) of windows in which something was counted, the
    newest 1000; it has no expiry. A window that is missing and not in the index is one of zeros. One that is in the
    index, should be held and is missing has been lost: it expired while Redis's clock was wrong. Redis then counts as
    incomplete. Compare ``EXISTS`` of the cells hashes with ``ZCOUNT``, in one transaction with the hashes and ``TIME``:
    whether a window has expired is told by Redis's clock alone.

``adctr:complete``
    the marker of completeness: set last, when every window that Redis must hold is there. Its value is for who sets
    it: the start of the machine that it belongs to. A reader that finds Redis without it must treat Redis as absent:
    Redis has lost data, and the live job brings back only what changes. Read it in one transaction with the hashes.
``adctr:rebuild``
    a token by which a rebuild notices that its work was lost again (`pipeline/cache/cache_rebuild.py`).

Cells whose category begins with ``_canary`` are probes of the stack and are shown to nobody; no other cell's campaign
begins with it (`pipeline.contract.rules`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

PREFIX = "adctr"
CELL_SEPARATOR = b"\x00"
CANARY_PREFIX = "_canary"
RAISE_COUNTS = files("pipeline.contract").joinpath("raise_counts.lua").read_text(encoding="utf-8")
"""The script through which everybody writes a window; its head says how."""
RAISE_WATERMARK = files("pipeline.contract").joinpath("raise_watermark.lua").read_text(encoding="utf-8")
"""The script through which everybody writes a watermark."""
SET_RETENTION = files("pipeline.contract").joinpath("set_retention.lua").read_text(encoding="utf-8")
"""The script through which the cache keeper changes the retention, and nobody else does."""
WINDOW_PATTERN = f"{PREFIX}:{{*}}:*"
"""What SCAN finds all windows by."""
_WINDOW_KEY = re.compile(rb"%s:\{(\d+):(\d+)\}:(cells|categories)" % PREFIX.encode())
RETENTION_FIELDS = ("seconds", "kept_from")


@dataclass(frozen=True)
class Counts:
    """Impressions and clicks of one cell or of a sum of cells."""

    impressions: int
    clicks: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.impressions + other.impressions, self.clicks + other.clicks)

    @property
    def total(self) -> int:
        """Events counted: impressions + clicks."""
        return self.impressions + self.clicks

    @property
    def ctr(self) -> float | None:
        """Clicks per impression; None where there is no impression to divide by."""
        return self.clicks / self.impressions if self.impressions else None


ZERO = Counts(0, 0)

Cell = tuple[str, str]
"""(campaign, category)."""


def cells_key(size_seconds: int, start_seconds: int) -> str:
    """The hash of (campaign, category) counts of one window."""
    return f"{PREFIX}:{{{size_seconds}:{start_seconds}}}:cells"


def categories_key(size_seconds: int, start_seconds: int) -> str:
    """The hash of per-category counts of one window."""
    return f"{PREFIX}:{{{size_seconds}:{start_seconds}}}:categories"


def parse_window_key(key: bytes) -> tuple[int, int, str] | None:
    """Size and start in seconds and kind (``cells``, ``categories``); None for another key like `WINDOW_PATTERN`."""
    found = _WINDOW_KEY.fullmatch(key)
    return (int(found[1]), int(found[2]), found[3].decode()) if found else None


def window_end(key: bytes) -> int | None:
    """Where the window of a hash ends (unix seconds); None for another key that `WINDOW_PATTERN` matches."""
    found = parse_window_key(key)
    return found[0] + found[1] if found else None


def watermark_key(size_seconds: int) -> str:
    """The key of the live job's watermark for one window size."""
    return f"{PREFIX}:watermark:{size_seconds}"


def complete_key() -> str:
    """The marker that Redis holds all windows it must hold."""
    return f"{PREFIX}:complete"


def rebuild_key() -> str:
    """The token of the rebuild that is under way, or of the last one."""
    return f"{PREFIX}:rebuild"


def windows_key(size_seconds: int) -> str:
    """The index of the windows of one size in which something was counted."""
    return f"{PREFIX}:windows:{size_seconds}"


def raise_counts_keys(size_seconds: int, start_seconds: int) -> list[str]:
    """KEYS of `RAISE_COUNTS` for one window."""
    return [
        cells_key(size_seconds, start_seconds),
        categories_key(size_seconds, start_seconds),
        retention_key(),
        windows_key(size_seconds),
        complete_key(),
        rebuild_key(),
    ]


def retention_key() -> str:
    """The retention in force, as `Retention.of` reads it."""
    return f"{PREFIX}:retention"


def cell_field(campaign_id: str, category: str) -> bytes:
    """The field of one cell in a cells hash."""
    return campaign_id.encode() + CELL_SEPARATOR + category.encode()


def parse_cell_field(field: bytes) -> Cell:
    """Of a field made by `cell_field`."""
    campaign_id, _, category = field.partition(CELL_SEPARATOR)
    return campaign_id.decode(), category.decode()


def parse_counts(value: bytes) -> Counts:
    """Counts of a value such as ``b"1200 37"``, whatever its revision. Raises ValueError."""
    impressions, clicks, *_revision = value.split(b" ")
    return Counts(int(impressions), int(clicks))


def expires_at_seconds(size_seconds: int, start_seconds: int, retention_seconds: int) -> int:
    """The unix time at which both hashes of a window disappear."""
    return start_seconds + size_seconds + retention_seconds


@dataclass(frozen=True)
class Retention:
    """How long Redis keeps a window after its end; none that ended by ``kept_from_seconds`` (unix time) is there."""

    seconds: int
    kept_from_seconds: int = 0

    @classmethod
    def of(cls, values: Sequence[bytes | None], longest_seconds: int) -> Retention:
        """Of what ``HMGET`` says of `RETENTION_FIELDS`, where the setting is ``longest_seconds``. Raises ValueError."""
        seconds, kept_from = values
        return cls(min(int(seconds or longest_seconds), longest_seconds), int(kept_from or 0))

    def holds(self, size_seconds: int, start_seconds: int, now_seconds: float) -> bool:
        """Whether a window is there, if anything was counted in it."""
        expires = expires_at_seconds(size_seconds, start_seconds, self.seconds)
        return start_seconds + size_seconds > self.kept_from_seconds and now_seconds < expires


def is_canary(category: str) -> bool:
    """Whether a category is that of the stack's own probes: of every cell that is one, and of no other."""
    return category.startswith(CANARY_PREFIX)
