"""Where the page's figures come from: one reader and one read at a time for all viewers of this process."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import psycopg2
import streamlit as st
from psycopg2 import extensions

from dashboards.business.history import HistoryPoller
from dashboards.business.past import MetricsReads
from dashboards.business.selection import Selection
from dashboards.business.settings import Limits
from dashboards.business.snapshot import Earlier, Snapshot, SnapshotReader, Unavailable
from pipeline.cache.cache_manager import CacheManager
from pipeline.cache.redis_reader import cache_client
from pipeline.settings import Settings
from pipeline.store.db_connector import StoreUnavailable, connect_reader
from pipeline.store.history import History
from pipeline.store.marts import Grain, Marts, read_marts

SHARED_SECONDS = 0.5
"""A read is everybody's for so long. Longer would make figures older: a viewer sees them for an interval more, and the
objective allows one second above that (docs/decisions/0009)."""
MARTS_SHARED_SECONDS = 10.0
"""They change when somebody builds them."""
_MOST_SELECTIONS = 64
CONNECT_SECONDS = 1
"""Nobody should wait longer for a database that does not answer."""

log = logging.getLogger("adctr.dashboard")


class Troubles:
    """Logs what is wrong with the stores once, and once that it is over."""

    def __init__(self) -> None:
        self._last: str | None = None

    def note(self, reason: str | None) -> None:
        """What the newest read says; None: nothing."""
        if reason != self._last:
            if reason is None:
                log.warning("both stores answer again")  # as visible as what is over
            else:
                log.warning("%s", reason)
            self._last = reason


def no_history() -> History | None:
    """Where nobody reads any."""
    return None


def no_marts(_range_seconds: int, _grain: Grain) -> Marts | None:
    """Where nobody has built any."""
    return None


@dataclass(frozen=True)
class PageSource:
    """Everything that the pages are made from. ``history`` gives the newest that was read, and waits for nothing."""

    reader: SnapshotReader
    limits: Limits
    refresh_seconds: int
    history: Callable[[], History | None] = no_history
    troubles: Troubles = field(default_factory=Troubles)
    marts: Callable[[int, Grain], Marts | None] = no_marts
    """Raises psycopg2.Error, StoreUnavailable."""


def open_reads(settings: Settings) -> MetricsReads:
    """The read API. It waits for no store: each read finds out for itself whether they answer."""
    return CacheManager(cache_client(settings), _connector(settings), settings)


def _connector(settings: Settings) -> Callable[[], extensions.connection]:
    return partial(connect_reader, settings, connect_timeout_seconds=CONNECT_SECONDS)


@st.cache_resource(show_spinner=False)
def page_source() -> PageSource:
    """Made once per process, from the environment. Raises SettingsError."""
    settings = Settings.from_env(os.environ)
    reader = SnapshotReader(open_reads(settings), settings)
    poller = HistoryPoller(_connector(settings))
    poller.start()
    limits, refresh = Limits.from_env(os.environ), settings.dashboard_refresh_seconds
    return PageSource(reader, limits, refresh, poller.newest, marts=partial(_read_marts, _connector(settings)))


def _read_marts(connect: Callable[[], extensions.connection], range_seconds: int, grain: Grain) -> Marts | None:
    with closing(connect()) as connection:
        return read_marts(connection, range_seconds, grain)


@st.cache_resource(ttl=MARTS_SHARED_SECONDS, max_entries=_MOST_SELECTIONS, show_spinner=False)
def shared_marts(range_seconds: int, grain: Grain) -> Marts | Unavailable | None:
    """The marts' figures, the same for all who ask within `MARTS_SHARED_SECONDS`; None where there are no marts."""
    try:
        return page_source().marts(range_seconds, grain)
    except (psycopg2.Error, StoreUnavailable) as error:
        log.warning("the marts could not be read: %s", str(error).strip())
        return Unavailable(time.time(), str(error))


@st.cache_resource(ttl=SHARED_SECONDS, max_entries=_MOST_SELECTIONS, show_spinner=False)
def shared_snapshot(range_seconds: int, campaign_id: str | None) -> Snapshot | Unavailable:
    """The newest snapshot; all who ask within `SHARED_SECONDS` get the same. Failures are shared as well."""
    source = page_source()
    found = source.reader.take(range_seconds, campaign_id)
    source.troubles.note(
        found.reason if isinstance(found, Unavailable) else found.fallback_reason or found.past_missing
    )
    return found


@st.cache_resource(
    ttl=SHARED_SECONDS,
    max_entries=_MOST_SELECTIONS,
    show_spinner=False,
    hash_funcs={Snapshot: lambda shown: shown.read_at_seconds},
)
def shared_earlier(shown: Snapshot, selection: Selection) -> Earlier | None:
    """What a snapshot of this selection is compared with, if with anything; all who are shown it get the same."""
    if selection.compare is None:
        return None
    return page_source().reader.earlier(shown, selection.compare, selection.campaign_id)
