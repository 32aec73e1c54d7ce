"""A moment of fuzzing for every target, always the same, and all inputs that ever failed; `make fuzz` does more."""

from __future__ import annotations

import pytest

from fuzz.engine import run
from fuzz.target import load, names


@pytest.mark.parametrize("name", names())
def test_no_input_breaks_a_target(name: str) -> None:
    outcome = run(name, load(name), start=0, executions=100)
    if outcome.error is not None:
        raise AssertionError(f"{outcome.found!r} breaks {name}; `python -m fuzz {name}` keeps it") from outcome.error
