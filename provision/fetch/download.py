"""The download of one asset into the cache, from the first source that has it.

Its sources are tried in turn, each with retries. None is trusted: only a file with the asset's digest becomes the
archive. Documents for catalogs go to memory, in `document`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from provision.errors import reason_of
from provision.fetch.context import NetworkContext
from provision.fetch.failures import Failure, TransferError, download_error
from provision.fetch.http import DecodingError, decode
from provision.fetch.mirrors import Source
from provision.fetch.oci_mirror import OciBlob, fetch_blob
from provision.fetch.part import AssetProgress, PartFile
from provision.fetch.retry import Attempts, Deadline
from provision.fetch.s3_mirror import S3Object, fetch_object
from provision.fetch.settings import MIB
from provision.fetch.transfer import SourceTransfer
from provision.host.files import open_regular
from provision.model.asset import Asset
from provision.model.value import frozen, replace
from provision.url import Url


@frozen
class _Turn:
    """One turn at a source: the attempts so far, the limits for it, and how many attempts it gets in a row."""

    attempts: Attempts
    network: NetworkContext
    tries: int | None


class Download:
    """The download of one asset, under the process lock of its archive; ``source`` is set when it succeeded.

    If a server applies a content coding although none was requested, the digest decides: the bytes as sent are used if
    they match (many servers call every ``.gz`` gzip-encoded), else the decoded ones.
    """

    def __init__(
        self,
        asset: Asset,
        archive: Path,
        network: NetworkContext,
        progress: AssetProgress,
        mirrored: Collection[Source] = (),
    ) -> None:
        self._asset, self._archive, self._network, self._progress = asset, archive, network, progress
        self._mirrored = mirrored
        self._deadline = Deadline(network.settings.total_timeout)
        self._retry = network.retry_policy(self._deadline, lambda: progress.received)
        self._part = PartFile(archive)
        self._turns: dict[Source, _Turn] = {}
        self.source = ""

    @property
    def requests(self) -> int:
        """All HTTP requests so far."""
        return self._deadline.requests

    @property
    def retries(self) -> int:
        """How many attempts so far were repeats at the same source."""
        attempts = {str(source): turn.attempts.failures for source, turn in self._turns.items()}
        return sum(count if source == self.source else max(0, count - 1) for source, count in attempts.items())

    def run(self, sources: Sequence[Source]) -> None:
        """Make the archive, from the first source that has it.

        A source with a temporary failure is tried a few times before the next one, and again once all have failed,
        until the deadline. Raises the `ProvisionError` for the failures of all sources, or `StoreError` if the cache
        cannot be written. What was received is kept for a later run, unless it is known to be wrong.
        """
        tries = self._network.settings.attempts if len(sources) > 1 else None
        self._turns = turns = {source: self._turn(source, tries) for source in sources}
        self._part.open()
        try:
            if any(self._is_fetched(source, turn) for source, turn in turns.items()):
                return
            while again := [source for source, turn in turns.items() if self._retry.may_repeat(turn.attempts)]:
                source = min(again, key=lambda source: turns[source].attempts.due)
                if self._is_fetched(source, replace(turns[source], tries=1)):
                    return
            failures = [turn.attempts.failure for turn in turns.values()]
            raise download_error(self._asset, [failure for failure in failures if failure])
        finally:
            self._part.suspend()
            self._progress.end()

    def _turn(self, source: Source, tries: int | None) -> _Turn:
        network = self._network.for_mirror() if source in self._mirrored else self._network
        return _Turn(attempts=Attempts(), network=network, tries=tries)

    def _is_fetched(self, source: Source, turn: _Turn) -> bool:
        """Whether the archive was made from a source; if not, the turn's attempts have the failure."""
        try:
            self._fetch_from(source, turn)
        except TransferError as error:
            turn.attempts.failure = error.failure
            self._network.retries.failed(error.failure)
            return False
        self.source = str(source)
        return True

    def _fetch_from(self, source: Source, turn: _Turn) -> None:
        if isinstance(source, OciBlob):
            fetch_blob(source, partial(self._fetch_web, turn=turn), self._network, self._deadline)
        elif isinstance(source, S3Object):
            fetch_object(source, partial(self._fetch_web, turn=turn), self._network)
        elif source.scheme == "file":
            self._publish(source, self._part, self._copy(source))
        else:
            self._fetch_web(source, turn)

    def _fetch_web(self, source: Url, turn: _Turn) -> None:
        """Download from a web server; wrong bytes are requested once more, in one piece and bypassing all caches.

        A cache keeps a damaged copy until someone bypasses it, and ranges of different files do not make one archive.
        """
        try:
            self._fetch_once(source, turn, again=False)
        except TransferError as error:
            if error.failure.kind != "integrity":
                raise
            reason = error.failure.cause.partition(":")[0]
            self._progress.note(f"{source}: {reason}; downloading again in one piece, bypassing caches")
            self._part.restart()
            self._fetch_once(source, turn, again=True)

    def _fetch_once(self, source: Url, turn: _Turn, *, again: bool) -> None:
        transfer = self._transfer(source, turn, whole=again)
        if self._has_digest(self._part, transfer.length):
            self._part.publish(transfer.length)
        elif transfer.coding:
            self._decode(source, transfer)
        else:
            self._publish(source, self._part, transfer.length, transfer.web_page_hint)

    def _transfer(self, source: Url, turn: _Turn, *, whole: bool) -> SourceTransfer:
        transfer = SourceTransfer(
            self._part,
            source,
            turn.network,
            size=self._asset.size,
            deadline=self._deadline,
            progress=self._progress,
            whole=whole,
        )
        with turn.network.budget.first():
            self._retry.run(transfer.attempt, source.origin, turn.attempts, tries=turn.tries)
        return transfer

    def _decode(self, source: Url, transfer: SourceTransfer) -> None:
        """Remove the content coding, and check whether the result is the archive."""
        plain = PartFile(self._archive, suffix=".plain")
        plain.open()
        plain.restart()
        length = 0
        try:
            for data in decode(self._part.chunks(transfer.length), transfer.coding, limit=self._size_limit):
                self._network.cancellation.check()
                plain.write(length, data)
                plain.update_digest(length, data)
                length += len(data)
            self._publish(source, plain, length, transfer.web_page_hint)
        except DecodingError as error:
            raise TransferError(Failure(url=source, cause=str(error), kind="integrity")) from error
        finally:
            plain.discard()
            self._part.restart()
        self._part.discard()

    def _copy(self, source: Url) -> int:
        """Copy a file of this machine into the part; returns its length."""
        self._part.restart()
        limit = self._size_limit
        try:
            with open_regular(source.file_path()) as (descriptor, facts):
                if facts.st_size > limit or self._asset.size not in (None, facts.st_size):
                    bound = "at most " * (not self._asset.size)
                    cause = f"size mismatch: expected {bound}{limit} bytes, got {facts.st_size}"
                    raise TransferError(Failure(url=source, cause=cause, kind="integrity"))
                self._progress.begin(facts.st_size, 0)
                return self._copy_from(descriptor)
        except OSError as error:
            raise TransferError(Failure(url=source, cause=reason_of(error))) from error

    def _copy_from(self, descriptor: int) -> int:
        offset = 0
        while data := os.read(descriptor, MIB):
            self._network.cancellation.check()
            self._part.write(offset, data)
            self._part.update_digest(offset, data)
            self._progress.add(len(data))
            offset += len(data)
        return offset

    @property
    def _size_limit(self) -> int:
        return self._asset.size or self._network.settings.largest_archive

    def _has_digest(self, part: PartFile, length: int) -> bool:
        return part.digest(length) == self._asset.sha256

    def _publish(self, source: Url, part: PartFile, length: int, hint: str | None = None) -> None:
        """Make the received bytes the archive, or discard them and raise `TransferError` with both digests."""
        if self._has_digest(part, length):
            part.publish(length)
            return
        found = part.digest(length)
        part.restart()
        cause = f"sha256 mismatch: expected {self._asset.sha256}, got {found}"
        raise TransferError(Failure(url=source, cause=cause, kind="integrity", hint=hint, digest=found.hex))
