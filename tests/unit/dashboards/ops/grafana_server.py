"""An HTTP server that holds its clients to Grafana's documented API, for the calls that publishing needs.

From docs/sources/developers/http_api (dashboard, folder, data_source, annotations) of Grafana 11: which paths there
are, which of them are deprecated, what a body must and may have, what each answer looks like and with which status. A
request that isn't documented, or deprecated, gets 404 and is kept in ``undocumented``.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

UID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
Answer = tuple[int, Any]

DATA_SOURCE_REQUIRED = {"name", "type", "access"}
DATA_SOURCE_KEYS = DATA_SOURCE_REQUIRED | {
    *("id", "uid", "orgId", "url", "user", "database", "basicAuth", "basicAuthUser", "isDefault"),
    *("jsonData", "secureJsonData", "withCredentials", "version"),
}
ANNOTATION_KEYS = {"dashboardId", "dashboardUID", "panelId", "time", "timeEnd", "tags", "text"}
DASHBOARD_KEYS = {"dashboard", "folderId", "folderUid", "message", "overwrite"}


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: Any


@dataclass
class Grafana:
    """Everything that this Grafana has, by uid (annotations by id). ``roles`` are those of tokens."""

    roles: dict[str, str]
    folders: dict[str, str] = field(default_factory=dict)
    data_sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    annotations: dict[int, dict[str, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)
    provisioned: set[str] = field(default_factory=set)
    """UIDs of what came from files, which no request changes."""
    broken_with: Answer | None = None
    """What every request gets instead of its answer."""

    def answer(self, request: Request, authorization: str | None) -> Answer:
        self.requests.append(request)
        if self.broken_with is not None:
            return self.broken_with
        role = self.roles.get((authorization or "").removeprefix("Bearer "))
        if role is None or not (authorization or "").startswith("Bearer "):
            return 401, {"message": "Unauthorized"}
        if request.method != "GET" and role == "Viewer":
            return 403, {"message": "You'll need additional permissions to perform this action."}
        for method, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if method == request.method and found:
                return handler(self, request, *found.groups())
        self.undocumented.append(f"{request.method} {request.path}")
        return 404, {"message": "Not found"}

    def get_folder(self, _: Request, uid: str) -> Answer:
        if uid not in self.folders:
            return 404, {"message": "folder not found", "status": "not-found"}
        return 200, {"id": 1, "uid": uid, "title": self.folders[uid], "version": 1}

    def create_folder(self, request: Request) -> Answer:
        body = request.body
        if not body.get("title") or not set(body) <= {"uid", "title", "parentUid"}:
            return 400, {"message": "bad request data"}
        if not UID.fullmatch(body.get("uid", "")):
            return 400, {"message": "uid contains illegal characters"}
        if body["uid"] in self.folders:
            return 409, {"message": "a folder with the same name already exists"}
        self.folders[body["uid"]] = body["title"]
        return 200, {"id": 1, "uid": body["uid"], "title": body["title"], "version": 1}

    def get_data_source(self, _: Request, uid: str) -> Answer:
        if uid not in self.data_sources:
            return 404, {"message": "Data source not found"}
        return 200, {**self.data_sources[uid], "readOnly": uid in self.provisioned}

    def create_data_source(self, request: Request) -> Answer:
        uid = request.body.get("uid", "")
        if uid in self.data_sources:
            return 409, {"message": "data source with the same name already exists"}
        return self._keep_data_source(request, uid, "Datasource added")

    def update_data_source(self, request: Request, uid: str) -> Answer:
        if uid not in self.data_sources:
            return 404, {"message": "Data source not found"}
        if uid in self.provisioned:
            return 403, {"message": "Cannot update read-only data source"}
        return self._keep_data_source(request, uid, "Datasource updated")

    def _keep_data_source(self, request: Request, uid: str, message: str) -> Answer:
        keys = set(request.body)
        if not keys >= DATA_SOURCE_REQUIRED or not keys <= DATA_SOURCE_KEYS or not UID.fullmatch(uid):
            return 400, {"message": "bad request data"}
        if request.body["access"] not in ("proxy", "direct"):
            return 400, {"message": "bad request data"}
        self.data_sources[uid] = request.body
        return 200, {"id": 1, "message": message, "name": request.body["name"], "datasource": request.body}

    def get_dashboard(self, _: Request, uid: str) -> Answer:
        if uid not in self.dashboards:
            return 404, {"message": "Dashboard not found", "status": "not-found"}
        meta = {"provisioned": uid in self.provisioned, "folderUid": self.dashboards[uid]["folder"]}
        return 200, {"dashboard": self.dashboards[uid]["model"], "meta": meta}

    def save_dashboard(self, request: Request) -> Answer:
        body = request.body
        model = body.get("dashboard")
        if not isinstance(model, dict) or not set(body) <= DASHBOARD_KEYS:
            return 400, {"message": "bad request data"}
        if not model.get("title"):
            return 400, {"message": "Dashboard title cannot be empty", "status": "empty-name"}
        if model.get("uid") and not UID.fullmatch(model["uid"]):
            return 400, {"message": "uid contains illegal characters"}
        if model.get("id") is not None and model["id"] not in {row["id"] for row in self.dashboards.values()}:
            return 404, {"message": "Dashboard not found", "status": "not-found"}
        if body.get("folderUid") and body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        if model["uid"] in self.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        known = self.dashboards.get(model["uid"])
        if known is not None and not body.get("overwrite"):
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        number = known["id"] if known else len(self.dashboards) + 1
        version = known["version"] + 1 if known else 1
        self.dashboards[model["uid"]] = {"id": number, "version": version, "model": model, "folder": body["folderUid"]}
        return 200, {"id": number, "uid": model["uid"], "url": f"/d/{model['uid']}", "status": "success", "version": 1}

    def find_annotations(self, request: Request) -> Answer:
        wanted, limit = set(request.query.get("tags", [])), int(request.query.get("limit", ["100"])[0])
        found = [{**row, "id": number} for number, row in self.annotations.items() if wanted <= set(row["tags"])]
        return 200, found[:limit]

    def create_annotation(self, request: Request) -> Answer:
        problem = _annotation_problem(request.body)
        if problem:
            return 400, {"message": problem}
        number = len(self.annotations) + 1
        self.annotations[number] = request.body
        return 200, {"message": "Annotation added", "id": number}

    def update_annotation(self, request: Request, number: str) -> Answer:
        if int(number) not in self.annotations:
            return 404, {"message": "annotation not found"}
        problem = _annotation_problem(request.body)
        if problem:
            return 400, {"message": problem}
        self.annotations[int(number)] |= request.body
        return 200, {"message": "Annotation updated"}


def _annotation_problem(body: dict[str, Any]) -> str:
    if not body.get("text"):
        return "text field should not be empty"
    if not set(body) <= ANNOTATION_KEYS:
        return f"unknown fields {set(body) - ANNOTATION_KEYS}"
    if not isinstance(body.get("tags"), list) or not all(isinstance(tag, str) for tag in body["tags"]):
        return "tags must be a list of strings"
    times = (body.get("time"), body.get("timeEnd"))
    if not all(isinstance(time, int) and time > 10**12 for time in times):
        return "time and timeEnd must be epoch milliseconds"
    return "" if times[0] <= times[1] else "timeEnd before time"  # type: ignore[operator]


ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", r"/api/folders/([^/]+)", Grafana.get_folder),
    ("POST", r"/api/folders", Grafana.create_folder),
    ("GET", r"/api/datasources/uid/([^/]+)", Grafana.get_data_source),
    ("POST", r"/api/datasources", Grafana.create_data_source),
    ("PUT", r"/api/datasources/uid/([^/]+)", Grafana.update_data_source),
    ("GET", r"/api/dashboards/uid/([^/]+)", Grafana.get_dashboard),
    ("POST", r"/api/dashboards/db", Grafana.save_dashboard),
    ("GET", r"/api/annotations", Grafana.find_annotations),
    ("POST", r"/api/annotations", Grafana.create_annotation),
    ("PUT", r"/api/annotations/(\d+)", Grafana.update_annotation),
]


class GrafanaServer:
    """Serves a Grafana on a free port of the loopback interface, below ``prefix``, while the block lasts."""

    def __init__(self, grafana: Grafana, prefix: str = "") -> None:
        handler = type("Handler", (_Handler,), {"grafana": grafana, "prefix": prefix})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}{prefix}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    grafana: Grafana
    prefix: str

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        if self.command != "GET" and self.headers.get("Content-Type") != "application/json":
            self._send(400, {"message": "bad request data"})
        elif not parts.path.startswith(f"{self.prefix}/api/"):
            self._send(404, "<html>no Grafana here</html>")
        else:
            path = parts.path.removeprefix(self.prefix)
            body = json.loads(raw) if raw else None
            request = Request(self.command, path, parse_qs(parts.query), body)
            self._send(*self.grafana.answer(request, self.headers.get("Authorization")))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - http.server's names

    def _send(self, status: int, answer: Any) -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Quiet."""
