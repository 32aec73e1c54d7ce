"""`provision schema` prints the files of ``schemas/``, from a checkout and from a wheel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from provision.cli.commands.pack import _complete_schema, schema_names
from provision.errors import FAILURE
from tests.support.project import Project
from tests.support.schemas import SCHEMAS

ROOT = SCHEMAS.parent
PRINTED = {
    "manifest": "pythons.schema.json",
    "lock": "pythons-lock.schema.json",
    "output-diff": "pythons-diff.schema.json",
    "output-list": "output-list.schema.json",
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel installs. It is built from the sdist, as for users without a checkout."""
    pytest.importorskip("hatchling")
    if not (ROOT / "provision").exists():
        pytest.skip("the package is not among these sources; it was installed from a wheel")
    folder = tmp_path_factory.mktemp("built")
    with tarfile.open(folder / build("sdist", ROOT, folder)) as sdist:
        sdist.extractall(folder, filter="data")
    (source,) = folder.glob("*/")
    with zipfile.ZipFile(folder / build("wheel", source, folder)) as wheel:
        wheel.extractall(folder / "installed")
    return folder / "installed"


def build(kind: str, source: Path, folder: Path) -> str:
    """Run the build backend in a separate process, as pip does; returns the file's name."""
    code = f"import sys, hatchling.build as backend; print(backend.build_{kind}(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def run(path: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the provision that is installed at ``path``."""
    command, environ = [sys.executable, "-m", "provision", *words], {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.mark.parametrize("which", PRINTED)
def test_a_checkout_prints_its_files(project: Project, which: str) -> None:
    text = (SCHEMAS / PRINTED[which]).read_text(encoding="utf-8")
    assert project.run("schema", which).out == text
    assert project.run("schema", which, "--json").document() == json.loads(text)


def test_every_schema_has_a_name_that_is_completed() -> None:
    outputs = {path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("output-*")}
    assert set(schema_names()) == {"manifest", "lock", "output-diff", *outputs}
    assert list(_complete_schema("output-catalog-s")) == ["output-catalog-show"]


@pytest.mark.parametrize("which", PRINTED)
def test_a_wheel_prints_the_same(installed: Path, tmp_path: Path, which: str) -> None:
    done = run(installed, "schema", which, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (SCHEMAS / PRINTED[which]).read_text(encoding="utf-8")


def test_an_installation_without_them_is_reported(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(installed / "provision", tmp_path / "provision", ignore=shutil.ignore_patterns("schemas"))
    done = run(tmp_path, "schema", "lock", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (FAILURE, "")
    assert "this installation of provision has no pythons-lock.schema.json" in done.stderr


def test_a_wheel_is_the_package_with_its_data_alone(installed: Path) -> None:
    data = {path.name for path in (installed / "provision" / "schemas").iterdir()}
    assert data == {path.name for path in SCHEMAS.iterdir()}
    assert {path.name for path in installed.iterdir() if path.suffix not in {".data", ".dist-info"}} == {"provision"}
    for path in (ROOT / "provision").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert (installed / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
