"""Commands killed at every step on disk: afterwards there is the old state or the new one, and the next run completes.

SIGKILL at each step; and SIGINT and SIGTERM, which unwind, by turns. The quick tests take the steps that change what others
see, and few of the rest.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence

import pytest

from tests.crash.box import SCENARIOS, declare
from tests.crash.conftest import MakeBox
from tests.support.killer import Step

_VISIBLE = ("os.rename", "os.symlink", "renameat2", "os.remove")


@pytest.mark.slow
@pytest.mark.parametrize("turn", ["killed", "called off"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_run_may_end_anywhere(make_box: MakeBox, scenario: str, turn: str) -> None:
    box = make_box(scenario)
    for step in box.remember()[:: SCENARIOS[scenario].stride]:
        number = signal.SIGKILL if turn == "killed" else (signal.SIGINT, signal.SIGTERM)[step.number % 2]
        box.kill(step, number)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_run_may_end_at_what_counts(make_box: MakeBox, scenario: str) -> None:
    box = make_box(scenario)
    steps = tuple(_sample(box.remember()))
    for step, number in zip(steps, (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGTERM), strict=False):
        box.kill(step, number)


def _sample(steps: Sequence[Step]) -> Iterator[Step]:
    """The last step that others see, and then some on the way there."""
    visible = [step for step in steps if step.event in _VISIBLE and "staging" not in step.path.parts[:-2]]
    for share in (1.0, 0.5, 0.75):
        yield visible[round((len(visible) - 1) * share)]


def test_after_a_kill_list_and_which_show_what_is_whole(make_box: MakeBox) -> None:
    box = make_box("sync")
    declare(box, *box.builds)
    renames = [step for step in box.remember() if step.event == "os.rename" and step.path.name == "tree"]
    box.reset()
    box.victim.kill_at(renames[-1].number)
    (there,) = box.check()
    listing = box.project.run("list", "--json").document()
    states = {row["name"]: row["state"] for row in listing["pythons"]}
    assert sorted(states.values()) == ["not installed", "not linked"]
    for name, state in states.items():
        which = box.project.run("which", name, expect=0 if state == "not linked" else 1)
        assert which.out.strip().endswith(f"{there}/bin/python") or "not installed" in which.err
    box.finish()
