"""Owns running a generator ahead of its consumer in a thread of its own; what it generates, others know."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from queue import SimpleQueue
from threading import Semaphore, Thread

# How many chunks may wait for the consumer: enough that neither waits for the other's every step.
_AHEAD = 8


def ahead(chunks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Yield what ``chunks`` yields, made in another thread while the consumer is at work on earlier ones.

    Decompressing and writing both let go of the interpreter's lock, so that they take two cores. An exception of
    ``chunks`` comes out here; closing this generator ends the thread and waits for it.
    """
    made: SimpleQueue[bytes | BaseException] = SimpleQueue()
    slots = Semaphore(_AHEAD)
    stopped = False

    def make() -> None:
        try:
            for chunk in chunks:
                slots.acquire()
                if stopped:
                    return
                made.put(chunk)
            made.put(b"")
        except BaseException as error:  # noqa: BLE001 - the consumer raises it, whatever it is
            made.put(error)

    thread = Thread(target=make, name="decompress", daemon=True)
    thread.start()
    try:
        while (chunk := made.get()) != b"":
            if isinstance(chunk, BaseException):
                raise chunk
            slots.release()
            yield chunk
    finally:
        stopped = True
        slots.release()
        thread.join()
