"""The manifests of docs/kubernetes: what the operator and Kubernetes say of them, and that their settings exist.

``operator/`` has the definitions of the operator's releases, as in its Helm chart (Apache License 2.0).
"""

from __future__ import annotations

import copy
import dataclasses
import gzip
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from compose.docker.run import plan_of, services
from pipeline.job_names import JOBS
from pipeline.settings import ENV_PREFIX, Settings

HERE = Path(__file__).parent
MANIFESTS = HERE.parents[2] / "docs" / "kubernetes"
OPERATORS = ("1.13.0", "1.14.0", "1.15.0")
KUBERNETES = ("1.31.0", "1.34.0", "1.37.0")
Document = dict[str, Any]


def documents(name: str) -> list[Document]:
    """The documents of a file."""
    return list(yaml.safe_load_all((MANIFESTS / name).read_text(encoding="utf-8")))


@cache
def operator_schema(version: str) -> Draft202012Validator:
    """What a release takes as a FlinkDeployment; as a strict client does, it takes no field that it does not know."""
    text = gzip.decompress((HERE / "operator" / f"flinkdeployments-{version}.yml.gz").read_bytes())
    definition = yaml.load(text, Loader=yaml.CSafeLoader)
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    # What every object has is Kubernetes' to check.
    schema["properties"] |= {"metadata": {"type": "object", "additionalProperties": True}, "apiVersion": {}, "kind": {}}
    return Draft202012Validator(_strict(schema))


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _strict(each) for key, each in schema.items()}
    if found.pop("x-kubernetes-int-or-string", False):
        return {"type": ["integer", "string"]}
    open_ended = found.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in found
    if isinstance(found.get("properties"), dict) and not open_ended:
        found["additionalProperties"] = False
    return found


def refusals(deployment: Document, operator: str) -> list[str]:
    """Why a release's schema refuses it, and what the operator's own ``DefaultValidator`` says besides."""
    found = [f"{each.json_path}: {each.message}" for each in operator_schema(operator).iter_errors(deployment)]
    spec = deployment["spec"]
    config, job = spec["flinkConfiguration"], spec["job"]
    if job["upgradeMode"] != "stateless" and not config.get("execution.checkpointing.dir"):
        found.append("Checkpoint directory must be defined for last-state and savepoint upgrade modes")
    if job["upgradeMode"] == "savepoint" and not config.get("execution.checkpointing.savepoint-dir"):
        found.append("Job could not be upgraded with savepoint")
    if {"kubernetes.namespace", "kubernetes.cluster-id", "high-availability.cluster-id"} & set(config):
        found.append("Forbidden Flink config key")
    if not config.get("high-availability.type"):
        found.append("HA must be enabled")
    return found


@pytest.fixture(params=JOBS)
def deployment(request: pytest.FixtureRequest) -> Document:
    (found,) = documents(f"{request.param}-job.yaml")
    assert found["metadata"]["name"] == f"adctr-{request.param}"
    assert found["spec"]["job"]["args"][-1] == request.param
    return found


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_claimed_operator_takes_both_jobs(deployment: Document, operator: str) -> None:
    assert refusals(deployment, operator) == []


def without(*path: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return change


def changed(*path: str, to: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "operator", "said"),
    [
        (lambda _: None, "1.12.1", "'v2_2' is not one of"),
        (without("spec", "flinkConfiguration", "execution.checkpointing.dir"), "1.15.0", "Checkpoint directory"),
        (without("spec", "flinkConfiguration", "high-availability.type"), "1.15.0", "HA must be enabled"),
        (changed("spec", "job", "upgradeMode", to="last_state"), "1.13.0", "'last_state' is not one of"),
        (changed("spec", "taskManger", to={}), "1.14.0", "'taskManger' was unexpected"),
        (changed("spec", "podTemplate", "spec", "containers", to={}), "1.15.0", "is not of type 'array'"),
    ],
)
def test_a_manifest_with_a_fault_is_refused(
    deployment: Document, change: Callable[[Document], None], operator: str, said: str
) -> None:
    broken = copy.deepcopy(deployment)
    change(broken)
    found = refusals(broken, operator)
    assert any(said in each for each in found), found


def test_state_is_where_the_job_says_and_there_are_enough_slots(deployment: Document) -> None:
    spec, settings = deployment["spec"], Settings.from_env(variables(deployment["spec"]["podTemplate"]["spec"]))
    (job,) = (name for name in JOBS if spec["job"]["args"][-1] == name)
    assert spec["flinkConfiguration"]["execution.checkpointing.dir"] == settings.checkpoint_uri(job)
    assert settings.parallelism == spec["job"]["parallelism"] == int(spec["flinkConfiguration"]["parallelism.default"])
    slots = int(spec["flinkConfiguration"]["taskmanager.numberOfTaskSlots"]) * spec["taskManager"]["replicas"]
    assert slots >= settings.parallelism


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_kubernetes_takes_the_services_and_the_pods_of_the_jobs(kubernetes: str) -> None:
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": job}, **each["spec"]["podTemplate"]}
        for job in JOBS
        for each in documents(f"{job}-job.yaml")
    ]
    for document in [*documents("services.yaml"), *pods]:
        kubernetes_validate.validate(document, kubernetes, strict=True)


@pytest.mark.parametrize(
    "change",
    [
        changed("spec", "replicas", to="one"),
        changed("spec", "template", "spec", "container", to=[]),
        without("spec", "selector"),
    ],
)
def test_a_service_with_a_fault_is_refused(change: Callable[[Document], None]) -> None:
    broken = next(each for each in documents("services.yaml") if each["kind"] == "Deployment")
    change(broken)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES[-1], strict=True)


def pod_specs() -> Iterator[Document]:
    """Of both jobs and of every service."""
    for job in JOBS:
        yield documents(f"{job}-job.yaml")[0]["spec"]["podTemplate"]["spec"]
    for document in documents("services.yaml"):
        if document["kind"] in ("Deployment", "Job"):
            yield document["spec"]["template"]["spec"]


def variables(pod: Document) -> dict[str, str]:
    """What the container's environment has, secrets as their key."""
    rows = pod["containers"][0].get("env", [])
    return {row["name"]: row.get("value") or row["valueFrom"]["secretKeyRef"]["key"] for row in rows}


@pytest.fixture
def shared() -> dict[str, str]:
    (found,) = (each["data"] for each in documents("services.yaml") if each["kind"] == "ConfigMap")
    return dict(found)


def test_every_variable_is_a_setting(shared: dict[str, str]) -> None:
    names = {name for pod in pod_specs() for name in variables(pod)} | set(shared)
    assert names <= {ENV_PREFIX + field.name.upper() for field in dataclasses.fields(Settings)}


def test_every_service_is_one_of_the_image_and_has_its_port(shared: dict[str, str]) -> None:
    ours = documents("services.yaml")
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in ours
        if "template" in each.get("spec", {})
    }
    known = {*services(plan_of(shared)), "provision"}
    assert {pod["containers"][0]["args"][0] for pod in pods.values()} <= known
    for each in ours:
        if each["kind"] == "Service":
            (port,) = pods[each["metadata"]["name"]]["containers"][0]["ports"]
            assert [row["targetPort"] for row in each["spec"]["ports"]] == [port["containerPort"]]
