"""Ctrl-C and SIGTERM, wherever a run is waiting or busy: it ends within a second, with one line and the right code."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.store.layout import Store
from provision.store.locks import tree_lock
from provision.store.receipts import installed_receipts
from tests.crash import invariants
from tests.crash.box import Box, declare
from tests.crash.conftest import MakeBox
from tests.install.processes import is_alive
from tests.support import trees
from tests.support.builds import Build, write_catalog
from tests.support.faults import Stall
from tests.support.project import COMMAND, Project
from tests.support.server import Server
from tests.support.tally import count

SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
PATIENCE = 20.0
AT_ONCE = 5.0  # a second, and more on a loaded machine; what is not stopped waits for half a minute or for ever


class Running:
    """A running command, and its output so far."""

    def __init__(self, project: Project, words: Sequence[str], log: Path, environ: Mapping[str, str]) -> None:
        self._log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*COMMAND, *words],
                cwd=project.directory,
                env=project.environ(environ),
                stdout=subprocess.DEVNULL,
                stderr=file,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def wait_until(self, happened: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not happened():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.002)

    def stop(self, number: signal.Signals) -> float:
        """Send the signal; how long it took to end, in seconds."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        return time.monotonic() - started


@contextmanager
def running(box: Box, log: Path, *words: str, **environ: str) -> Iterator[Running]:
    command = Running(box.project, words or box.words, log, {**box.environ, **environ})
    try:
        yield command
    finally:
        if command.process.poll() is None:
            command.process.kill()
            command.process.wait()


def check_end(command: Running, taken: float, code: int, word: str) -> None:
    assert command.process.returncode == code, command.said
    assert command.said.splitlines()[-1] == word
    assert command.said.count(word) == 1
    assert "Traceback" not in command.said
    assert taken < AT_ONCE, f"it took {taken:.2f} s"
    count("runs stopped while they waited or were busy")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "stderr"


@pytest.mark.parametrize(("number", "code", "word"), SIGNALS)
@pytest.mark.parametrize("words", [("sync",), ("sync", "--jobs", "2")], ids=["lean", "typer"])
def test_a_signal_ends_a_download_from_a_server_without_response(
    make_box: MakeBox, server: Server, log: Path, number: signal.Signals, code: int, word: str, words: tuple[str, ...]
) -> None:
    box = make_box("sync")
    declare(box, *box.builds)
    for build in box.builds:
        server.fault(build.archive.name, Stall(after=100))
    with running(box, log, *words, PROVISION_JOBS="2") as command:
        command.wait_until(lambda: len([one for one in server.requests if "cpython" in one.path]) == 2)
        check_end(command, command.stop(number), code, word)
    invariants.check_no_lock_held(box.project.home, box.project.cache)
    for build in box.builds:
        server.heal(build.archive.name)
    box.run("sync")
    invariants.check_tidy(box.project)


def test_a_signal_ends_the_wait_for_a_catalog(make_box: MakeBox, server: Server, log: Path) -> None:
    box = make_box("lock")
    server.fault("catalog.ndjson", Stall(after=10))
    before, asked = box.project.lock.read_bytes(), server.count("catalog.ndjson")
    with running(box, log) as command:
        command.wait_until(lambda: server.count("catalog.ndjson") > asked)
        check_end(command, command.stop(signal.SIGINT), 130, "interrupted")
    assert box.project.lock.read_bytes() == before


@pytest.mark.parametrize(("number", "code", "word"), [SIGNALS[0], pytest.param(*SIGNALS[1], marks=pytest.mark.slow)])
def test_a_signal_ends_the_unpacking_of_a_real_interpreter(
    make_box: MakeBox,
    server: Server,
    builds: tuple[Build, ...],
    log: Path,
    number: signal.Signals,
    code: int,
    word: str,
) -> None:
    box = make_box("sync")
    write_catalog(server.root, builds[:1])
    box.project.write(
        box.project.manifest.read_text().partition("[pythons]")[0] + f"[pythons]\nreal = {builds[0].entry}\n"
    )
    store = Store(box.project.home)
    with running(box, log) as command:
        command.wait_until(lambda: store.staging.exists() and any(store.staging.glob("*/tree/lib/*/*")))
        check_end(command, command.stop(number), code, word)
    assert installed_receipts(store) == ()
    assert list(store.staging.iterdir()) == [], "it was unpacked by the main thread, which takes it away again"
    box.run("sync")
    assert len(invariants.check_visible_trees(store.home)) == 1


@pytest.mark.parametrize(("number", "code", "word"), SIGNALS)
def test_a_signal_ends_the_wait_for_a_process_lock(
    make_box: MakeBox, log: Path, number: signal.Signals, code: int, word: str
) -> None:
    box = make_box("sync")
    store = Store(box.project.home)
    with tree_lock(store, "roots"), running(box, log) as command:
        command.wait_until(lambda: "waiting" in command.said)
        assert re.search(rf"the list of projects is in use by .*pid {os.getpid()} on ", command.said)
        check_end(command, command.stop(number), code, word)
    box.run("sync")


@pytest.mark.parametrize(("number", "code", "word"), SIGNALS)
def test_interpreters_that_never_respond_are_ended_in_every_command(
    tmp_path: Path, number: signal.Signals, code: int, word: str
) -> None:
    """Each says in a file that it runs; trees are made in this process and in others."""
    (tmp_path / "archives").mkdir()
    (tmp_path / "pids").mkdir()
    hanging = f"#!/bin/sh\ntrap '' HUP INT TERM\n: > {tmp_path}/pids/$$\nsleep 30\n"
    files = {"bin/python3.13": hanging, "lib/python3.13/os.py": ""}
    build = trees.build(tmp_path / "builds", "linux-x86_64", files, trees.UNIX_LINKS)
    write_catalog(tmp_path / "archives", [build])
    spec = 'version = "3.13.5", build = "20261101", targets = ["linux-x86_64"]'
    entries = "".join(f"e{n} = {{ {spec}, externally-managed = {'true' if n else 'false'} }}\n" for n in range(2))
    project = Project(tmp_path, home=tmp_path / "home", cache=tmp_path / "cache")
    project.write(f'[settings]\ncatalogs = ["archives/catalog.ndjson"]\n[pythons]\n{entries}')
    project.run("lock")
    process = subprocess.Popen(
        [*COMMAND, "sync"], cwd=tmp_path, env=project.environ(), stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + PATIENCE
    while len(list((tmp_path / "pids").iterdir())) < min(2, len(os.sched_getaffinity(0))):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.splitlines()[-1]) == (code, word)
    assert not [path.name for path in (tmp_path / "pids").iterdir() if is_alive(int(path.name))]


def test_signals_that_the_caller_ignores_are_ignored(make_box: MakeBox) -> None:
    """``nohup`` and shells that start a job in the background set SIGINT to ignored."""
    box = make_box("add")
    words = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *COMMAND, *box.words]
    step = box.victim.trace()[0]
    box.project.write(box.project.manifest.read_text().replace('other = "3.13"\n', ""))
    victim = box.victim
    process = type(victim)(command=words, under=victim.under, cwd=victim.cwd, env=victim.env).kill_at(
        step.number, number=signal.SIGINT
    )
    assert process.returncode == 0, process.stderr


def test_the_cursor_of_a_terminal_is_restored(make_box: MakeBox, server: Server) -> None:
    box = make_box("sync")
    for build in box.builds:
        server.fault(build.archive.name, Stall(after=100))
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "sync"],
        cwd=box.project.directory,
        env=box.project.environ({"TERM": "xterm", "COLUMNS": "100"}),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""
    while b"fetch" not in shown:
        shown += os.read(main, 4096)
    process.send_signal(signal.SIGINT)
    while chunk := _read(main):
        shown += chunk
    assert process.wait(PATIENCE) == 130
    assert shown.count(b"interrupted") == 1
    assert shown.rfind(b"\x1b[?25h") > shown.rfind(b"\x1b[?25l"), "the cursor is shown last, not hidden"


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux reports that the other end is closed
        return b""
