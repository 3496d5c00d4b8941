"""Numbers and times as the viewer writes them, by the locale and the time zone that the browser names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from dashboards.business.view.difference import Difference
    from dashboards.business.view.rate import Rate

_NARROW_SPACE = "\u202f"
_SPACE = "\u00a0"
# Unicode's CLDR has hundreds of locales; these are the ways in which they differ for the figures of this page.
_COMMA_AND_POINT = frozenset({"da", "de", "el", "es", "id", "is", "it", "nl", "pt", "ro", "sl", "tr", "vi"})
_COMMA_AND_SPACE = frozenset(
    {"bg", "cs", "et", "fi", "fr", "hu", "lt", "lv", "nb", "nn", "no", "pl", "ru", "sk", "sv", "uk"}
)
_AS_IN_ENGLISH = frozenset({"de-ch", "es-mx", "es-us", "it-ch"})
_PERCENT_APART = frozenset({"cs", "da", "de", "es", "fi", "fr", "nb", "nn", "no", "ru", "sk", "sl", "sv"})
_TWELVE_HOURS = frozenset({"en-us", "en-ca", "en-au", "en-nz", "en-in", "en-ph", "hi-in", "ko-kr", "es-mx", "es-us"})


@dataclass(frozen=True)
class Formats:
    """How one viewer reads. ``zone_name`` is shown beside times."""

    zone: tzinfo
    zone_name: str
    decimal: str = "."
    group: str = ","
    percent_sign: str = "%"
    twelve_hours: bool = False

    @classmethod
    def of(cls, locale: str | None, timezone: str | None) -> Formats:
        """Of ``de-DE`` and ``Europe/Berlin``; English and UTC for what is not known."""
        zone, zone_name = _zone(timezone)
        tag = (locale or "en-GB").lower()
        language = tag.split("-")[0]
        decimal, group = ".", ","
        if tag in _AS_IN_ENGLISH:
            group = "’" if tag.endswith("-ch") else ","
        elif language in _COMMA_AND_POINT:
            decimal, group = ",", "."
        elif language in _COMMA_AND_SPACE:
            decimal, group = ",", _NARROW_SPACE
        percent_sign = f"{_SPACE}%" if language in _PERCENT_APART else "%"
        return cls(zone, zone_name, decimal, group, percent_sign, tag in _TWELVE_HOURS)

    def number(self, value: float, digits: int = 0, sign: str = "") -> str:
        """``12,345``; with ``sign="+"`` positive ones have theirs."""
        text = f"{value:{sign},.{digits}f}"
        return text.translate({ord(","): self.group, ord("."): self.decimal, ord("-"): "−"})

    def percent(self, share: float, digits: int = 2, sign: str = "") -> str:
        """``3.41%`` of 0.0341."""
        return f"{self.number(share * 100, digits, sign)}{self.percent_sign}"

    def points(self, difference: float) -> str:
        """A difference of two percentages, in percentage points: ``+0.12 pp``."""
        return f"{self.number(difference * 100, 2, '+')} pp"

    def points_interval(self, difference: Difference) -> str:
        """``+0.02 to +0.22 pp``."""
        return f"{self.number(difference.low * 100, 2, '+')} to {self.points(difference.high)}"

    def percent_interval(self, rate: Rate) -> str:
        """``3.10% to 3.72%``."""
        return f"{self.percent(rate.low)} to {self.percent(rate.high)}"

    def seconds(self, value: float) -> str:
        """``850 ms``, ``2.3 s``, ``34 s``, ``12 min``."""
        if value < 1:
            return f"{value * 1000:.0f} ms"
        if value < 10:
            return f"{self.number(value, 1)} s"
        return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"

    def time(self, unix_seconds: float, *, with_seconds: bool = True) -> str:
        """``20:31:05`` or ``8:31:05 PM``."""
        at = datetime.fromtimestamp(unix_seconds, UTC).astimezone(self.zone)
        seconds = ":%S" if with_seconds else ""
        return at.strftime(f"%I:%M{seconds} %p").lstrip("0") if self.twelve_hours else at.strftime(f"%H:%M{seconds}")

    def moment(self, unix_seconds: float) -> str:
        """``30 Nov, 20:31``."""
        at = datetime.fromtimestamp(unix_seconds, UTC).astimezone(self.zone)
        return f"{at.day} {at:%b}, {self.time(unix_seconds, with_seconds=False)}"

    def span(self, start_seconds: float, size_seconds: float) -> str:
        """``20:31–20:32``."""
        ends = (start_seconds, start_seconds + size_seconds)
        return "–".join(self.time(each, with_seconds=False) for each in ends)


def _zone(name: str | None) -> tuple[tzinfo, str]:
    try:
        return (ZoneInfo(name), name) if name else (UTC, "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC, "UTC"
