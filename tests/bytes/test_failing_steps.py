"""A disk that fails at any step: one clear message, the documented exit code, old state or new, and the next run works.

One system call fails, injected by `tests.support.killer`; everything else is a real run.
"""

from __future__ import annotations

import errno
import subprocess

import pytest

from tests.crash.box import SCENARIOS, Box
from tests.crash.conftest import MakeBox
from tests.support.killer import Step
from tests.support.tally import count

# Optional steps may fail silently: the note in a lock file, and the stamp that saves time.
_FAILURE = 1


def fail(box: Box, step: Step, error: int) -> None:
    """Let one step fail, check, and let the next run finish."""
    box.reset()
    process = box.victim.fail_at(step.number, error)
    check_end(process, step, error)
    box.check()
    box.finish(here=True)
    count(f"{errno.errorcode[error]} in `{box.words[0]}`")


def check_end(process: subprocess.CompletedProcess[str], step: Step, error: int) -> None:
    told = f"{errno.errorcode[error]} at {step}:\n{process.stdout}{process.stderr}"
    assert "Traceback" not in process.stderr, told
    assert process.returncode in (0, _FAILURE), told
    if process.returncode:
        assert process.stderr.count("error:") == 1, told


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_full_disk_at_any_step_leaves_a_valid_state(make_box: MakeBox, scenario: str) -> None:
    """At every other step: two consecutive ones mostly belong to one file."""
    box = make_box(scenario)
    for step in box.remember()[1::2]:
        fail(box, step, errno.ENOSPC)


@pytest.mark.slow
@pytest.mark.parametrize("error", [errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("scenario", ["sync", "verify", "lock"])
def test_other_failures_at_many_steps_leave_a_valid_state(make_box: MakeBox, scenario: str, error: int) -> None:
    box = make_box(scenario)
    for step in box.remember()[error % 7 :: 7]:
        fail(box, step, error)


WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is exhausted",
    errno.EACCES: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.EIO: "the disk reports an error",
}


@pytest.mark.parametrize("error", WORDS, ids=errno.errorcode.get)
def test_the_error_has_its_reason_and_a_hint(make_box: MakeBox, error: int) -> None:
    box = make_box("sync")
    steps = box.remember()
    (write, *_) = (step for step in steps if step.event == "os.write" and "staging" in step.path.parts)
    box.reset()
    process = box.victim.fail_at(write.number, error)
    check_end(process, write, error)
    assert process.returncode == _FAILURE
    assert WORDS[error] in process.stderr.lower()
    assert " hint: " in process.stderr
    box.check()
    box.finish()


@pytest.mark.parametrize(
    ("scenario", "number"),
    [
        # Quick: each errno once and each command once; otherwise all pairs.
        pytest.param(scenario, number, marks=() if scenario == "sync" or number == errno.ENOLCK else pytest.mark.slow)
        for scenario in ("sync", "prune", "verify")
        for number in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
    ],
)
def test_without_support_for_flock_the_error_has_the_reason(make_box: MakeBox, scenario: str, number: int) -> None:
    box = make_box(scenario)
    flocks = [step for step in box.remember() if step.event == "fcntl.flock"]
    # A sync that cannot record the project, or lock its identity, goes on.
    tolerated = ("roots.lock", "..id.lock") if scenario == "sync" else ()
    flock = next(step for step in flocks if step.path.name not in tolerated)
    box.reset()
    process = box.victim.fail_at(flock.number, number)
    check_end(process, flock, number)
    assert process.returncode == _FAILURE
    assert "does not support file locks (flock)" in process.stderr
    assert "PROVISION_HOME" in process.stderr
    box.check()
    box.finish()
