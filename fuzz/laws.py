"""Laws that several targets share: a result comes soon, and an error can be shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from provision.errors import ProvisionError, SeveralErrors
from provision.text import printable

# Of processor time, for inputs of some kilobytes at most: anything slower grows faster than its input.
SOON = 2.0


@contextmanager
def soon(seconds: float = SOON) -> Iterator[None]:
    """The body must not take this process longer, however busy the machine is."""
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took < seconds, f"took {took:.1f} s"


def showable(error: ProvisionError, code: int = 0) -> None:
    """An error can be printed, its exit code is the expected or at least a documented one, and it cannot control a
    terminal.
    """
    assert error.exit_code == code or not code
    for one in error.errors if isinstance(error, SeveralErrors) else (error,):
        assert one.exit_code in {1, 2, 4, 5, 6}
        for line in f"{one}\n{one.hint or ''}".split("\n"):
            assert printable(line).isprintable()
        if one.place is not None:
            assert one.place.line is None or one.place.line >= 1
            assert one.place.column is None or one.place.column >= 1
