from __future__ import annotations

import time

import pytest
from hypothesis import strategies as st

from fuzz.engine import run
from fuzz.mutations import mutated
from fuzz.target import Target, keep, load, names, regressions


def no_nul(data: bytes) -> None:
    assert b"\0" not in data


def test_a_property_that_holds_is_tested_the_requested_number_of_times() -> None:
    seen: list[bytes] = []
    outcome = run("none", Target(inputs=st.binary(), check=seen.append), start=1, executions=300)
    assert outcome.error is None
    assert outcome.executions >= len(seen) >= 300


def test_the_same_seed_gives_the_same_inputs() -> None:
    draws: list[list[bytes]] = [[], [], []]
    for seen, start in zip(draws, (1, 1, 2), strict=True):
        run("none", Target(inputs=st.binary(), check=seen.append), start=start, executions=50)
    assert draws[0] == draws[1] != draws[2]


def test_the_smallest_input_that_violates_a_property_is_found() -> None:
    outcome = run("none", Target(inputs=st.binary(), check=no_nul), start=1, seconds=20)
    assert outcome.found == b"\0"
    assert isinstance(outcome.error, AssertionError)


def test_the_time_limit_ends_a_run() -> None:
    began = time.monotonic()
    run("none", Target(inputs=st.binary(max_size=3), check=lambda data: None), start=1, seconds=0.2)
    assert time.monotonic() - began < 10


def test_found_inputs_are_saved_and_tried_first(
    tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fuzz.target._FOUND", tmp_path)
    path = keep("law", b"\0")
    assert list(regressions("law")) == [b"\0"] == [path.read_bytes()]
    outcome = run("law", Target(inputs=st.just(b"good"), check=no_nul), start=1, executions=10)
    assert (outcome.executions, outcome.found) == (1, b"\0")


def test_mutations_keep_some_inputs_and_change_others() -> None:
    seen: set[bytes] = set()
    run("none", Target(inputs=mutated(st.just(b"python")), check=seen.add), start=1, executions=200)
    assert b"python" in seen
    assert len(seen) > 50


def test_targets_are_the_modules_of_their_folder() -> None:
    assert "unpack_tar" in names()
    assert all(isinstance(load(name), Target) for name in names())
