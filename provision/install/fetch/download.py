"""Owns getting one asset into the cache: its sources in turn, each as often as it deserves; the digest decides."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from provision.fetch.context import Means
from provision.fetch.download import Transfer
from provision.fetch.part import Part
from provision.fetch.retry import Failure, TransferError, final_error
from provision.fetch.settings import MIB
from provision.host.files import open_regular
from provision.install.fetch.coding import UndecodableError, decoded
from provision.install.fetch.deadline import Deadline
from provision.install.fetch.meter import Meter
from provision.install.fetch.retrying import Patience
from provision.model.asset import Asset
from provision.url import Url


class Download:
    """One asset, under its lock. Trusts no source: only bytes with the asset's digest become the archive.

    Where a server encodes what it sends though asked not to, the digest decides, too: the bytes as sent are taken if
    they are right (many call every ``.gz`` gzip-encoded), else those without the encoding.
    """

    def __init__(self, asset: Asset, archive: Path, means: Means, meter: Meter) -> None:
        self._asset, self._archive, self._means, self._meter = asset, archive, means, meter
        self._deadline = Deadline(means.settings.total)
        self._part = Part(archive)
        self._failures: list[Failure] = []

    def run(self, sources: Sequence[Url]) -> None:
        """Make the archive, from the first source that has it.

        Raises the `ProvisionError` that all sources' failures amount to, or `StoreError` where the cache cannot be
        written. What has come is kept for a later run, unless it is known to be wrong.
        """
        self._part.open()
        try:
            for source in sources:
                try:
                    self._from(source)
                except TransferError as error:
                    self._failures.append(error.failure)
                else:
                    return
            raise final_error(self._asset.filename, self._failures)
        finally:
            self._part.leave()
            self._meter.end()

    def _from(self, source: Url) -> None:
        if source.scheme == "file":
            self._accept(source, self._part, self._copy(source))
            return
        transfer = self._fill(source, plain=False)
        if self._is_right(self._part, transfer.length):
            self._part.publish(transfer.length)
        elif transfer.coding:
            self._decode(source, transfer)
        else:
            if transfer.is_pieced:
                # Pieces of different files do not make one. That is nobody's fault until the whole file is wrong.
                self._meter.note(f"{source}: the pieces do not fit; starting over")
                self._part.restart()
                transfer = self._fill(source, plain=True)
            self._accept(source, self._part, transfer.length, transfer.page_hint)

    def _fill(self, source: Url, *, plain: bool) -> Transfer:
        transfer = Transfer(
            self._part,
            source,
            self._means,
            size=self._asset.size,
            deadline=self._deadline,
            meter=self._meter,
            plain=plain,
        )
        patience = Patience(self._means.settings, self._means.cancellation, self._deadline, self._meter.note)
        with self._means.slots.first():
            patience.run(transfer.attempt, lambda: self._meter.gained)
        return transfer

    def _decode(self, source: Url, transfer: Transfer) -> None:
        """Take off what the server put on top of the file, and see whether that is the archive."""
        plain = Part(self._archive, suffix=".plain")
        plain.open()
        plain.restart()
        length = 0
        try:
            most = self._asset.size or self._means.settings.largest_archive
            for piece in decoded(self._part.pieces(transfer.length), transfer.coding, most=most):
                self._means.cancellation.check()
                plain.write(length, piece)
                plain.take_in(length, piece)
                length += len(piece)
            self._accept(source, plain, length, transfer.page_hint)
        except UndecodableError as error:
            raise TransferError(Failure(url=source, cause=str(error), kind="integrity")) from error
        finally:
            plain.discard()
            self._part.restart()
        self._part.discard()

    def _copy(self, source: Url) -> int:
        """Take the file as it is on this machine; return its length."""
        self._part.restart()
        most = self._asset.size or self._means.settings.largest_archive
        try:
            with open_regular(source.file_path()) as (descriptor, facts):
                if facts.st_size > most or self._asset.size not in (None, facts.st_size):
                    cause = f"it has {facts.st_size} bytes, but should have {'at most ' * (not self._asset.size)}{most}"
                    raise TransferError(Failure(url=source, cause=cause, kind="integrity"))
                self._meter.begin(facts.st_size, 0)
                return self._copy_from(descriptor)
        except OSError as error:
            cause = (error.strerror or str(error)).lower()
            raise TransferError(Failure(url=source, cause=cause)) from error

    def _copy_from(self, descriptor: int) -> int:
        offset = 0
        while data := os.read(descriptor, MIB):
            self._means.cancellation.check()
            self._part.write(offset, data)
            self._part.take_in(offset, data)
            self._meter.add(len(data))
            offset += len(data)
        return offset

    def _is_right(self, part: Part, length: int) -> bool:
        return part.digest(length) == self._asset.sha256

    def _accept(self, source: Url, part: Part, length: int, hint: str | None = None) -> None:
        """Publish the bytes, or throw them away and raise `TransferError` with both digests."""
        if self._is_right(part, length):
            part.publish(length)
            return
        found = part.digest(length)
        part.restart()
        cause = f"wrong bytes: sha256 {found}, but {self._asset.sha256} was expected"
        raise TransferError(Failure(url=source, cause=cause, kind="integrity", hint=hint))
