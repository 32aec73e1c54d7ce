"""The network of the fleet: a slow link to a real server, which can be cut.

It counts the bytes that it relays, and can change some of them.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress

_CHUNK = 64 << 10


class Uplink:
    """Relays connections on loopback to a port, at ``rate`` bytes per second for all of them together.

    ``flip_every``: of so many bytes, one is flipped. ``received`` counts the bytes that came from the server.
    """

    def __init__(self, port: int, rate: float, *, flip_every: int = 0) -> None:
        self._target, self._rate, self._flip_every = port, rate, flip_every
        self.received = self.flipped = self.connections = 0
        self.port = 0
        self._is_cut = False
        self._free_at = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Uplink:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self, seconds: float) -> None:
        """Close all connections, and refuse new ones for a while; returns after that."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._close_all)
        time.sleep(seconds)
        self._is_cut = False

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._is_cut:
            writer.transport.abort()
            return
        with suppress(OSError):
            there, to_server = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers |= {writer, to_server}
            await asyncio.gather(self._send(reader, to_server), self._receive(there, writer))
            self._writers -= {writer, to_server}

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._take_turn(len(data))
                before, self.received = self.received, self.received + len(data)
                if self._flip_every and before // self._flip_every != self.received // self._flip_every:
                    data = data[:-1] + bytes([data[-1] ^ 1])
                    self.flipped += 1
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _take_turn(self, amount: int) -> None:
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + amount / self._rate
        await asyncio.sleep(self._free_at - now)
