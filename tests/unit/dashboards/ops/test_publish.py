"""`adctr grafana publish` against a server that holds it to Grafana's documented API, request by request."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from compose.docker.compose_file import files as compose_files
from dashboards.ops.catalogue import COMMITTED
from loadgen.ledger import EVENT, LedgerHeader, LedgerWriter
from slo.annotations import noted
from tests.unit.dashboards.ops.grafana_server import Grafana, GrafanaServer

ADMIN, VIEWER = "glsa_admin", "glsa_viewer"


@pytest.fixture
def grafana() -> Grafana:
    return Grafana({ADMIN: "Admin", VIEWER: "Viewer"})


@pytest.fixture
def server(grafana: Grafana) -> Iterator[GrafanaServer]:
    with GrafanaServer(grafana) as server:
        yield server
    assert grafana.undocumented == []


def publish(data_dir: Path, url: str, token: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(data_dir), "grafana", "publish", "--url", url]
    environment = {**os.environ, "ADCTR_GRAFANA_TOKEN": token}
    return subprocess.run([*command, *more], capture_output=True, text=True, timeout=60, env=environment)


def a_run_and_a_drill(data_dir: Path) -> None:
    header = LedgerHeader("ab12", 1, "steady", 5.0, 1_700_000_000_000_000_000, "ad-events", 600, ["c"], [0], ["news"])
    ledger = LedgerWriter(data_dir / "ledgers" / "ab12.ledger", header)
    ledger.events(np.zeros(1, EVENT))
    ledger.answers([0], [0], [7])
    ledger.close(1)
    os.utime(ledger.path, (1_700_000_060, 1_700_000_060))
    with noted(data_dir / "activities.jsonl", "drill", "event_lost", lambda: 1_700_000_100.0) as outcome:
        outcome("caught")


def test_a_new_grafana_gets_everything(tmp_path: Path, grafana: Grafana, server: GrafanaServer) -> None:
    """Folder, data source, every committed dashboard unchanged, a run and a drill."""
    a_run_and_a_drill(tmp_path)
    result = publish(tmp_path, server.url, ADMIN, "--format", "json", "--prometheus-url", "http://prometheus:9090")
    assert (result.returncode, result.stderr) == (0, "")
    sent = json.loads(result.stdout)
    assert (sent["annotations_added"], sent["annotations_changed"]) == (2, 0)
    assert grafana.folders == {"adctr": "adctr"}
    source = grafana.data_sources["adctr-prometheus"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    committed = {path.stem: json.loads(path.read_text()) for path in COMMITTED.glob("*.json")}
    assert {uid: {**row["model"]} for uid, row in grafana.dashboards.items()} == {
        uid: {**model, "id": None} for uid, model in committed.items()
    }
    assert {row["folder"] for row in grafana.dashboards.values()} == {"adctr"}
    run, drill = grafana.annotations[1], grafana.annotations[2]
    assert (run["time"], run["timeEnd"]) == (1_700_000_000_000, 1_700_000_060_000)
    assert run["tags"] == ["adctr", "load-run", "run-ab12"]
    assert run["text"] == "load run ab12: 1 acknowledged, 0 failed"
    assert drill["text"] == "drill event_lost: caught"
    assert ADMIN not in result.stdout


def test_publishing_again_changes_and_adds_nothing_twice(
    tmp_path: Path, grafana: Grafana, server: GrafanaServer
) -> None:
    a_run_and_a_drill(tmp_path)
    assert publish(tmp_path, server.url, ADMIN).returncode == 0
    ledger = tmp_path / "ledgers" / "ab12.ledger"
    os.utime(ledger, (1_700_000_090, 1_700_000_090))
    grafana.requests.clear()
    again = publish(tmp_path, server.url, ADMIN)
    assert again.returncode == 0, again.stderr
    assert "0 annotations added, 1 changed" in again.stdout
    assert len(grafana.annotations) == 2
    assert grafana.annotations[1]["timeEnd"] == 1_700_000_090_000
    assert {row["version"] for row in grafana.dashboards.values()} == {2}
    writes = [f"{each.method} {each.path}" for each in grafana.requests if each.method != "GET"]
    assert writes == [
        "PUT /api/datasources/uid/adctr-prometheus",
        *["POST /api/dashboards/db"] * 6,
        "PUT /api/annotations/1",
    ]


def test_a_grafana_that_has_all_of_it_from_files_gets_the_annotations(
    tmp_path: Path, grafana: Grafana, server: GrafanaServer
) -> None:
    """As the stack's own: data source, folder and dashboards are left as they are, and told of."""
    provider = yaml.safe_load(compose_files()["config/grafana-dashboards.yaml"])["providers"][0]
    source = yaml.safe_load(compose_files()["config/grafana-source.yaml"])["datasources"][0]
    grafana.folders[provider["folderUid"]] = provider["folder"]
    grafana.data_sources[source["uid"]] = source
    for path in COMMITTED.glob("*.json"):
        model = json.loads(path.read_text())
        grafana.dashboards[model["uid"]] = {"id": 1, "version": 1, "model": model, "folder": provider["folderUid"]}
    grafana.provisioned = {source["uid"], *grafana.dashboards}
    a_run_and_a_drill(tmp_path)
    result = publish(tmp_path, server.url, ADMIN, "--format", "json")
    assert result.returncode == 0, result.stderr
    sent = json.loads(result.stdout)
    assert set(sent["provisioned"]) == grafana.provisioned
    assert set(sent["dashboards"]) == set(grafana.dashboards)
    assert sent["annotations_added"] == len(grafana.annotations) == 2
    assert grafana.folders == {"adctr": "adctr"}


def test_a_grafana_below_a_path(tmp_path: Path, grafana: Grafana) -> None:
    with GrafanaServer(grafana, "/ops/grafana") as server:
        assert publish(tmp_path, server.url + "/", ADMIN).returncode == 0
    assert len(grafana.dashboards) == 6


@pytest.mark.parametrize(("token", "words"), [("glsa_wrong", "Unauthorized"), (VIEWER, "additional permissions")])
def test_wrong_credentials_are_a_wrong_configuration(
    tmp_path: Path, grafana: Grafana, server: GrafanaServer, token: str, words: str
) -> None:
    """Exit 2, with what to do, and the token is in no message."""
    result = publish(tmp_path, server.url, token)
    assert result.returncode == 2
    assert words in result.stderr
    assert "ADCTR_GRAFANA_TOKEN" in result.stderr
    assert token not in result.stderr
    assert grafana.dashboards == {}


def test_without_a_token_nothing_is_sent(tmp_path: Path, grafana: Grafana, server: GrafanaServer) -> None:
    result = publish(tmp_path, server.url, "")
    assert result.returncode == 2
    assert "put a service account's into ADCTR_GRAFANA_TOKEN" in result.stderr
    assert grafana.requests == []


def test_a_url_without_a_scheme_is_refused(tmp_path: Path) -> None:
    result = publish(tmp_path, "grafana.example:3000", ADMIN)
    assert result.returncode == 2
    assert "--url grafana.example:3000" in result.stderr


def test_nobody_there_is_the_environment(tmp_path: Path) -> None:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    result = publish(tmp_path, url, ADMIN)
    assert result.returncode == 4
    assert f"{url} does not answer" in result.stderr


@pytest.mark.parametrize(
    ("broken_with", "words"),
    [
        ((500, {"message": "database is locked"}), "database is locked"),
        ((200, "<html>a proxy</html>"), "not as Grafana"),
    ],
)
def test_a_broken_grafana_is_the_environment(
    tmp_path: Path, grafana: Grafana, server: GrafanaServer, broken_with: tuple[int, object], words: str
) -> None:
    grafana.broken_with = broken_with
    result = publish(tmp_path, server.url, ADMIN)
    assert result.returncode == 4
    assert words in result.stderr


def test_a_dashboard_that_grafana_refuses_is_a_failure(tmp_path: Path, grafana: Grafana, server: GrafanaServer) -> None:
    """Grafana answers, knows us, and says no."""
    grafana.broken_with = (412, {"message": "The dashboard belongs to plugin x", "status": "plugin-dashboard"})
    result = publish(tmp_path, server.url, ADMIN)
    assert result.returncode == 1
    assert "belongs to plugin x" in result.stderr


def test_the_server_would_notice_what_current_grafana_no_longer_has(grafana: Grafana) -> None:
    """grafana-api's own way to change a data source goes by its number, which the documentation calls deprecated."""
    from grafana_api.grafana_api import GrafanaClientError
    from grafana_api.grafana_face import GrafanaFace

    with GrafanaServer(grafana) as server:
        port = int(server.url.rsplit(":", 1)[1])
        face = GrafanaFace(auth=ADMIN, host="127.0.0.1", port=port)
        with pytest.raises(GrafanaClientError):
            face.datasource.update_datasource(1, {"name": "x", "type": "prometheus", "access": "proxy"})
    assert grafana.undocumented == ["PUT /api/datasources/1"]
