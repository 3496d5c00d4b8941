"""What the business dashboard's page tells machines: when the figures that it shows were read."""

from __future__ import annotations

import re

READ_AT_ATTRIBUTE = "data-read-at-ms"
"""An attribute of one element on the page: milliseconds since the epoch, by the dashboard's clock."""
_READ_AT = re.compile(rf'{READ_AT_ATTRIBUTE}="(\d+)"')


def read_at_attribute(read_at_seconds: float) -> str:
    """The attribute for an HTML tag."""
    return f'{READ_AT_ATTRIBUTE}="{round(read_at_seconds * 1000)}"'


def find_read_at_seconds(html: str) -> float | None:
    """When the figures were read (unix seconds); None where the HTML doesn't say."""
    found = _READ_AT.search(html)
    return None if found is None else int(found[1]) / 1000
