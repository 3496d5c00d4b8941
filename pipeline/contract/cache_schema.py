r"""The Redis key schema: what the live job writes and every reader reads.

Per window size (60 or 300 seconds) and window start (seconds since the epoch) there are two hashes:

``adctr:{60:1700000040}:cells``
    field ``<campaign_id>\x00<category>`` (UTF-8; neither part can contain NUL),
    value ``<impressions> <clicks>`` in ASCII decimals, for example ``1200 37``.
``adctr:{60:1700000040}:categories``
    field ``<category>``, value as above: the sums over the cells of that category.

Both expire (``EXPIREAT``) at window end + retention; nothing is written to a window past that. The
braces are a Redis Cluster hash tag, so both keys of a window live in one slot and change in one script.
A value never falls: a write takes the larger of each count, so that a replay after a failure is harmless.

``adctr:watermark:60``
    per window size: the watermark W of the live job's window operator, milliseconds since the epoch, ASCII. Whatever
    the operator had counted when it reached W stood in the hashes before this key was written. A window is *closed*
    when W has reached its end and *final* when W has reached its end + allowed lateness + record slack.

Campaigns and categories that begin with ``_canary`` are probes of the stack and are shown to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "adctr"
CELL_SEPARATOR = b"\x00"
CANARY_PREFIX = "_canary"


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


def cells_key(size_seconds: int, start_seconds: int) -> str:
    """The hash of (campaign, category) counts of one window."""
    return f"{PREFIX}:{{{size_seconds}:{start_seconds}}}:cells"


def categories_key(size_seconds: int, start_seconds: int) -> str:
    """The hash of per-category counts of one window."""
    return f"{PREFIX}:{{{size_seconds}:{start_seconds}}}:categories"


def watermark_key(size_seconds: int) -> str:
    """The key of the live job's watermark for one window size."""
    return f"{PREFIX}:watermark:{size_seconds}"


def cell_field(campaign_id: str, category: str) -> bytes:
    """The field of one cell in a cells hash."""
    return campaign_id.encode() + CELL_SEPARATOR + category.encode()


def parse_cell_field(field: bytes) -> tuple[str, str]:
    """(campaign_id, category) of a field made by `cell_field`."""
    campaign_id, _, category = field.partition(CELL_SEPARATOR)
    return campaign_id.decode(), category.decode()


def parse_counts(value: bytes) -> Counts:
    """Counts of a value such as ``b"1200 37"``."""
    impressions, _, clicks = value.partition(b" ")
    return Counts(int(impressions), int(clicks))


def expires_at_seconds(size_seconds: int, start_seconds: int, retention_seconds: int) -> int:
    """The unix time at which both hashes of a window disappear."""
    return start_seconds + size_seconds + retention_seconds


def is_canary(name: str) -> bool:
    """Whether a campaign or category belongs to the stack's own probes."""
    return name.startswith(CANARY_PREFIX)
