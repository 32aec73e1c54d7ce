"""The same results without the packages that some platforms have no wheels of."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distribution.conftest import Distributions, run
from tests.distribution.test_installing import demo, first_five_minutes
from tests.integrations.projects import ROOT

pytestmark = pytest.mark.slow

# For faster gzip, for zstd archives before Python 3.14, for the workflows that `init` reads.
OPTIONAL = ("isal", "backports", "yaml", "_yaml", "cffi")
# For the catalogs of others, which the demo has one of.
FOREIGN = ("pydantic", "pydantic_core")


@pytest.fixture(scope="module")
def bare(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of the wheel without them."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    shutil.copytree(environment, folder, symlinks=True)
    without(folder, OPTIONAL)
    return folder


def without(environment: Path, names: tuple[str, ...]) -> None:
    """Remove packages, and make sure that none of them can be found."""
    (packages,) = environment.glob("lib/python*/site-packages")
    for name in names:
        shutil.rmtree(packages / name, ignore_errors=True)
    code = "from importlib.util import find_spec; import sys; print([name for name in sys.argv[1:] if find_spec(name)])"
    assert run(environment / "bin" / "python", "-c", code, *names, cwd=packages) == "[]\n"


def test_the_everyday_commands_and_the_demo_run_without_optional_packages(
    bare: Path, distributions: Distributions, tmp_path: Path
) -> None:
    python = bare / "bin" / "python"
    assert "All of it is in .demo/." in demo(python, distributions, tmp_path)
    without(bare, FOREIGN)
    first_five_minutes((python, "-m", "provision"), tmp_path / "readme")


def test_gzip_archives_are_unpacked_and_refused_alike_without_isal() -> None:
    """Those tests of unpacking that are about gzip, which name the bytes and the refusals."""
    code = "import pytest, sys; sys.modules['isal'] = None; sys.exit(pytest.main(sys.argv[1:]))"
    quick = ("-n", "0", "-q", "-p", "no:cacheprovider", "-m", "not slow", "-k", "gz")
    files = ("tests/unpack/test_compression.py", "tests/unpack/test_safety.py", "tests/unpack/test_unpack.py")
    command = [sys.executable, "-c", code, *quick, *files]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
