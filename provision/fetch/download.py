"""Owns filling a part from one URL, one attempt after the other; which URLs and how often, `download` decides."""

from __future__ import annotations

from hashlib import sha256

from provision.fetch.context import Means
from provision.fetch.http import Answer
from provision.fetch.parallel import Crew
from provision.fetch.part import Note, Part
from provision.fetch.retry import Failure, TransferError
from provision.install.fetch.deadline import Deadline
from provision.install.fetch.keeper import Keeper
from provision.install.fetch.meter import Meter
from provision.install.fetch.pieces import Whereabouts
from provision.install.fetch.ranges import ask_range, content_coding, content_range, serves_ranges, validator
from provision.install.fetch.spans import Spans
from provision.url import Url


class _NotThatRangeError(Exception):
    """The server cannot, or will not, go on where we are."""


class Transfer:
    """Fills a part from ``url``. ``size`` is what the lock knows; ``plain`` wants one request for the whole file.

    After a successful `attempt`, ``length`` bytes are there; ``coding`` is the encoding that the server put on top of
    them, ``media_type`` what it called them, and ``is_pieced`` tells that they came by more than one answer.
    """

    def __init__(
        self, part: Part, url: Url, means: Means, *, size: int | None, deadline: Deadline, meter: Meter, plain: bool
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
            self._ask(Note())

    def _ask(self, note: Note) -> None:
        headers = {"accept-encoding": "identity"}
        if note.head:
            # What another place sent is gone on with, too: the digest decides, and a wrong one means starting over.
            tag = note.validator if note.source == self._source else ""
            headers |= ask_range(note.head, note.tail, tag)
        with self._means.exchange.get(self._url, headers) as answer:
            answer.expect(200, 206, *([416] if note.head else []))
            note, limit = self._begin(answer, asked=note)
            self._fill(answer, note, limit)

    def _begin(self, answer: Answer, *, asked: Note) -> tuple[Note, int]:
        """What the answer makes of what is there, and the most bytes that the file may have."""
        self.coding = content_coding(answer.headers)
        self.media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        tag = validator(answer.headers)
        if answer.status == 200:
            if asked.head:
                self._part.restart()
            total = answer.number("content-length")
            note = Note(source=self._source, validator=tag, total=total, tail=total)
        else:
            note = self._go_on(answer, asked, tag)
        if self.coding:
            # The length is that of the encoded file.
            note = Note(source=note.source)
            limit = self._means.settings.largest_archive
        else:
            limit = self._limit(note.total)
        missing = 0 if note.total is None or note.tail is None else note.total - note.tail
        self._meter.begin(self._size or note.total, note.head + missing)
        return note, limit

    def _go_on(self, answer: Answer, asked: Note, tag: str) -> Note:
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
        return Note(source=self._source, validator=tag, total=given[2], head=asked.head, tail=end)

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

    def _fill(self, answer: Answer, note: Note, limit: int) -> None:
        end = limit if note.tail is None else note.tail
        spans = Spans(head=note.head, tail=end, total=end if note.total is None else note.total)
        where = Whereabouts(url=answer.url, origin=self._url.origin, validator=note.validator, total=spans.total)
        with Crew(self._part, spans, where, self._means, self._meter) as crew:
            if self._is_worth_helpers(answer, note):
                crew.start()
            keeper = Keeper(self._part, note, crew)
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

    def _stream_and_help(self, answer: Answer, crew: Crew, keeper: Keeper) -> None:
        try:
            self._stream(answer, crew, keeper, is_open=False)
        except TransferError as error:
            # One of several connections broke: the others go on, and so do we, in its stead.
            if not error.failure.again or not crew.is_helping:
                raise
        crew.finish(self._check)

    def _stream(self, answer: Answer, crew: Crew, keeper: Keeper, *, is_open: bool) -> None:
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

    def _is_worth_helpers(self, answer: Answer, note: Note) -> bool:
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
