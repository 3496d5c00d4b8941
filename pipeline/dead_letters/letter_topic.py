"""Reads a topic of letters: each origin once, though letters are written at least once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pipeline.contract.registry import RegistrySchemas
from pipeline.dead_letters.letter import Letter, letter_of
from pipeline.dead_letters.selection import LetterSelection
from pipeline.dead_letters.view import LetterViewer, View
from pipeline.settings import Settings
from pipeline.topic_reader import TopicReader, headers_of


@dataclass
class LetterTopic:
    """``topic`` is the dead-letter or the late topic. After a read ``strays`` holds the offsets without an origin."""

    settings: Settings
    topic: str
    strays: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        schemas = RegistrySchemas(self.settings.schema_registry_url)
        self._viewer = LetterViewer(schemas.fetch, schemas.ids)

    def view(self, letter: Letter) -> View:
        """What can be read of a letter's value, of a shortened one never the whole event.

        Raises RegistryUnavailable.
        """
        view = self._viewer.view(letter.value)
        return view if letter.shortened is None else replace(view, complete=False)

    def read(self, selection: LetterSelection) -> Iterator[Letter]:
        """The selected letters in the order of writing. Raises KafkaUnavailable, RegistryUnavailable."""
        seen: set[tuple[int, int]] = set()
        self.strays.clear()
        with TopicReader(self.settings, "adctr-dlq") as reader:
            for partition, offsets in reader.ranges(self.topic).items():
                for messages in reader.messages(self.topic, partition, offsets):
                    for message in messages:
                        letter = letter_of(message.key(), message.value(), headers_of(message) or (), message.offset())
                        if letter is None or letter.topic != self.settings.events_topic:
                            self.strays.append(message.offset())
                        elif letter.origin not in seen:
                            seen.add(letter.origin)
                            if selection.takes(letter, lambda letter=letter: self.view(letter)):  # type: ignore[misc]
                                yield letter
