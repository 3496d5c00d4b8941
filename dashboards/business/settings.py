"""The dashboard's own settings, read from the environment next to those of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.settings import SettingsError

_PREFIX = "ADCTR_DASHBOARD_"


@dataclass(frozen=True)
class Limits:
    """What the page holds its own figures against. The objectives' values, where they are known to who starts it.

    Ages are those of the newest event when the figures were read: the stack sends one each second, so they hold that
    second, too. ``stale_seconds``: after so long the page says that its figures stand still.
    """

    event_age_redis_seconds: float = 2.0
    event_age_postgres_seconds: float = 6.0
    cache_read_seconds: float = 0.1
    stale_seconds: float = 30.0

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Limits:
        """Reads ``ADCTR_DASHBOARD_<NAME>``; what is absent keeps its default. Raises SettingsError."""
        return cls(**{name: _positive(environ, name, default) for name, default in cls().as_dict().items()})

    def as_dict(self) -> dict[str, float]:
        """By the names of the fields."""
        return dict(vars(self))

    def to_env(self) -> dict[str, str]:
        """The inverse of `from_env`."""
        return {_PREFIX + name.upper(): f"{value:g}" for name, value in self.as_dict().items()}


def _positive(environ: Mapping[str, str], name: str, default: float) -> float:
    key = _PREFIX + name.upper()
    text = environ.get(key)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise SettingsError(f"{key}={text!r}: must be a number of seconds above 0")
    return value
