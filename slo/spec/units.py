"""Units that a value may carry: an indicator's own unit is the last word of its name, as in Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.shared.checked_yaml.errors import Invalid
from pipeline.shared.checked_yaml.scalars import Quantity
from pipeline.shared.durations import UNIT_SECONDS
from slo.spec.model import Indicator

_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}


def unit_of(indicator: Indicator) -> str:
    """``seconds``, ``bytes``, or an empty text where things are counted."""
    last = indicator.value.rsplit("_", 1)[-1]
    return last if last in ("seconds", "bytes") else ""


def in_unit_of(indicator: Indicator, quantity: Quantity) -> float:
    """The number in the indicator's own unit. Raises Invalid for a unit that it does not have."""
    if not quantity.unit:
        return quantity.number
    factors: Mapping[str, float] = {"seconds": UNIT_SECONDS, "bytes": _BYTES}.get(unit_of(indicator), {})
    if quantity.unit in factors:
        return round(quantity.number * factors[quantity.unit], 9)
    written = f"{quantity.number:.12g}"
    if not factors:
        raise Invalid(f"{written}{quantity.unit} has a unit, {indicator} counts; write {written}")
    allowed = ", ".join(factors)
    raise Invalid(f"{written}{quantity.unit} has an unknown unit; write {unit_of(indicator)} as a number, or {allowed}")
