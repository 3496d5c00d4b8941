"""Pushes dashboards, their data source and annotations into a Grafana through grafana-api.

docs/decisions/0016-grafana-api.md says which of its calls still exist in current Grafana, and why two go to their
addresses by hand. Everything is addressed by UID, so publishing again changes what is there and adds nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaClientError, GrafanaException
from grafana_api.grafana_face import GrafanaFace

from dashboards.ops.board import TAG
from dashboards.ops.panels import DATA_SOURCE_UID

FOLDER_UID = "adctr"
FOLDER_TITLE = "adctr"
TIMEOUT_SECONDS = 15.0
ANNOTATIONS_LIMIT = 5000
_UNAUTHORISED = (401, 403)

T = TypeVar("T")


class CredentialsRefused(Exception):
    """Grafana knows us not, or not well enough; the message says which request it was."""


class GrafanaUnavailable(Exception):
    """No server answers, or it is not Grafana, or Grafana is broken."""


class PublishRefused(Exception):
    """Grafana understands and says no; the message has its words."""


def data_source(prometheus_url: str) -> dict[str, Any]:
    """As Grafana's API and its provisioning files have it."""
    return {
        "uid": DATA_SOURCE_UID,
        "name": DATA_SOURCE_UID,
        "type": "prometheus",
        "access": "proxy",
        "url": prometheus_url,
        "basicAuth": False,
        "isDefault": False,
        # The shortest step that makes sense, and so the least that $__rate_interval looks back.
        "jsonData": {"httpMethod": "POST", "timeInterval": "5s"},
    }


@dataclass(frozen=True)
class Annotation:
    """A stretch of time with a text. ``key`` becomes a tag by which it is found again; times are Unix seconds."""

    key: str
    text: str
    begin_seconds: float
    end_seconds: float | None
    tags: Sequence[str] = ()

    def arguments(self) -> dict[str, Any]:
        """As grafana-api takes it: milliseconds; without an end it ends as it begins."""
        begin = round(self.begin_seconds * 1000)
        end = begin if self.end_seconds is None else round(self.end_seconds * 1000)
        return {"time_from": begin, "time_to": end, "tags": [TAG, *self.tags, self.key], "text": self.text}


@dataclass
class Published:
    """What was sent."""

    url: str
    folder: str = FOLDER_UID
    data_source: str = DATA_SOURCE_UID
    dashboards: list[str] = field(default_factory=list)
    provisioned: list[str] = field(default_factory=list)
    """UIDs of the data source and the dashboards that Grafana has from files: they are left as they are."""
    annotations_added: int = 0
    annotations_changed: int = 0


class Publisher:
    """A Grafana and a service account's token for it. Raises the three errors above."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        parts = urlsplit(url)
        prefix = parts.path.strip("/")
        self._grafana = GrafanaFace(
            auth=token,
            host=parts.hostname or "",
            port=parts.port,
            protocol=parts.scheme,
            url_path_prefix=f"{prefix}/" if prefix else "",
            timeout=TIMEOUT_SECONDS,
        )

    def publish(
        self, dashboards: Mapping[str, str], prometheus_url: str, annotations: Sequence[Annotation]
    ) -> Published:
        """All of it; ``dashboards`` are JSON texts by name. What was sent before a failure stays."""
        published = Published(self._url)
        self._folder()
        self._data_source(prometheus_url, published)
        for text in dashboards.values():
            uid = str(json.loads(text)["uid"])
            if self._is_provisioned(uid):
                published.provisioned.append(uid)
            else:
                self._asked("dashboard", partial(self._save_dashboard, text))
            published.dashboards.append(uid)
        self._annotate(annotations, published)
        return published

    def _folder(self) -> None:
        if self._asked_for("folder", lambda: self._grafana.folder.get_folder(FOLDER_UID)) is None:
            self._asked("folder", lambda: self._grafana.folder.create_folder(FOLDER_TITLE, FOLDER_UID))

    def _data_source(self, prometheus_url: str, published: Published) -> None:
        body = data_source(prometheus_url)
        path = f"/datasources/uid/{DATA_SOURCE_UID}"
        there = self._asked_for("data source", lambda: self._grafana.api.GET(path))
        if there is None:
            self._asked("data source", lambda: self._grafana.datasource.create_datasource(body))
        elif there.get("readOnly"):
            # From a file: a change would be refused with the same 403 as a token without rights.
            published.provisioned.append(DATA_SOURCE_UID)
        else:
            self._asked("data source", lambda: self._grafana.api.PUT(path, json=body))

    def _is_provisioned(self, uid: str) -> bool:
        there = self._asked_for("dashboard", lambda: self._grafana.dashboard.get_dashboard(uid))
        return bool(there and there["meta"].get("provisioned"))

    def _save_dashboard(self, text: str) -> Any:
        body = {
            "dashboard": {**json.loads(text), "id": None},
            "folderUid": FOLDER_UID,
            "message": "adctr grafana publish",
            "overwrite": True,
        }
        return self._grafana.dashboard.update_dashboard(body)

    def _annotate(self, annotations: Sequence[Annotation], published: Published) -> None:
        there = self._asked(
            "annotations", lambda: self._grafana.annotations.get_annotation(tags=[TAG], limit=ANNOTATIONS_LIMIT)
        )
        known = {tag: row for row in there for tag in row["tags"]}
        for each in annotations:
            body, row = each.arguments(), known.get(each.key)
            if row is None:
                self._asked("annotation", partial(self._grafana.annotations.add_annotation, **body))
                published.annotations_added += 1
            elif (row["timeEnd"], row["text"]) != (body["time_to"], body["text"]):
                self._asked(
                    "annotation",
                    partial(self._grafana.annotations.update_annotation, row["id"], **body),
                )
                published.annotations_changed += 1

    def _asked_for(self, what: str, request: Callable[[], T]) -> T | None:
        """The answer, or None where there is no such thing."""
        try:
            return self._asked(what, request)
        except PublishRefused as refused:
            if isinstance(refused.__cause__, GrafanaClientError) and refused.__cause__.status_code == 404:
                return None
            raise

    def _asked(self, what: str, request: Callable[[], T]) -> T:
        try:
            return request()
        except GrafanaClientError as error:
            if error.status_code in _UNAUTHORISED:
                raise CredentialsRefused(f"{self._url} refuses the token ({what}): {error.message}") from error
            raise PublishRefused(f"{self._url} refuses the {what}: {error.message}") from error
        except requests.JSONDecodeError as error:
            raise GrafanaUnavailable(f"{self._url} answers, but not as Grafana does ({what})") from error
        except (GrafanaException, requests.RequestException) as error:
            raise GrafanaUnavailable(f"{self._url} does not answer ({what}): {error}") from error
