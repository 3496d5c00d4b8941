"""What can be read of a rejected record's value: the event, or its fields up to the first that can't be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from pipeline.contract.avro_strict import Reader, compile_reader
from pipeline.contract.codec import HEADER, MAGIC_BYTE, SCHEMA_TEXT, DecodeError, Decoder, UnknownSchemaId


@dataclass(frozen=True)
class View:
    """``fields`` by name in the schema's order; ``complete`` if they are a whole event that decodes."""

    fields: dict[str, Any]
    complete: bool


NOTHING = View({}, False)
_MOST_SCHEMAS = 10_000


class LetterViewer:
    """Decodes what can be decoded. ``fetch_schema`` is that of a `codec.Decoder`.

    A registry that can't be asked raises RegistryUnavailable.
    """

    def __init__(self, fetch_schema: Callable[[int], str]) -> None:
        self._fetch_schema = fetch_schema
        self._decoder = Decoder(fetch_schema)
        self._texts: dict[int, str] = {}
        self._unknown: set[int] = set()

    def view(self, value: bytes | None) -> View:
        """Of a schema id that nobody knows, what our own schema makes of the bytes."""
        if value is None:
            return NOTHING
        schema_id = HEADER.unpack_from(value)[1] if len(value) >= HEADER.size else 0
        if schema_id not in self._unknown:  # asked for once, for letters come in thousands
            try:
                return View(asdict(self._decoder.decode(value)), True)
            except UnknownSchemaId:
                self._unknown.add(schema_id)
            except DecodeError:
                pass
        return View(self._readable_fields(value), False)

    def _readable_fields(self, value: bytes) -> dict[str, Any]:
        if len(value) < HEADER.size or HEADER.unpack_from(value)[0] != MAGIC_BYTE:
            return {}
        fields: dict[str, Any] = {}
        position = HEADER.size
        for name, read in _field_readers(self._text_of(HEADER.unpack_from(value)[1])):
            try:
                fields[name], position = read(value, position)
            except (ValueError, IndexError):
                break
        return fields

    def _text_of(self, schema_id: int) -> str:
        """The writer's schema, or ours for an id that nobody knows."""
        if schema_id not in self._texts:
            if len(self._texts) >= _MOST_SCHEMAS:
                self._texts.clear()
            try:
                text = self._fetch_schema(schema_id) if schema_id > 0 else SCHEMA_TEXT
                _field_readers(text)
            except (DecodeError, ValueError, KeyError, TypeError):  # unknown, or no schema of a record
                text = SCHEMA_TEXT
            self._texts[schema_id] = text
        return self._texts[schema_id]


@lru_cache(maxsize=64)
def _field_readers(schema_text: str) -> list[tuple[str, Reader]]:
    """A reader for each field of a record, in order. Raises ValueError, KeyError, TypeError for any other schema."""
    return [(str(field["name"]), compile_reader(field["type"])) for field in json.loads(schema_text)["fields"]]
