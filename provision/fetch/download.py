"""One asset into the cache, or one document into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from provision.fetch.context import NetworkContext
from provision.fetch.http import (
    HttpAnswer,
    UndecodableError,
    ask_range,
    content_coding,
    content_range,
    decoded,
    is_passing,
    serves_ranges,
    validator,
)
from provision.fetch.parallel import ParallelRanges, RangeMap, RangeSource, StreamWriter
from provision.fetch.part import AssetProgress, Checkpoint, PartFile
from provision.fetch.retry import Deadline, Failure, RetryPolicy, TransferError, final_error
from provision.fetch.settings import MIB
from provision.host.files import open_regular
from provision.model.asset import Asset
from provision.protocols import Response
from provision.url import Url

# FOLD provision.fetch.download
#   Owns getting one asset into the cache: its sources in turn, each as often as it deserves; the digest decides.


class Download:
    """One asset, under its lock. Trusts no source: only bytes with the asset's digest become the archive.

    Where a server encodes what it sends though asked not to, the digest decides, too: the bytes as sent are taken if
    they are right (many call every ``.gz`` gzip-encoded), else those without the encoding.
    """

    def __init__(self, asset: Asset, archive: Path, means: NetworkContext, meter: AssetProgress) -> None:
        self._asset, self._archive, self._means, self._meter = asset, archive, means, meter
        self._deadline = Deadline(means.settings.total)
        self._part = PartFile(archive)
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

    def _fill(self, source: Url, *, plain: bool) -> SourceTransfer:
        transfer = SourceTransfer(
            self._part,
            source,
            self._means,
            size=self._asset.size,
            deadline=self._deadline,
            meter=self._meter,
            plain=plain,
        )
        patience = RetryPolicy(self._means.settings, self._means.cancellation, self._deadline, self._meter.note)
        with self._means.slots.first():
            patience.run(transfer.attempt, lambda: self._meter.gained)
        return transfer

    def _decode(self, source: Url, transfer: SourceTransfer) -> None:
        """Take off what the server put on top of the file, and see whether that is the archive."""
        plain = PartFile(self._archive, suffix=".plain")
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

    def _is_right(self, part: PartFile, length: int) -> bool:
        return part.digest(length) == self._asset.sha256

    def _accept(self, source: Url, part: PartFile, length: int, hint: str | None = None) -> None:
        """Publish the bytes, or throw them away and raise `TransferError` with both digests."""
        if self._is_right(part, length):
            part.publish(length)
            return
        found = part.digest(length)
        part.restart()
        cause = f"wrong bytes: sha256 {found}, but {self._asset.sha256} was expected"
        raise TransferError(Failure(url=source, cause=cause, kind="integrity", hint=hint))


# FOLD provision.fetch.download
#   Owns filling a part from one URL, one attempt after the other; which URLs and how often, `download` decides.


class _NotThatRangeError(Exception):
    """The server cannot, or will not, go on where we are."""


class SourceTransfer:
    """Fills a part from ``url``. ``size`` is what the lock knows; ``plain`` wants one request for the whole file.

    After a successful `attempt`, ``length`` bytes are there; ``coding`` is the encoding that the server put on top of
    them, ``media_type`` what it called them, and ``is_pieced`` tells that they came by more than one answer.
    """

    def __init__(
        self,
        part: PartFile,
        url: Url,
        means: NetworkContext,
        *,
        size: int | None,
        deadline: Deadline,
        meter: AssetProgress,
        plain: bool,
    ) -> None:
        self._part, self._url, self._means, self._size = part, url, means, size
        self._deadline, self._meter, self._plain = deadline, meter, plain
        self._source = sha256(url.full.encode()).hexdigest()
        self.length = 0
        self.coding = self.media_type = ""
        self.is_pieced = False

    def attempt(self) -> None:
        """Go on from what is there until all is there. Raises `TransferError`; what has come by then stays."""
        self._deadline.check(self._url)
        if self._plain and self._part.note.head:
            self._part.restart()
        note = self._part.note
        if note.total is not None and note.head == note.tail:
            self.length, self.is_pieced = note.total, True
            return
        try:
            self._ask(note)
        except _NotThatRangeError:
            self._part.restart()
            self._ask(Checkpoint())

    def _ask(self, note: Checkpoint) -> None:
        headers = {"accept-encoding": "identity"}
        if note.head:
            # What another place sent is gone on with, too: the digest decides, and a wrong one means starting over.
            tag = note.validator if note.source == self._source else ""
            headers |= ask_range(note.head, note.tail, tag)
        with self._means.exchange.get(self._url, headers) as answer:
            answer.expect(200, 206, *([416] if note.head else []))
            note, limit = self._begin(answer, asked=note)
            self._fill(answer, note, limit)

    def _begin(self, answer: HttpAnswer, *, asked: Checkpoint) -> tuple[Checkpoint, int]:
        """What the answer makes of what is there, and the most bytes that the file may have."""
        self.coding = content_coding(answer.headers)
        self.media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        tag = validator(answer.headers)
        if answer.status == 200:
            if asked.head:
                self._part.restart()
            total = answer.number("content-length")
            note = Checkpoint(source=self._source, validator=tag, total=total, tail=total)
        else:
            note = self._go_on(answer, asked, tag)
        if self.coding:
            # The length is that of the encoded file.
            note = Checkpoint(source=note.source)
            limit = self._means.settings.largest_archive
        else:
            limit = self._limit(note.total)
        missing = 0 if note.total is None or note.tail is None else note.total - note.tail
        self._meter.begin(self._size or note.total, note.head + missing)
        return note, limit

    def _go_on(self, answer: HttpAnswer, asked: Checkpoint, tag: str) -> Checkpoint:
        """The note to go on with, if a 206 is what was asked for. Raises `_NotThatRangeError` if it is not."""
        given = content_range(answer.headers)
        end = asked.tail if asked.tail is not None else given and given[2]
        same = asked.source != self._source or not asked.validator or tag in ("", asked.validator)
        agreed = given is not None and given[:2] == (asked.head, end) and asked.total in (None, given[2])
        if not asked.head:
            raise TransferError(Failure(url=answer.url, cause="206 though no range was asked for"))
        if given is None or not agreed or not same or self.coding:
            raise _NotThatRangeError
        self.is_pieced = True
        return Checkpoint(source=self._source, validator=tag, total=given[2], head=asked.head, tail=end)

    def _limit(self, total: int | None) -> int:
        """The most bytes to take. Raises `TransferError` for a file that cannot be the one wanted."""
        largest = self._means.settings.largest_archive
        if self._size is None and (total or 0) > largest:
            raise self._too_long(largest)
        if total is not None and self._size not in (None, total):
            self._part.restart()
            cause = f"it has {total} bytes, but should have {self._size}"
            raise TransferError(Failure(url=self._url, cause=cause, kind="integrity", hint=self.page_hint))
        return self._size if self._size is not None else largest

    def _fill(self, answer: HttpAnswer, note: Checkpoint, limit: int) -> None:
        end = limit if note.tail is None else note.tail
        spans = RangeMap(head=note.head, tail=end, total=end if note.total is None else note.total)
        where = RangeSource(url=answer.url, origin=self._url.origin, validator=note.validator, total=spans.total)
        with ParallelRanges(self._part, spans, where, self._means, self._meter) as crew:
            if self._is_worth_helpers(answer, note):
                crew.start()
            keeper = StreamWriter(self._part, note, crew)
            try:
                if note.total is None:
                    self._stream(answer, crew, keeper, is_open=True)
                    self.length = self._ended_at(keeper.head)
                else:
                    self._stream_and_help(answer, crew, keeper)
                    self.length = note.total
            except BaseException:
                self._plain = self._plain or crew.refused
                if not self.coding:
                    keeper.save()
                raise
            self.is_pieced = self.is_pieced or crew.tail < spans.total

    def _stream_and_help(self, answer: HttpAnswer, crew: ParallelRanges, keeper: StreamWriter) -> None:
        try:
            self._stream(answer, crew, keeper, is_open=False)
        except TransferError as error:
            # One of several connections broke: the others go on, and so do we, in its stead.
            if not error.failure.again or not crew.is_helping:
                raise
        crew.finish(self._check)

    def _stream(self, answer: HttpAnswer, crew: ParallelRanges, keeper: StreamWriter, *, is_open: bool) -> None:
        """Read the answer to its end, or to where the helpers' pieces begin."""
        for chunk in answer.chunks():
            self._check()
            start, room = crew.reserve(len(chunk))
            keeper.add(start, memoryview(chunk)[:room])
            if room < len(chunk) and is_open:
                keeper.drop()
                raise self._too_long(self._size or self._means.settings.largest_archive)
            if crew.is_met:
                return
        if not is_open and crew.is_short:
            raise self._failed(f"it ended after {keeper.head} bytes")

    def _ended_at(self, length: int) -> int:
        """The length of a file that did not tell it beforehand."""
        if self._size is not None and length < self._size and not self.coding:
            raise self._failed(f"it ended after {length} of {self._size} bytes")
        return length

    def _is_worth_helpers(self, answer: HttpAnswer, note: Checkpoint) -> bool:
        settings = self._means.settings
        if self._plain or settings.connections < 2 or note.total is None or note.tail is None:
            return False
        return note.tail - note.head > settings.parallel_from and serves_ranges(answer.status, answer.headers)

    def _check(self) -> None:
        self._means.cancellation.check()
        self._deadline.check(self._url)

    def _failed(self, cause: str) -> TransferError:
        return TransferError(Failure(url=self._url, cause=cause, again=True))

    def _too_long(self, limit: int) -> TransferError:
        hint = None if self._size else "if it is meant to be that large, raise PROVISION_MAX_ARCHIVE, in MiB"
        cause = f"it has more than the {limit} bytes that it {'should have' if self._size else 'may have'}"
        return TransferError(Failure(url=self._url, cause=cause, kind="integrity", hint=hint))

    @property
    def page_hint(self) -> str | None:
        """What to look for where a server answered with a page instead of a file."""
        if self.media_type != "text/html":
            return None
        return f"{self._url.host} sent a web page: is there a login or a proxy in between?"


# FOLD provision.fetch.download
#   Owns getting a whole document into memory, for catalogs: within limits, free of encodings.


def get_document(
    source: Url, headers: Mapping[str, str], means: NetworkContext, note: Callable[[str], None]
) -> Response:
    """Answer with any final status but those that may pass, which are tried again and then raised.

    Raises `NetworkError` and `PolicyError`.
    """
    deadline = Deadline(means.settings.total)
    # Of the caller's own headers none decides what is sent to whom, or how the body comes.
    sent = {name.lower(): value for name, value in headers.items()} | {"accept-encoding": "gzip"}

    def attempt() -> Response:
        deadline.check(source)
        with means.exchange.get(source, sent) as answer:
            if is_passing(answer.status):
                answer.expect(200)
            body = b"".join(_body(answer, deadline, means))
            return Response(status=answer.status, headers=answer.headers, body=body)

    try:
        return RetryPolicy(means.settings, means.cancellation, deadline, note).run(attempt)
    except TransferError as error:
        raise final_error(source.segments[-1] or source.host, [error.failure]) from error


def _body(answer: HttpAnswer, deadline: Deadline, means: NetworkContext) -> Iterator[bytes]:
    most = means.settings.largest_body
    coding = content_coding(answer.headers)
    chunks = _limited(answer, deadline, most)
    if not coding:
        yield from chunks
        return
    try:
        yield from decoded(chunks, coding, most=most)
    except UndecodableError as error:
        raise TransferError(Failure(url=answer.url, cause=str(error))) from error


def _limited(answer: HttpAnswer, deadline: Deadline, most: int) -> Iterator[bytes]:
    left = most
    for chunk in answer.chunks():
        deadline.check(answer.url)
        left -= len(chunk)
        if left < 0:
            raise TransferError(Failure(url=answer.url, cause=f"it has more than {most} bytes"))
        yield chunk
