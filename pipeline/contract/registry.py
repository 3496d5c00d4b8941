"""Talks to the Schema Registry over its Confluent-compatible API: finding, registering and looking up schemas."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import TypeVar

import requests

from pipeline.contract.codec import SCHEMA_TEXT, RegistryUnavailable, UnknownSchemaId, UnusableSchema
from pipeline.contract.writer_schema import shown

with warnings.catch_warnings(record=True):  # the client's dependencies announce their deprecations on import
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
    from confluent_kafka.schema_registry.error import SchemaRegistryError

SCHEMA_NOT_FOUND = 40403
"""The registry's error code for an id it doesn't know: the only answer that condemns a record."""
COMPATIBILITY = "BACKWARD"
TIMEOUT_SECONDS = 5.0
_CONFLICT = 409
_COMPATIBLE_API = "/apis/ccompat/"
_PAGE = 500
_MOST_LISTED = 10_000

T = TypeVar("T")


class IncompatibleSchema(Exception):
    """The registry refuses our schema beside those already registered."""


def subject_of(topic: str) -> str:
    """The subject of a topic's values."""
    return f"{topic}-value"


def registry_client(url: str) -> SchemaRegistryClient:
    """A client that gives up quickly; the caller decides about retries."""
    return SchemaRegistryClient({"url": url, "timeout": TIMEOUT_SECONDS, "max.retries": 0})


class RegistrySchemas:
    """``fetch`` is the ``fetch_schema`` of a `codec.Decoder`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = registry_client(url)

    def fetch(self, schema_id: int) -> str:
        """JSON text of a schema. Raises UnknownSchemaId, UnusableSchema (not Avro) or RegistryUnavailable."""
        try:
            schema = _ask(self._url, lambda: self._client.get_schema(schema_id))
        except SchemaRegistryError:
            raise UnknownSchemaId(f"unknown schema id {schema_id}") from None
        if schema.schema_type != "AVRO" or schema.schema_str is None:
            raise UnusableSchema(f"schema {schema_id} is of type {schema.schema_type}, not AVRO")
        if schema.references:
            raise UnusableSchema(
                f"schema {schema_id} has schema references, which are not read: {shown(schema.references[0].name)}"
            )
        return str(schema.schema_str)

    def ids(self) -> set[int] | None:
        """All ids that any schema has by now; None where the registry doesn't say so for certain.

        Only Apicurio does, in its own API. Page after page, oldest first; what is taken away meanwhile makes pages that
        leave something out, so then there is no answer either.
        """
        base, is_apicurio, _ = self._url.partition(_COMPATIBLE_API)
        if not is_apicurio:
            return None
        found: set[int] = set()
        count = 0
        with contextlib.suppress(requests.RequestException, KeyError, TypeError, ValueError):
            for offset in range(0, _MOST_LISTED, _PAGE):
                query: dict[str, str | int] = {"limit": _PAGE, "offset": offset, "orderby": "globalId", "order": "asc"}
                answer = requests.get(f"{base}/apis/registry/v3/search/versions", query, timeout=TIMEOUT_SECONDS)
                answer.raise_for_status()
                page = answer.json()
                if page["count"] < count:
                    return None
                count = page["count"]
                found.update(int(version[key]) for version in page["versions"] for key in ("contentId", "globalId"))
                if offset + _PAGE >= count:
                    return found
        return None


def register_schema(url: str, topic: str) -> int:
    """Registers the event schema for a topic's values, BACKWARD compatible; returns its id. Idempotent.

    Raises IncompatibleSchema or RegistryUnavailable.
    """
    client, subject = registry_client(url), subject_of(topic)
    try:
        schema_id: int = _ask(url, lambda: client.register_schema(subject, Schema(SCHEMA_TEXT, "AVRO")), _CONFLICT)
    except SchemaRegistryError as error:
        raise IncompatibleSchema(
            f"subject {subject} at {url} refuses ad_event.avsc: {error}; a new version must be able to read "
            "what the registered ones wrote (give new fields a default)"
        ) from error
    _ask(url, lambda: client.set_compatibility(subject, COMPATIBILITY))
    return schema_id


def find_schema_id(url: str, topic: str) -> int:
    """The id of the event schema as registered for a topic. Raises RegistryUnavailable, also if it isn't there."""
    client, subject = registry_client(url), subject_of(topic)
    schema_id: int | None = None
    with contextlib.suppress(SchemaRegistryError):  # the subject is there, our schema isn't
        schema_id = _ask(url, lambda: client.lookup_schema(subject, Schema(SCHEMA_TEXT, "AVRO"))).schema_id
    if schema_id is None:
        raise RegistryUnavailable(f"schema registry at {url}: ad_event.avsc is not registered under {subject}")
    return schema_id


def _ask(url: str, request: Callable[[], T], meaningful: int = SCHEMA_NOT_FOUND) -> T:
    """Passes on the one error code that is an answer; everything else means that there was none."""
    try:
        return request()
    except SchemaRegistryError as error:
        if meaningful in (error.error_code, error.http_status_code):
            raise
        raise RegistryUnavailable(f"schema registry at {url}: {error}") from error
    except Exception as error:  # no route, refused, timed out, an answer that isn't JSON
        raise RegistryUnavailable(f"schema registry at {url}: {type(error).__name__}: {error}") from error
