"""Named kinds of load. A profile says what the traffic is like; rate, length and seed come from the command."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from loadgen.errors import LoadRefused


@dataclass(frozen=True)
class Profile:
    """What the events are like. Fractions are shares of all events, from 0 to 1."""

    name: str
    campaigns: int = 200
    zipf_exponent: float = 1.0
    late_fraction: float = 0.0
    out_of_order_fraction: float = 0.0
    invalid_fraction: float = 0.0

    def __post_init__(self) -> None:
        fractions = {name: getattr(self, name) for name in FRACTIONS}
        for name, value in fractions.items():
            if not 0.0 <= value <= 1.0:
                raise LoadRefused(f"{name}={value}: must be from 0 to 1")
        if sum(fractions.values()) > 1.0:
            raise LoadRefused(f"{' + '.join(fractions)} = {sum(fractions.values()):g}: must be at most 1 in all")

    def changed(
        self,
        campaigns: int | None = None,
        late_fraction: float | None = None,
        out_of_order_fraction: float | None = None,
        invalid_fraction: float | None = None,
    ) -> Profile:
        """The same profile with some values replaced (None: as it is)."""
        given = {
            "campaigns": campaigns,
            "late_fraction": late_fraction,
            "out_of_order_fraction": out_of_order_fraction,
            "invalid_fraction": invalid_fraction,
        }
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return replace(self, **changes)


FRACTIONS = ("late_fraction", "out_of_order_fraction", "invalid_fraction")

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("steady"),
        Profile("disorder", late_fraction=0.01, out_of_order_fraction=0.1),
    )
}


def find_profile(name: str) -> Profile:
    """A profile by name. Raises LoadRefused naming those that exist."""
    if name not in PROFILES:
        raise LoadRefused(f"profile={name!r}: known are {', '.join(PROFILES)}")
    return PROFILES[name]
