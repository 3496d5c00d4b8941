"""Redis's users, each with what it needs and no more, and how a client becomes one of them."""

from __future__ import annotations

from enum import StrEnum
from typing import TypedDict

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipeline.settings import Settings


class CacheUser(StrEnum):
    """Who a client of Redis is.

    ``READER`` reads adctr's keys and the server's figures and changes nothing; ``WRITER`` runs the scripts that raise
    counts and watermarks; ``ADMIN`` is the stack itself, and sabotage.
    """

    READER = "adctr_reader"
    WRITER = "adctr_writer"
    ADMIN = "adctr_admin"


class Credentials(TypedDict):
    """Keyword arguments of `redis.Redis`."""

    username: str | None
    password: str | None


def credentials(settings: Settings, user: CacheUser) -> Credentials:
    """A user's name and password; neither where the settings have no password, for a server without users."""
    passwords = {
        CacheUser.READER: settings.redis_reader_password,
        CacheUser.WRITER: settings.redis_writer_password,
        CacheUser.ADMIN: settings.redis_admin_password,
    }
    password = passwords[user]
    return {"username": str(user), "password": password} if password else {"username": None, "password": None}


PATIENT_SECONDS = 10.0
"""More than any command or script of ours takes."""


def patient_client(
    settings: Settings, user: CacheUser, *, timeout_seconds: float = PATIENT_SECONDS, legacy_responses: bool = True
) -> redis.Redis:
    """A client of checks, drills and benchmarks: it tries again, and each try ends where Redis hangs."""
    return redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        **credentials(settings, user),
        socket_connect_timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        legacy_responses=legacy_responses,
    )


def impatient_client(
    settings: Settings, user: CacheUser, *, connect_timeout_seconds: float, timeout_seconds: float
) -> redis.Redis:
    """A client that repeats nothing: each command raises redis.RedisError at once where it fails."""
    return redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        **credentials(settings, user),
        socket_connect_timeout=connect_timeout_seconds,
        socket_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        legacy_responses=False,
    )
