"""Makes `compose.yaml` and the files beside it of what the embedded stack is configured with.

They are under version control, so that Compose needs nothing of ours; a golden test makes them again and compares, and
with ADCTR_UPDATE_GOLDEN=1 rewrites them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from compose.docker import names, project_services, servers, watchers
from compose.docker.containers import Container
from compose.stack.service import Plan
from pipeline.settings import Settings

HERE = Path(__file__).parent
COMPOSE_FILE = "compose.yaml"
FILES_LABEL = "adctr.files"
"""The label with the digest of the files that a container mounts."""
READ_ONCE = frozenset({"databases"})
"""Configs that are read when a volume is new and never again: to make the container anew would change nothing."""
_HEAD = """\
# The stack in containers, generated from what the embedded stack is configured with: change it there
# (compose/docker/compose_file.py). How to use it: docs/operations.md.
"""


def document(plan: Plan, mounted: Mapping[str, str]) -> dict[str, Any]:
    """The Compose file. ``mounted``: single files that containers mount, by path as in a volume."""
    containers = {**servers.containers(plan), **project_services.containers(plan), **watchers.containers(plan)}
    configs = {**servers.configs(plan), **watchers.configs()}
    volumes = [each.split(":", 1)[0] for found in containers.values() for each in found.volumes]
    return {
        "name": "adctr",
        "services": {name: _recreated_with(each, configs, mounted).document() for name, each in containers.items()},
        "volumes": {name: {} for name in sorted(set(volumes)) if not name.startswith(".")},
        "configs": configs,
    }


def files() -> dict[str, str]:
    """Every generated file by its path beside this module."""
    settings = names.network_settings(Settings())
    plan = names.plan(settings)
    made = {f"config/{name}": content for name, content in watchers.files().items()}
    mounted = {f"./{name}": content for name, content in made.items()} | watchers.other_files()
    text = yaml.dump(document(plan, mounted), Dumper=_Plain, sort_keys=False, width=120)
    found = {COMPOSE_FILE: _HEAD + text, project_services.SETTINGS_FILE: project_services.settings_file(settings)}
    return found | made


def _recreated_with(container: Container, configs: Mapping[str, Any], mounted: Mapping[str, str]) -> Container:
    """The container, with all that it reads as a part of its own definition.

    `docker compose up` makes a container anew where its service's definition has changed, and looks into neither inline
    configs nor mounted files (docker/compose#11900). So the variables of a config are told to the service as well, and
    a label has the digest of its files.
    """
    sources = {each["source"] for each in container.more.get("configs", ())} - READ_ONCE
    told = {
        found[1]: found[0]
        for source in sorted(sources)
        for found in re.finditer(r"\$\{(\w+)[^}]*\}", configs[source]["content"])
    }
    digest = hashlib.sha256()
    read = [text for path, text in mounted.items() if _mounts(container, path)]
    for text in read:
        digest.update(text.encode())
    labels = {FILES_LABEL: digest.hexdigest()} if read else {}
    return dataclasses.replace(container, environment={**container.environment, **told}, labels=labels)


def _mounts(container: Container, path: str) -> bool:
    """Whether it mounts the file, or one of several that a variable in the path chooses from."""
    return any(path.startswith(re.split(r"\$\{|:", each)[0]) for each in container.volumes)


class _Plain(yaml.SafeDumper):
    """Without references from one place to another, and with texts of several lines as such."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Plain.add_representer(str, _text)
