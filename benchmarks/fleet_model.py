"""A discrete-event model of machines, caches and one origin, with transfers and provision's retries."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from provision.fetch.failures import Failure
from provision.fetch.retry import pause_after
from provision.fetch.settings import MIB, DownloadSettings
from provision.url import Url

_FAILURE = Failure(url=Url.parse("https://origin.example/"), cause="connection refused", retryable=True)
SETTINGS = DownloadSettings()


def trace(machines: int, within: float, seed: int = 1) -> list[float]:
    """When each machine begins, in seconds: the same for the processes and for the model."""
    random = Random(seed)
    return [random.uniform(0, within) for _ in range(machines)]


class Clock:
    """Calls planned functions in the order of their times."""

    def __init__(self) -> None:
        self.now = 0.0
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._planned, (self.now + seconds, self._count, call))

    def run(self) -> None:
        while self._planned:
            self.now, _, call = heapq.heappop(self._planned)
            call()


class Flow:
    """A transfer: it ends with ``done``, or with ``failed`` and the bytes that were received."""

    __slots__ = ("begin", "done", "end", "failed", "is_over")

    def __init__(self, begin: float, end: float, done: Callable[[], None], failed: Callable[[float], None]) -> None:
        self.begin, self.end, self.done, self.failed, self.is_over = begin, end, done, failed, False


class Link:
    """A network connection that all its flows share equally, each at most at ``each`` bytes a second."""

    def __init__(self, clock: Clock, rate: float, each: float) -> None:
        self._clock, self._rate, self._each = clock, rate, each
        self._served = self._at = 0.0  # the bytes of each flow since the start, and the time of that figure
        self._flows: list[tuple[float, int, Flow]] = []
        self._active = self._count = self._version = 0
        self.sent = 0.0

    def start(self, size: float, done: Callable[[], None], failed: Callable[[float], None]) -> None:
        self._advance()
        self._count += 1
        flow = Flow(self._served, self._served + size, done, failed)
        heapq.heappush(self._flows, (flow.end, self._count, flow))
        self._active += 1
        self._plan()

    def cut(self) -> None:
        """All flows fail."""
        self._advance()
        flows, self._flows, self._active = self._flows, [], 0
        self._version += 1
        for _, _, flow in flows:
            flow.failed(self._served - flow.begin)

    def _share(self) -> float:
        return min(self._each, self._rate / self._active)

    def _advance(self) -> None:
        if self._active:
            amount = self._share() * (self._clock.now - self._at)
            self._served += amount
            self.sent += amount * self._active
        self._at = self._clock.now

    def _plan(self) -> None:
        self._version += 1
        version = self._version
        if self._flows:
            wait = max(0.0, (self._flows[0][0] - self._served) / self._share())
            self._clock.after(wait, lambda: self._end(version))

    def _end(self, version: int) -> None:
        if version != self._version:
            return
        self._advance()
        over = []
        while self._flows and self._flows[0][0] <= self._served + 1:  # of one byte
            over.append(heapq.heappop(self._flows)[2])
        self._active -= len(over)
        self._plan()
        for flow in over:
            flow.done()


class Origin:
    """The registry. ``seconds`` counts the requests in each second."""

    def __init__(self, clock: Clock, rate: float, each: float) -> None:
        self._clock, self.link = clock, Link(clock, rate, each)
        self.is_down = False
        self.seconds: Counter[int] = Counter()

    def request(self, size: float, done: Callable[[], None], failed: Callable[[float], None]) -> None:
        self.seconds[int(self._clock.now)] += 1
        if self.is_down:
            failed(0.0)
        else:
            self.link.start(size, done, failed)

    def set_down(self, is_down: bool) -> None:
        self.is_down = is_down
        if is_down:
            self.link.cut()


class Cache:
    """A cache of one archive before another server; a request during its download is served as the download proceeds.

    Without ``coalesces``, every request is forwarded until the download is complete.
    """

    def __init__(
        self, clock: Clock, parent: Origin | Cache, size: float, *, rate: float, each: float, coalesces: bool = True
    ) -> None:
        self._parent, self._size, self._coalesces = parent, size, coalesces
        self.link = Link(clock, rate, each)
        self.is_down = self.is_full = self._is_filling = False
        self._waiting: list[tuple[Callable[[], None], Callable[[float], None]]] = []

    def request(
        self, size: float, done: Callable[[], None], failed: Callable[[float], None], *, past: bool = False
    ) -> None:
        if self.is_down:
            failed(0.0)
        elif self.is_full and not past:
            self.link.start(size, done, failed)
        elif past or not self._coalesces:
            self._parent.request(size, lambda: self._pass_on(done), failed)
        else:
            self._wait(size, done, failed)
            if not self._is_filling:
                self._is_filling = True
                self._parent.request(self._size, self._filled, self._not_filled)

    def die(self) -> None:
        self.is_down = True
        self.link.cut()
        self._not_filled(0.0)

    def _pass_on(self, done: Callable[[], None]) -> None:
        self.is_full = True
        done()

    def _wait(self, size: float, done: Callable[[], None], failed: Callable[[float], None]) -> None:
        """Call ``done`` once both transfers have ended: from this cache, and to it."""
        left = {"here", "there"}

        def ended(which: str) -> None:
            left.discard(which)
            if not left:
                done()

        self.link.start(size, lambda: ended("here"), failed)
        self._waiting.append((lambda: ended("there"), failed))

    def _filled(self) -> None:
        self.is_full, self._is_filling = True, False
        waiting, self._waiting = self._waiting, []
        for there, _ in waiting:
            there()

    def _not_filled(self, _: float) -> None:
        """The other server failed: the requests that wait for its data fail."""
        self._is_filling = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each[1](0.0)


@dataclass
class Fleet:
    """The results of the machines: when each was ready, how many gave up, and how often they retried."""

    ready: list[float] = field(default_factory=list)
    given_up: int = 0
    retries: int = 0


class Machine:
    """One machine: it requests from its servers in turn, as `Download` does, until it has all bytes or gives up."""

    def __init__(
        self,
        clock: Clock,
        fleet: Fleet,
        servers: Sequence[Origin | Cache],
        size: float,
        *,
        begins: float,
        more_seconds: float = 0.0,
        damaged: bool = False,
        on_ready: Callable[[], None] = lambda: None,
        pause: Callable[[int, float], float] | None = None,
        tries: int | None = None,
    ) -> None:
        self._clock, self._fleet, self._servers, self._size = clock, fleet, servers, size
        self._begins, self._more, self._damaged, self._on_ready = begins, more_seconds, damaged, on_ready
        self._pause = pause or (lambda idle, left: pause_after(_FAILURE, idle, left, SETTINGS))
        self._tries = tries  # in total, if that is the limit, as in earlier versions
        self._left = size
        self._idle = [0] * len(servers)
        self._at = 0
        self._past = False
        self._end: float | None = None
        self._attempt = 0  # the number of the attempt; answers to earlier ones are ignored
        clock.after(begins, self._ask)

    def _ask(self) -> None:
        self._attempt += 1
        mine = self._attempt
        server = self._servers[self._at]

        def done() -> None:
            if mine == self._attempt:
                self._done()

        def failed(received: float) -> None:
            if mine == self._attempt:
                self._attempt += 1
                self._failed(received)

        if isinstance(server, Cache):
            server.request(self._left, done, failed, past=self._past)
        else:
            server.request(self._left, done, failed)

    def _done(self) -> None:
        if self._damaged:  # requested once more, in one piece and bypassing all caches
            self._damaged, self._past, self._left = False, True, self._size
            self._ask()
            return
        self._fleet.ready.append(self._clock.now - self._begins + self._more)
        self._on_ready()

    def _failed(self, received: float) -> None:
        now = self._clock.now
        received = min(received, self._left)
        self._left -= received
        if received >= MIB or self._end is None:
            self._end = now + SETTINGS.retry_timeout
            self._idle = [0] * len(self._servers) if received >= MIB else self._idle
        self._idle[self._at] += 1
        idle = self._idle[self._at]
        pause = self._pause(idle, self._end - now)
        has_next = self._at + 1 < len(self._servers)
        if self._tries is not None and idle >= self._tries and not has_next:
            self._fleet.given_up += 1
            return
        if has_next and idle >= SETTINGS.attempts:
            self._at, pause = self._at + 1, 0.0
        elif idle > SETTINGS.attempts and self._at:
            self._at = (self._at + 1) % len(self._servers)  # once all have failed, try each in turn
        if now + pause >= self._end:
            self._fleet.given_up += 1
            return
        self._fleet.retries += 1
        self._clock.after(pause, self._ask)
