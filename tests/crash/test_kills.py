"""Commands killed at every step on disk: afterwards there is the old state or the new one, and the next run completes.

SIGKILL at each step; and alternately SIGINT and SIGTERM, which unwind. The quick tests use the steps that change what
others see, and few of the rest.
"""

from __future__ import annotations

import itertools
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from provision.catalog.cache import load_cached
from provision.catalog.saved import NDJSON_URLS
from provision.model.version import Version
from provision.protocols import NoProgress
from provision.workflows.refresh import UpdateRequest, update
from tests.catalog.samples import ndjson_line, stripped
from tests.crash.box import SCENARIOS, Box, declare
from tests.crash.conftest import MakeBox
from tests.fetch.conftest import Internet
from tests.support.builds import Build, write_catalog
from tests.support.killer import Step
from tests.support.server import Server
from tests.support.tally import count
from tests.support.variants import variants


@pytest.mark.slow
@pytest.mark.parametrize("turn", ["killed", "called off"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_run_can_be_stopped_at_any_step(make_box: MakeBox, scenario: str, turn: str) -> None:
    box = make_box(scenario)
    # What unwinds passes the same code from neighbouring steps.
    signals, stride = ((signal.SIGKILL,), 1) if turn == "killed" else ((signal.SIGINT, signal.SIGTERM), 3)
    steps = box.remember()[:: SCENARIOS[scenario].stride * stride]
    for step, number in zip(steps, itertools.cycle(signals), strict=False):
        box.kill(step, number)


@pytest.mark.parametrize("scenario", variants(SCENARIOS, quick=("sync", "lock", "prune")))
def test_a_run_can_be_stopped_at_decisive_steps(make_box: MakeBox, scenario: str) -> None:
    box = make_box(scenario)
    steps = tuple(_sample(box.remember()))
    for step, number in zip(steps, (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGTERM), strict=False):
        box.kill(step, number)


def _sample(steps: Sequence[Step]) -> Iterator[Step]:
    """The last step that others see, and then some before it."""
    visible = [step for step in steps if step.visible]
    for share in (1.0, 0.5, 0.75):
        yield visible[round((len(visible) - 1) * share)]


@pytest.fixture
def updating(tmp_path: Path, internet: Internet) -> Box:
    """A cache with yesterday's list; upstream has today's, with one more build."""
    box = Box(
        root=tmp_path / "box",
        words=("catalog", "update"),
        again=lambda options: update(options, UpdateRequest(), NoProgress()),
        builds=(),
        environ=internet.environ,
    )
    box.project.write("[pythons]\n")
    path = urlsplit(NDJSON_URLS[0]).path
    lines = [ndjson_line(stripped("3.15.9", tag)) for tag in ("20270101", "20270201")]
    internet.server.put(path, lines[0])
    box.run(*box.words)
    internet.server.put(path, b"".join(lines))
    return box


@pytest.mark.parametrize(
    ("turn", "last"),
    [
        (signal.SIGKILL, 3),
        pytest.param(signal.SIGINT, 2, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 2, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, 0, marks=pytest.mark.slow),  # all of them
    ],
)
def test_a_stopped_update_of_the_catalog_leaves_the_old_one_or_the_new_one(
    updating: Box, turn: signal.Signals, last: int
) -> None:
    for step in updating.remember()[-last:]:
        updating.kill(step, turn)
    known = load_cached(updating.project.cache / "catalog")
    assert known is not None
    assert known.builds("cpython", Version.parse("3.15.9")) == ("20270201", "20270101")


@pytest.mark.parametrize("stride", [40, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_with_builders_can_be_stopped_at_any_step(make_box: MakeBox, stride: int) -> None:
    """Two trees at once, one of them in another process, and one with the help of a third. Those end with the first,
    and hold the locks until then.
    """
    box = make_box("sync")
    box.environ = {"PROVISION_JOBS": "2"}
    declare(box, *box.builds)
    steps = box.remember()
    assert len([step for step in steps if step.event == "os.rename" and step.path.name == "tree"]) == 2
    for step in steps[::stride]:
        box.kill(step, (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)[step.number // stride % 4])


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory if possible: disks take long to remove a hundred thousand files."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else tmp_path))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_sync_of_real_interpreters_can_be_stopped_at_any_step(
    make_box: MakeBox, server: Server, builds: tuple[Build, ...], memory: Path
) -> None:
    """Two at once, in two processes; some of each stretch of the tens of thousands of steps, and the last ones."""
    box = make_box("sync")
    box.root = Path(shutil.move(box.root, memory / "box"))
    box.environ = {}
    box.builds = builds[-2:]
    write_catalog(server.root, box.builds)
    head = box.project.manifest.read_text().partition("[pythons]")[0]
    box.project.write(head + "[pythons]\n" + "".join(f"{build.label} = {build.entry}\n" for build in box.builds))
    steps = box.remember()
    for step in (*steps[: -len(steps) // 20 : len(steps) // 10], *[step for step in steps if step.visible][-5:-1]):
        box.kill(step, (signal.SIGKILL, signal.SIGTERM)[step.number % 2])
    count("interpreters in the series with real ones", len(box.builds))


def test_after_a_kill_list_and_which_show_only_complete_trees(make_box: MakeBox) -> None:
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
