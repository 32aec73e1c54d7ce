"""Owns what the stream of a download brings: writing it, and noting every so often how far it is."""

from __future__ import annotations

from contextlib import suppress

from provision.errors import StoreError
from provision.fetch.parallel import Crew
from provision.fetch.part import Note, Part
from provision.fetch.settings import MIB


class Keeper:
    """Writes the stream's bytes, and every so often how far the download is."""

    def __init__(self, part: Part, note: Note, crew: Crew) -> None:
        self._part, self._note, self._crew = part, note, crew
        self.head = self._saved = note.head

    def add(self, start: int, data: memoryview) -> None:
        """Bytes of the stream, which always follow one another."""
        self._part.write(start, data)
        self._part.take_in(start, data)
        self.head = start + len(data)
        if self.head - self._saved >= MIB:
            self.save()

    def drop(self) -> None:
        """Forget all of it."""
        self._part.restart()
        self.head = 0

    def save(self) -> None:
        """Let a later run go on from here. Not worth failing for: without a note it starts over."""
        self._saved = self.head
        note = self._note
        tail = None if note.total is None else self._crew.tail
        with suppress(StoreError):
            self._part.save(
                Note(source=note.source, validator=note.validator, total=note.total, head=self.head, tail=tail)
            )
