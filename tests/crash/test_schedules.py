"""A sync whose processes are stopped, continued and killed in any order: the old state or the new, and nobody left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest

from tests.crash.box import Box, declare
from tests.crash.conftest import MakeBox
from tests.install.processes import is_alive
from tests.support.project import COMMAND
from tests.support.tally import count

SCHEDULES = int(os.environ.get("PROVISION_TEST_SCHEDULES", "100"))
PATIENCE = 30.0
# The last event is at most this late: a sync of small archives takes about as long on an idle machine.
LATEST = 0.35
# A tree whose builder was killed is an error of the store; one whose interpreter was killed has not passed its probe.
ENDINGS = {0: "", 1: "was killed", 5: "signal 9"}


def family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    yield pid
    with suppress(OSError):
        for children in Path("/proc", str(pid), "task").glob("*/children"):
            for child in children.read_text().split():
                yield from family(int(child))


def send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def play(box: Box, schedule: random.Random, log: IO[bytes]) -> tuple[int, set[int]]:
    """Run `sync` while processes get signals at random times; its exit code, and all processes that were seen."""
    process = subprocess.Popen(
        [*COMMAND, "sync"],
        cwd=box.project.directory,
        env=box.project.environ(box.environ),
        stdout=subprocess.DEVNULL,
        stderr=log,
        start_new_session=True,
    )
    began, seen = time.monotonic(), {process.pid}
    try:
        for at in sorted(schedule.uniform(0.05, LATEST) for _ in range(schedule.randint(1, 4))):
            time.sleep(max(0.0, began + at - time.monotonic()))
            now = list(family(process.pid))
            seen.update(now)
            number = schedule.choice((signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL))
            send(schedule.choice(now), number)
        seen.update(family(process.pid))
        for pid in seen:
            send(pid, signal.SIGCONT)
        return process.wait(PATIENCE), seen
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    "schedules", [range(2), pytest.param(range(2, SCHEDULES), marks=pytest.mark.slow)], ids=["two", str(SCHEDULES)]
)
def test_any_schedule_leaves_the_old_state_or_the_new(make_box: MakeBox, tmp_path: Path, schedules: range) -> None:
    box, log = make_box("sync"), tmp_path / "stderr"
    box.environ = {"PROVISION_JOBS": "2"}
    declare(box, *box.builds)
    box.run("lock")
    box.remember()
    for seed in schedules:
        box.reset()
        with log.open("wb") as said:
            code, seen = play(box, random.Random(seed), said)
        assert code == -signal.SIGKILL or ENDINGS[code] in log.read_text(), f"schedule {seed}: {log.read_text()}"
        assert not [pid for pid in seen if is_alive(pid)], f"schedule {seed}"
        box.check()
        box.finish(here=seed % 3 > 0)
        count("schedules of signals to the processes of a sync")
