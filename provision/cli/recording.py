"""Measured steps of a command: by archive for `--json`, and as a trace."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import ProvisionError, check_parent
from provision.protocols import Progress

if TYPE_CHECKING:
    from provision.measures import Measure
    from provision.model.asset import Asset


class Recorder:
    """A `Progress` that keeps what is measured, and passes all else on."""

    def __init__(self, progress: Progress) -> None:
        self.start, self.advance, self.finish = progress.start, progress.advance, progress.finish
        self.note, self.detail = progress.note, progress.detail
        self.measures: list[Measure] = []

    def record(self, measure: Measure) -> None:
        self.measures.append(measure)  # one step of the interpreter: safe from any thread


@contextmanager
def traced(recorder: Recorder, command: str, path: Path | None) -> Iterator[None]:
    """Write a trace of what is recorded within to ``path``, if there is one, also where the command fails.

    The error of a command that fails is never replaced by one of writing the trace.
    """
    if path is not None:
        check_parent(path)
    begin = time.monotonic()
    try:
        yield
    except BaseException:
        try:
            _write_trace(path, command, begin, recorder)
        except ProvisionError as error:
            recorder.note(error.message)
        raise
    _write_trace(path, command, begin, recorder)


def _write_trace(path: Path | None, command: str, begin: float, recorder: Recorder) -> None:
    if path is not None:
        from provision.workflows.project import write_text

        write_text(path, trace_text(command, begin, recorder.measures))


def trace_text(command: str, begin: float, measures: Sequence[Measure]) -> str:
    """A trace in Chrome's JSON format, from ``begin`` to now, with one row for each thread that did something."""
    own, now = os.getpid(), time.monotonic()
    whole = {"name": f"provision {command}", "ph": "X", "cat": "command", "ts": 0, "dur": _microseconds(now - begin)}
    events: list[dict[str, object]] = [{**whole, "pid": own, "tid": threading.get_native_id()}]
    for each in sorted(measures, key=lambda each: each.begin):
        start = max(0, _microseconds(each.begin - begin))
        facts: dict[str, object] = {"key": each.key}
        if each.step == "download":
            facts |= {"source": each.source, "bytes": each.bytes, "requests": each.requests, "retries": each.retries}
        events.append(
            {
                "name": each.step,
                "ph": "X",
                "cat": "step",
                "ts": start,
                "dur": max(0, _microseconds(each.begin + each.seconds - begin) - start),
                "pid": each.process,
                "tid": each.thread,
                "args": facts,
            }
        )
    for process in dict.fromkeys([own, *(each.process for each in measures)]):
        name = "provision" if process == own else "provision (forked process)"
        events.append({"name": "process_name", "ph": "M", "pid": process, "tid": 0, "args": {"name": name}})
    return json.dumps({"displayTimeUnit": "ms", "traceEvents": events}, indent=1) + "\n"


def asset_rows(assets: Mapping[Asset, Sequence[str]], measures: Sequence[Measure]) -> list[dict[str, object]]:
    """A row for each archive, with what was done for it and for the trees made from it, whose keys are given."""
    rows: list[dict[str, object]] = []
    for asset, keys in assets.items():
        of_asset = [each for each in measures if each.key in {asset.sha256.hex, *keys}]
        downloads = [each for each in of_asset if each.step == "download"]
        seconds: dict[str, float] = {}
        for each in of_asset:
            seconds[each.step] = seconds.get(each.step, 0.0) + each.seconds
        rows.append(
            {
                "asset": asset.filename,
                "sha256": asset.sha256.hex,
                "source": next((each.source for each in downloads if each.source), None),
                "bytes": sum(each.bytes for each in downloads),
                "requests": sum(each.requests for each in downloads),
                "retries": sum(each.retries for each in downloads),
                "seconds": {step: round(amount, 6) for step, amount in seconds.items()},
            }
        )
    return rows


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
