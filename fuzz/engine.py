"""Running one fuzz target for some time, or for some number of inputs."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzz.target import Target, regressions

_BATCH = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``found``: the smallest input that breaks the target, with what it raised; both None if none does."""

    executions: int
    found: bytes | None = None
    error: Exception | None = None


def run(name: str, target: Target, *, start: int, executions: int | None = None, seconds: float = 0.0) -> Outcome:
    """Try the inputs that failed before, then drawn inputs until ``executions`` or ``seconds`` are reached.

    ``start`` seeds the drawing: the same number draws the same inputs.
    """
    for data in regressions(name):
        error = _error(target, data)
        if error is not None:
            return Outcome(executions=1, found=data, error=error)
    deadline, done, batch = time.monotonic() + seconds, 0, start
    while done < executions if executions is not None else time.monotonic() < deadline:
        outcome = _draw(target, batch, min(_BATCH, executions - done) if executions is not None else _BATCH)
        done, batch = done + outcome.executions, batch + 1
        if outcome.error is not None:
            return Outcome(executions=done, found=outcome.found, error=outcome.error)
    return Outcome(executions=done)


def _error(target: Target, data: bytes) -> Exception | None:
    try:
        target.check(data)
    except Exception as error:  # noqa: BLE001 - whatever it raises is what was looked for
        return error
    return None


def _draw(target: Target, number: int, most: int) -> Outcome:
    """One batch of inputs; Hypothesis ends it by raising for the smallest input that breaks the target, tried last."""
    count, last = 0, b""

    @seed(number)
    @settings(
        max_examples=most,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def attempt(data: bytes) -> None:
        nonlocal count, last
        count, last = count + 1, data
        target.check(data)

    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever it raises is what was looked for
        return Outcome(executions=count, found=last, error=error)
    # A strategy with few inputs is through with them before `most`.
    return Outcome(executions=max(count, most))
