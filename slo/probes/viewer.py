"""A browser's session with the dashboard, without the browser: the same websocket, the same messages.

Streamlit's page runs on the server and only when a browser asks for it: once when it opens the page, then, as the
server has told it in ``auto_rerun``, for one fragment at each interval. This does what Streamlit's ``App.tsx`` does, so
the script, the reads behind it and what is sent are those of a real viewer; only the drawing is missing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from pipeline.contract.dashboard_page import find_read_at_seconds

if TYPE_CHECKING:
    from streamlit.proto.BackMsg_pb2 import BackMsg

CONNECT_SECONDS = 3.0
FIRST_FIGURES_SECONDS = 10.0
RECONNECT_SECONDS = 1.0
_WAIT_SECONDS = 0.05


class DashboardUnavailable(ConnectionError):
    """The dashboard doesn't answer, or has not shown a figure yet; the message names its address."""


class Viewer:
    """Opens the page and keeps it open, as somebody does who leaves a tab alone. One thread uses it.

    ``url`` is the page's, ``query`` its part after the question mark.
    """

    def __init__(self, url: str, query: str = "") -> None:
        self._url = url
        self._query = query
        self._socket: ClientConnection | None = None
        self._tried_at = float("-inf")
        self._page_hash = ""
        self._fragment_id = ""
        self._interval_seconds = 0.0
        self._next_rerun = 0.0
        self._asked = False
        """A run was asked for that has not begun."""
        self._running = False
        self.read_at_seconds: float | None = None
        """When the figures on the page were read, by the dashboard's clock (unix seconds)."""
        self.refreshes: list[tuple[float, float]] = []
        """Of each refresh: when it came (unix seconds), and when its figures were read."""

    def open(self) -> None:
        """Waits until the page shows figures. Raises DashboardUnavailable."""
        deadline = time.monotonic() + FIRST_FIGURES_SECONDS
        self.attend()
        while self.read_at_seconds is None:
            if time.monotonic() > deadline or self._socket is None:
                raise DashboardUnavailable(f"the dashboard at {self._url} shows no figures")
            self.attend(_WAIT_SECONDS)

    def attend(self, wait_seconds: float = 0.0) -> None:
        """Takes what has come in, and asks for the refresh that is due. A connection that broke is opened again.

        Never raises for a dashboard that is gone: what was shown stays on the page, and gets older.
        """
        if self._socket is None and time.monotonic() >= self._tried_at + RECONNECT_SECONDS:
            self._connect()
        if self._socket is None:
            return
        try:
            if self._fragment_id and time.monotonic() >= self._next_rerun:
                self._next_rerun += self._interval_seconds
                self._ask(self._fragment_id)
            self._receive(self._socket, wait_seconds)
        except (WebSocketException, OSError):
            self.close()

    def refresh_seconds(self) -> float:
        """Asks for a refresh out of turn; how long it takes until the server says that everything is sent.

        Raises DashboardUnavailable where it does not come.
        """
        self._until_idle()
        began = time.monotonic()
        self._next_rerun = began + self._interval_seconds
        self._ask(self._fragment_id)
        self._until_idle()
        return time.monotonic() - began

    def _until_idle(self) -> None:
        """Takes what comes in until the server has finished all that was asked for."""
        deadline = time.monotonic() + FIRST_FIGURES_SECONDS
        while self._asked or self._running:
            if self._socket is None:
                break
            self._receive(self._socket, _WAIT_SECONDS)
            if time.monotonic() > deadline:
                raise DashboardUnavailable(f"the dashboard at {self._url} does not refresh")
        if self._socket is None or not self._fragment_id:
            raise DashboardUnavailable(f"the dashboard at {self._url} is not connected")

    def close(self) -> None:
        """Leaves the page."""
        socket, self._socket = self._socket, None
        self._fragment_id = ""
        self._asked = self._running = False
        if socket is not None:
            # Not politely: a server that stands still would be waited for.
            socket.close_timeout = 0.0
            socket.close()

    def _connect(self) -> None:
        self._tried_at = time.monotonic()
        address = "ws" + self._url.removeprefix("http") + "/_stcore/stream"
        try:
            self._socket = connect(
                address,
                subprotocols=[Subprotocol("streamlit")],
                open_timeout=CONNECT_SECONDS,
                ping_interval=None,
                max_size=None,
            )
            self._ask("")
        except (WebSocketException, OSError):
            self.close()

    def _ask(self, fragment_id: str) -> None:
        """A run of the page, or of one fragment."""
        assert self._socket is not None
        self._asked = True
        self._socket.send(_back_message(self._query, self._page_hash, fragment_id).SerializeToString())

    def _receive(self, socket: ClientConnection, wait_seconds: float) -> None:
        while True:
            try:
                message = socket.recv(timeout=wait_seconds)
            except TimeoutError:
                return
            wait_seconds = 0.0
            assert isinstance(message, bytes)
            self._take(message)

    def _take(self, message: bytes) -> None:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        forward = ForwardMsg()
        forward.ParseFromString(message)
        match forward.WhichOneof("type"):
            case "new_session":
                self._asked, self._running = False, True
                self._page_hash = forward.new_session.page_script_hash
            case "auto_rerun":
                self._schedule(forward.auto_rerun)
            case "script_finished":
                self._running = False
            case "delta":
                self._look_at(forward.delta.new_element.html.body)

    def _schedule(self, auto_rerun: Any) -> None:
        """As the browser does it: an interval that runs already goes on, whatever it is told again."""
        if (auto_rerun.fragment_id, auto_rerun.interval) != (self._fragment_id, self._interval_seconds):
            self._next_rerun = time.monotonic() + auto_rerun.interval
        self._fragment_id, self._interval_seconds = auto_rerun.fragment_id, auto_rerun.interval

    def _look_at(self, html: str) -> None:
        read_at = find_read_at_seconds(html)
        if read_at is not None:
            self.read_at_seconds = read_at
            self.refreshes.append((time.time(), read_at))


def _back_message(query: str, page_hash: str, fragment_id: str) -> BackMsg:
    # Late: with its messages Streamlit loads pandas, which nothing else here needs.
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_script_hash = page_hash
    message.rerun_script.fragment_id = fragment_id
    message.rerun_script.is_auto_rerun = bool(fragment_id)
    message.rerun_script.context_info.locale = "en-GB"
    message.rerun_script.context_info.timezone = "UTC"
    return message
