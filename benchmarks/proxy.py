"""A long link: a TCP proxy on this machine that delays data and limits its rate.

All connections share the link's rate; each connection sends ten segments at first and twice as much after every round
trip, as in TCP's slow start. It is a separate process, so that its memory is not measured with the benchmark's.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CHUNK = 32 * 1024
_FIRST_WINDOW = 10 * 1460  # bytes; RFC 6928
# How long bytes may wait for the link, in seconds: longer than the resolution of `asyncio`'s clock.
_AHEAD = 0.005
_ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def link(server: str, *, rate: float, round_trip: float) -> Iterator[str]:
    """The server's address behind a link of ``rate`` bytes per second and ``round_trip`` seconds."""
    port = server.rpartition(":")[2]
    words = [sys.executable, "-m", "benchmarks.proxy", port, str(rate), str(round_trip)]
    with subprocess.Popen(words, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


class _Link:
    """When bytes leave, in seconds of the loop's clock."""

    def __init__(self, rate: float, round_trip: float) -> None:
        self._rate, self._round_trip = rate, round_trip
        self._free_at = 0.0

    def flow(self) -> Callable[[int], float]:
        """The time at which ``count`` more bytes of one connection leave."""
        began = free_at = 0.0

        def departure(size: int) -> float:
            nonlocal began, free_at
            now = asyncio.get_running_loop().time()
            began = began or now
            leaves = max(now, self._free_at, free_at)
            self._free_at = leaves + size / self._rate
            round_trips = min((leaves - began) / self._round_trip, 30)
            free_at = leaves + size * self._round_trip / (_FIRST_WINDOW * 2**round_trips)
            return self._free_at

        return departure


def _at_once(_: int) -> float:
    return asyncio.get_running_loop().time()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, departure: Callable[[int], float]
) -> None:
    arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            at, chunk = await arriving.get()
            await _until(at)
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()

    async def take() -> None:
        while chunk := await reader.read(_CHUNK):
            leaves = departure(len(chunk))
            arriving.put_nowait((leaves + delay, chunk))
            await _until(leaves - _AHEAD)
        arriving.put_nowait((asyncio.get_running_loop().time() + delay, b""))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(deliver())
        tasks.create_task(take())


async def _until(at: float) -> None:
    if (left := at - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(left)


async def _serve(port: int, rate: float, round_trip: float) -> None:
    shared = _Link(rate, round_trip)

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(round_trip)  # the time that connecting takes
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ExceptionGroup):  # if either side closes the connection, both directions end
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pass_on(reader, to_server, round_trip / 2, _at_once))
                tasks.create_task(_pass_on(from_server, writer, round_trip / 2, shared.flow()))
        for one in (writer, to_server):
            one.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
