from __future__ import annotations

import sys
from pathlib import Path

import pytest

from provision.install.pack.proof import prove
from provision.model.value import replace
from provision.pack.interpreter import inspect
from tests.install.interpreters import Installed


def test_a_tree_that_stands_on_its_own_has_nothing_to_say(interpreter: Installed) -> None:
    assert prove(interpreter.tree, interpreter.asset, inspect(Path(sys.base_prefix))) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has in memory")
def test_what_is_loaded_from_where_it_was_packed_is_named(interpreter: Installed) -> None:
    maps = Path("/proc/self/maps").read_text()
    libc = next(Path(line.split(None, 5)[5]) for line in maps.splitlines() if "libc.so" in line or "ld-musl" in line)
    origin = replace(inspect(Path(sys.base_prefix)), prefix=libc.parent)  # as if libc had come with the interpreter
    assert f"it loads {libc}, where it was packed from" in prove(interpreter.tree, interpreter.asset, origin)


def test_one_that_does_not_run_is_a_finding_and_no_failure(interpreter: Installed, tmp_path: Path) -> None:
    (finding,) = prove(tmp_path, interpreter.asset, inspect(Path(sys.base_prefix)))
    assert "cannot be started" in finding
