"""Traces, and rows by archive."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from provision.cli.recording import Recorder, asset_rows, trace_text, traced
from provision.errors import NetworkError, StoreError
from provision.measures import Laps, Measure
from provision.protocols import NoProgress
from tests.fetch.samples import asset


def _measure(key: str, step: str, begin: float, seconds: float, **more: Any) -> Measure:
    return Measure(key=key, step=step, begin=begin, seconds=seconds, process=more.pop("process", 7), thread=8, **more)


def test_measured_steps_follow_each_other_without_a_gap() -> None:
    recorder = Recorder(NoProgress())
    laps = Laps(recorder.record, "key")
    for step in ("unpack", "probe"):
        time.sleep(0.01)
        laps.end(step)
    first, second = recorder.measures
    assert first.seconds >= 0.01
    assert abs(first.begin + first.seconds - second.begin) < 1e-6
    assert (second.process, second.thread) == (os.getpid(), threading.get_native_id())


def test_a_measurement_is_the_same_in_another_process() -> None:
    measure = _measure("key", "download", 1.5, 0.25, bytes=3, requests=2)
    assert Measure(**json.loads(json.dumps(measure.message()))) == measure


def test_a_trace_has_microseconds_from_the_start_and_a_name_for_each_process() -> None:
    begin = time.monotonic() - 2
    measures = [_measure("b", "probe", begin + 1, 0.5, process=9), _measure("a", "download", begin - 1, 1.5, bytes=3)]
    events = json.loads(trace_text("sync", begin, measures))["traceEvents"]
    whole, first, second = (event for event in events if event["ph"] == "X")
    assert whole["ts"] == 0
    assert 2_000_000 <= whole["dur"] < 60_000_000
    assert (first["name"], first["ts"], first["dur"], first["args"]["bytes"]) == ("download", 0, 500_000, 3)
    assert (second["ts"], second["dur"], second["pid"], second["tid"]) == (1_000_000, 500_000, 9, 8)
    assert {event["pid"] for event in events if event["ph"] == "M"} == {os.getpid(), 7, 9}


def test_a_row_sums_up_the_time_for_an_archive_and_its_trees() -> None:
    one = asset("https://example.com/a")
    measures = [
        _measure(one.sha256.hex, "download", 0, 1, bytes=5, requests=2, retries=1),
        _measure("tree-1", "unpack", 1, 2),
        _measure("tree-2", "unpack", 3, 3),
        _measure("other", "unpack", 3, 9),
    ]
    (row,) = asset_rows({one: ("tree-1", "tree-2")}, measures)
    assert row["seconds"] == {"download": 1.0, "unpack": 5.0}
    assert (row["bytes"], row["requests"], row["retries"], row["source"]) == (5, 2, 1, None)


def test_a_trace_that_cannot_be_written_does_not_replace_the_error_of_the_command(tmp_path: Path) -> None:
    notes: list[str] = []

    class Notes(NoProgress):
        def note(self, text: str) -> None:
            notes.append(text)

    recorder = Recorder(Notes())
    path = tmp_path / "directory"
    path.mkdir()
    with pytest.raises(NetworkError, match="the server is down"), traced(recorder, "sync", path):
        raise NetworkError("the server is down")
    assert len(notes) == 1
    assert str(path) in notes[0]
    with pytest.raises(StoreError), traced(recorder, "sync", path):
        pass
    with pytest.raises(StoreError, match="there is no directory"), traced(recorder, "sync", tmp_path / "no" / "trace"):
        pytest.fail("it is known before the command begins")
