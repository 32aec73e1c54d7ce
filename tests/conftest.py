"""Fixtures that several folders share, and the flag that updates golden files."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.catalog.server import Upstream, serve
from tests.support.builds import Build, pack_ours, ready_made
from tests.support.interpreters import Installed, archive_of, install, labels
from tests.support.server import Server

Golden = Callable[[Path, str], None]

# No deadlines: a loaded machine is no failure. In CI the same examples every time; elsewhere new ones, to find more.
settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("project")

# The programs that tests run must not depend on who runs the tests: a CI, or a shell with its own settings.
for _name in list(os.environ):
    if _name == "CI" or (_name.startswith("PROVISION_") and not _name.startswith("PROVISION_TEST_")):
        del os.environ[_name]

# Shells start background jobs with SIGINT ignored, and their children inherit that; tests send SIGINT.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Containers often switch bytecode off; then pytest would rewrite the assertions of all modules anew in each worker.
sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what is printed now into the golden files")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with a golden file, or update the file with ``--update-golden``."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.read_text(encoding="utf-8") == text, (
            f"{path.name} differs; if that is meant, run pytest with --update-golden"
        )

    return check


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real HTTP server on loopback, with an empty directory to serve."""
    root = tmp_path / "www"
    root.mkdir()
    with Server(root) as running:
        yield running


@pytest.fixture
def upstream_server() -> Iterator[Upstream]:
    """A real HTTP server on loopback that answers with ETags, as those of catalogs do."""
    with serve() as upstream:
        yield upstream


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Build, ...]:
    """Real interpreters as archives: available ones in PBS's layout, else the Python that runs the tests, packed."""
    shared = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    return ready_made() or (pack_ours(shared / "packed"),)


# Debug builds take many times as long for everything.
_LABELS = [pytest.param(label, marks=pytest.mark.slow) if "-debug-" in label else label for label in labels()]


@pytest.fixture(scope="session", params=_LABELS)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive in PBS's layout, one after the other."""
    base = tmp_path_factory.getbasetemp()
    return archive_of(request.param, base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture(scope="session")
def interpreter(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The archive's interpreter, installed in a directory whose name says nothing about it."""
    return install(archive, tmp_path_factory.mktemp("store") / "tree")
