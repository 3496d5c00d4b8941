"""Every setting of the pipeline, in one frozen object, read from the environment in one place.

A setting ``kafka_bootstrap`` is read from ``ADCTR_KAFKA_BOOTSTRAP``. The embedded stack, Compose and
the Flink jobs all build or receive exactly these variables.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENV_PREFIX = "ADCTR_"

WINDOW_SIZES_SECONDS = (60, 300)

LONGEST_RETENTION_DAYS = 36_500


class SettingsError(ValueError):
    """A setting has a value that cannot work; the message names key, value and what is allowed."""


@dataclass(frozen=True)
class Settings:
    """Addresses, names and time bounds that the whole pipeline shares.

    Durations carry their unit in the name. Passwords never appear in ``repr``.
    """

    kafka_bootstrap: str = "127.0.0.1:9092"
    schema_registry_url: str = "http://127.0.0.1:8081/apis/ccompat/v7"
    redis_host: str = "127.0.0.1"
    redis_port: int = 6379
    redis_reader_password: str = field(default="", repr=False)
    redis_writer_password: str = field(default="", repr=False)
    redis_admin_password: str = field(default="", repr=False)
    postgres_host: str = "127.0.0.1"
    postgres_port: int = 5432
    postgres_database: str = "adctr"
    postgres_owner_password: str = field(default="", repr=False)
    postgres_writer_password: str = field(default="", repr=False)
    postgres_reader_password: str = field(default="", repr=False)
    postgres_mender_password: str = field(default="", repr=False)
    postgres_keeper_password: str = field(default="", repr=False)
    postgres_monitor_password: str = field(default="", repr=False)
    postgres_warehouse_password: str = field(default="", repr=False)
    flink_rest_url: str = "http://127.0.0.1:8082"
    dashboard_url: str = ""
    """Where the business dashboard is served; empty where a stack runs none."""
    checkpoint_dir: str = "./data/checkpoints"
    alert_webhook_url: str = field(default="", repr=False)
    """Where Alertmanager sends alerts; such addresses often carry a token."""
    watchdog_url: str = field(default="", repr=False)
    """Where Alertmanager posts every minute while it and Prometheus live: a dead man's switch of somebody else's."""

    events_topic: str = "ad-events"
    dead_letter_topic: str = "ad-events-dlq"
    late_topic: str = "ad-events-late"
    events_partitions: int = 4

    allowed_lateness_seconds: int = 600
    record_slack_seconds: int = 600
    out_of_orderness_seconds: int = 5
    idle_timeout_seconds: int = 30
    cache_retention_seconds: int = 1800
    cache_max_memory_megabytes: int = 768
    """Redis's maxmemory; 0: no limit."""
    raw_events_retention_days: int = 7
    """How long PostgreSQL keeps raw events, in whole days (UTC) of their record time; 0: forever."""
    metrics_retention_days: int = 400
    """How long PostgreSQL keeps windows of both sizes; 0: forever."""
    dead_letter_retention_days: int = 0
    """Days after its record time for which Kafka keeps a dead letter (of an old record: at once gone). 0: forever."""
    late_retention_days: int = 0
    """As long Kafka keeps a late event, which is in PostgreSQL's raw events as well; 0: forever."""
    early_fire_milliseconds: int = 200
    checkpoint_interval_seconds: int = 5
    parallelism: int = 1
    dashboard_refresh_seconds: int = 10
    historic: bool = False

    def __post_init__(self) -> None:
        for name in (
            "events_partitions",
            "allowed_lateness_seconds",
            "record_slack_seconds",
            "out_of_orderness_seconds",
            "early_fire_milliseconds",
            "checkpoint_interval_seconds",
            "parallelism",
            "dashboard_refresh_seconds",
        ):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name}={getattr(self, name)}: must be at least 1")
        for name in (
            "raw_events_retention_days",
            "metrics_retention_days",
            "dead_letter_retention_days",
            "late_retention_days",
        ):
            if not 0 <= getattr(self, name) <= LONGEST_RETENTION_DAYS:
                raise SettingsError(
                    f"{name}={getattr(self, name)}: must be 0 (forever) to {LONGEST_RETENTION_DAYS} days"
                )
        if self.cache_max_memory_megabytes < 0:
            raise SettingsError(
                f"cache_max_memory_megabytes={self.cache_max_memory_megabytes}: must be at least 0 (no limit)"
            )
        if self.cache_retention_seconds % 300 != 0:
            raise SettingsError(
                f"cache_retention_seconds={self.cache_retention_seconds}: must be a multiple of 300 "
                "(5 minutes), so that both window sizes expire on their own boundaries"
            )
        if self.cache_retention_seconds <= self.final_after_seconds:
            raise SettingsError(
                f"cache_retention_seconds={self.cache_retention_seconds}: must be more than "
                f"allowed_lateness_seconds + record_slack_seconds = {self.final_after_seconds}, or an "
                "expired window could come back with only the cells that a late event touched"
            )

    @property
    def final_after_seconds(self) -> int:
        """How long after a window's end (in watermark time) the window can still change."""
        return self.allowed_lateness_seconds + self.record_slack_seconds

    def checkpoint_uri(self, job: str) -> str:
        """Where a job's checkpoints go: below a directory of this machine, or below a URI such as ``s3://bucket/path``."""
        if "://" in self.checkpoint_dir:
            return f"{self.checkpoint_dir.rstrip('/')}/{job}"
        return (Path(self.checkpoint_dir).resolve() / job).as_uri()

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Reads ``ADCTR_<NAME>`` for every field; absent ones keep their default.

        Raises SettingsError naming the variable, its value and what is allowed.
        """
        values: dict[str, Any] = {}
        for spec in dataclasses.fields(cls):
            key = ENV_PREFIX + spec.name.upper()
            if key in environ:
                values[spec.name] = _parse(key, environ[key], type(spec.default))
        return cls(**values)

    def to_env(self) -> dict[str, str]:
        """The inverse of `from_env`: every field as an environment variable."""
        return {ENV_PREFIX + spec.name.upper(): _unparse(getattr(self, spec.name)) for spec in dataclasses.fields(self)}


def _parse(key: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() in ("1", "true"):
            return True
        if text.lower() in ("0", "false", ""):
            return False
        raise SettingsError(f"{key}={text!r}: allowed are true and false")
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{key}={text!r}: must be a whole number") from None
    return text


def _unparse(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
