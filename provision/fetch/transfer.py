"""The transfer of a file from one URL into a part, in one attempt or several."""

from __future__ import annotations

from hashlib import sha256

from provision.fetch.context import NetworkContext
from provision.fetch.failures import Failure, TransferError
from provision.fetch.http import HttpResponse, content_coding
from provision.fetch.parallel import ParallelRanges, RangeMap
from provision.fetch.part import AssetProgress, Checkpoint, PartFile, StreamWriter
from provision.fetch.ranges import RangeSource, content_range, range_headers, serves_ranges, validator_of
from provision.fetch.retry import Deadline
from provision.url import Url


class _RangeNotServedError(Exception):
    """The server cannot, or will not, go on where the part ends."""


class SourceTransfer:
    """Fills a part from one URL, in one attempt or several. ``size`` is the one in the lock.

    ``whole`` requests all of the file in one response, and no cached copy. After a successful `attempt`, ``length``
    bytes are present; ``coding`` is the content coding that the server applied, and ``media_type`` its type for the
    file.
    """

    def __init__(
        self,
        part: PartFile,
        url: Url,
        network: NetworkContext,
        *,
        size: int | None,
        deadline: Deadline,
        progress: AssetProgress,
        whole: bool,
    ) -> None:
        self._part, self._url, self._network, self._size = part, url, network, size
        self._deadline, self._progress, self._whole = deadline, progress, whole
        self._fresh = whole
        self._source = sha256(url.full.encode()).hexdigest()
        self.length = 0
        self.coding = self.media_type = ""

    def attempt(self) -> None:
        """Continue from what is present until everything is. Raises `TransferError`; received bytes are kept."""
        if self._whole and self._part.checkpoint.head:
            self._part.restart()
        checkpoint = self._part.checkpoint
        if checkpoint.total is not None and checkpoint.head == checkpoint.tail:
            self.length = checkpoint.total
            return
        try:
            self._request(checkpoint)
        except _RangeNotServedError:
            self._part.restart()
            self._request(Checkpoint())

    def _request(self, known: Checkpoint) -> None:
        headers = {"accept-encoding": "identity"}
        if self._fresh:
            headers["cache-control"] = "no-cache"
        if known.head:
            # A part from another source is also resumed: the digest decides, and a wrong one means starting over.
            validator = known.validator if known.source == self._source else ""
            headers |= range_headers(known.head, known.tail, validator)
        with self._network.client.get(self._url, headers, self._deadline) as response:
            response.expect(200, 206, *([416] if known.head else []))
            checkpoint, limit = self._begin(response, known)
            self._receive(response, checkpoint, limit)

    def _begin(self, response: HttpResponse, known: Checkpoint) -> tuple[Checkpoint, int]:
        """Where the response makes the part begin, and the maximum length of the file."""
        self.coding = content_coding(response.headers)
        self.media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        validator = validator_of(response.headers)
        if response.status == 200:
            if known.head:
                self._part.restart()
            total = response.number("content-length")
            checkpoint = Checkpoint(source=self._source, validator=validator, total=total, tail=total)
        else:
            checkpoint = self._resume(response, known, validator)
        if self.coding:
            # The length is that of the encoded file.
            checkpoint = Checkpoint(source=checkpoint.source)
            limit = self._network.settings.largest_archive
        else:
            limit = self._size_limit(checkpoint.total)
        behind_tail = 0 if checkpoint.total is None or checkpoint.tail is None else checkpoint.total - checkpoint.tail
        self._progress.begin(self._size or checkpoint.total, checkpoint.head + behind_tail)
        return checkpoint, limit

    def _resume(self, response: HttpResponse, known: Checkpoint, validator: str) -> Checkpoint:
        """The checkpoint to continue from, if the response is the requested 206. Raises `_RangeNotServedError` if it is
        not.
        """
        served = content_range(response.headers)
        end = known.tail if known.tail is not None else served and served[2]
        is_same_file = known.source != self._source or not known.validator or validator in ("", known.validator)
        is_asked_range = served is not None and served[:2] == (known.head, end) and known.total in (None, served[2])
        if not known.head:
            raise TransferError(Failure(url=response.url, cause="unexpected status 206: no range was requested"))
        if served is None or not is_asked_range or not is_same_file or self.coding:
            raise _RangeNotServedError
        return Checkpoint(source=self._source, validator=validator, total=served[2], head=known.head, tail=end)

    def _size_limit(self, total: int | None) -> int:
        """The maximum number of bytes to accept. Raises `TransferError` for a file that cannot be the requested one."""
        largest = self._network.settings.largest_archive
        if self._size is None and (total or 0) > largest:
            raise self._too_long(largest)
        if total is not None and self._size not in (None, total):
            self._part.restart()
            cause = f"size mismatch: expected {self._size} bytes, got {total}"
            raise TransferError(Failure(url=self._url, cause=cause, kind="integrity", hint=self.web_page_hint))
        return self._size if self._size is not None else largest

    def _receive(self, response: HttpResponse, checkpoint: Checkpoint, limit: int) -> None:
        end = limit if checkpoint.tail is None else checkpoint.tail
        total = end if checkpoint.total is None else checkpoint.total
        ranges = RangeMap(head=checkpoint.head, tail=end, total=total)
        source = RangeSource(
            url=response.url,
            origin=self._url.origin,
            validator=checkpoint.validator,
            total=ranges.total,
            deadline=self._deadline,
        )
        with ParallelRanges(self._part, ranges, source, self._network, self._progress) as parallel:
            if self._is_worth_parallel(response, checkpoint):
                parallel.start()
            writer = StreamWriter(self._part, checkpoint, lambda: parallel.tail)
            try:
                if checkpoint.total is None:
                    self._stream(response, parallel, writer, is_open=True)
                    self.length = self._checked_length(writer.head)
                else:
                    self._stream_and_finish(response, parallel, writer)
                    self.length = checkpoint.total
            except BaseException:
                self._whole = self._whole or parallel.refused
                if not self.coding:
                    writer.save()
                raise

    def _stream_and_finish(self, response: HttpResponse, parallel: ParallelRanges, writer: StreamWriter) -> None:
        try:
            self._stream(response, parallel, writer, is_open=False)
        except TransferError as error:
            # One of several connections broke: the others continue, and this thread fetches ranges instead.
            if not error.failure.retryable or not parallel.is_shared:
                raise
        parallel.finish(self._check)

    def _stream(self, response: HttpResponse, parallel: ParallelRanges, writer: StreamWriter, *, is_open: bool) -> None:
        """Read the response to its end, or to where the workers' ranges begin. ``is_open``: its length is unknown."""
        for chunk in response.chunks():
            start, room = parallel.reserve(len(chunk))
            writer.write(start, memoryview(chunk)[:room])
            if room < len(chunk) and is_open:
                writer.restart()
                raise self._too_long(self._size or self._network.settings.largest_archive)
            if parallel.is_stream_done:
                return
        if not is_open and parallel.is_stream_short:
            raise self._ended_early(f"connection closed after {writer.head} bytes")

    def _checked_length(self, length: int) -> int:
        """The length of a file whose server did not give it beforehand."""
        if self._size is not None and length < self._size and not self.coding:
            raise self._ended_early(f"connection closed after {length} of {self._size} bytes")
        return length

    def _is_worth_parallel(self, response: HttpResponse, checkpoint: Checkpoint) -> bool:
        settings = self._network.settings
        if self._whole or settings.connections < 2 or checkpoint.total is None or checkpoint.tail is None:
            return False
        missing = checkpoint.tail - checkpoint.head
        return missing > settings.parallel_min_size and serves_ranges(response.status, response.headers)

    def _check(self) -> None:
        self._network.cancellation.check()
        self._deadline.check(self._url)

    def _ended_early(self, cause: str) -> TransferError:
        return TransferError(Failure(url=self._url, cause=cause, retryable=True))

    def _too_long(self, limit: int) -> TransferError:
        hint = None if self._size else "If the archive is meant to be that large, raise PROVISION_MAX_ARCHIVE (in MiB)."
        allowed = "" if self._size else "the limit of "
        cause = f"size mismatch: got more than {allowed}{limit} bytes"
        return TransferError(Failure(url=self._url, cause=cause, kind="integrity", hint=hint))

    @property
    def web_page_hint(self) -> str | None:
        """What to check if a server sent a web page instead of a file."""
        if self.media_type != "text/html":
            return None
        return f"{self._url.host} sent an HTML page. Check for a login page or a proxy."
