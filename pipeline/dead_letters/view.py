"""What can be read of a rejected record's value: the event, or its fields up to the first that can't be read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pipeline.contract.avro_strict import Walk
from pipeline.contract.codec import (
    HEADER,
    MOST_SINGLE_QUESTIONS,
    OUR_TYPE,
    AdEvent,
    DecodeError,
    Decoder,
    UnknownSchemaId,
    read_fields,
    schema_id_of,
)
from pipeline.contract.writer_schema import Type


@dataclass(frozen=True)
class View:
    """``fields`` by name, as far as they can be read; ``complete`` if they are a whole event that decodes."""

    fields: dict[str, Any]
    complete: bool


NOTHING = View({}, False)
_MOST_UNKNOWN = 10_000


class LetterViewer:
    """Decodes what can be decoded. ``fetch_schema`` and ``list_ids`` are those of a `codec.Decoder`.

    A registry that can't be asked raises RegistryUnavailable.
    """

    def __init__(
        self, fetch_schema: Callable[[int], str], list_ids: Callable[[], set[int] | None] = lambda: None
    ) -> None:
        self._decoder = Decoder(fetch_schema)
        self._list_ids = list_ids
        self._listed: set[int] | None = None
        self._unknown: set[int] = set()

    def view(self, value: bytes | None) -> View:
        """Of a schema id that nobody knows, what our own schema makes of the bytes."""
        schema_id = schema_id_of(value)
        if value is None or schema_id is None:
            return NOTHING
        writer = self._writer(schema_id)
        found: dict[str, Any] = {}
        with suppress(DecodeError):
            read_fields(writer or OUR_TYPE, Walk(value, HEADER.size), found)
            if writer is not None:
                return View(AdEvent(**found)._asdict(), True)
        return View(found, False)

    def _writer(self, schema_id: int) -> Type | None:
        """The writer's schema; None for an id that nobody knows, asked for once, and for what is no schema."""
        if schema_id in self._unknown or (self._listed is not None and schema_id not in self._listed):
            return None
        try:
            return self._decoder.writer(schema_id)
        except UnknownSchemaId:
            if len(self._unknown) >= _MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown.add(schema_id)
            if len(self._unknown) == MOST_SINGLE_QUESTIONS:  # a flood of letters with ids of their own
                self._listed = self._list_ids()
            return None
        except DecodeError:
            return None
