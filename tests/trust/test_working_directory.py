"""The working directory may hold anything: no Python that provision or its integrations start imports from there."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.errors import STALE
from provision.install import bytecode
from provision.install.probe import probe
from provision.model.tree import TreeEntry
from provision.pack.interpreter import inspect_interpreter
from provision.review.libraries import libraries_from_interpreter
from tests.integrations.projects import ROOT, ScriptProject, make_project
from tests.integrations.runner import Job
from tests.support.interpreters import Installed
from tests.support.package import PACKAGE

# What starting Python, `venv`, `pip` and `json` import; each says that it ran, and then fails.
HOSTILE = ("sitecustomize", "usercustomize", "types", "venv", "pip", "json", "encodings", "provision", "select")


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with modules that must not run, which PYTHONPATH also names."""
    directory = tmp_path / "hostile"
    directory.mkdir()
    fill(directory)
    monkeypatch.chdir(directory)
    monkeypatch.setenv("PYTHONPATH", ".")
    return directory


def fill(directory: Path) -> None:
    for name in HOSTILE:
        text = f"import os\nos.close(os.open({str(directory / 'ran')!r}, os.O_CREAT | os.O_WRONLY))\nos._exit(99)\n"
        (directory / f"{name}.py").write_text(text)


def test_the_test_directory_is_hostile(hostile: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import types, json"], check=False)
    assert done.returncode == 99
    assert (hostile / "ran").exists()


def starts(path: Path) -> Iterator[str]:
    """The words of each start of a Python in a file that runs code of the standard library or of provision."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.List):
                words = [word.value if isinstance(word, ast.Constant) else "?" for word in node.elts]
                if {"-c", "-m"} & set(words):
                    yield " ".join(map(str, words))
        return
    if path.suffix == ".md":  # only as an example to copy
        text = "\n".join(re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE))
    for line in text.splitlines():
        modules = r"-m +(?:venv|pip|ensurepip|compileall|provision)\b"
        yield from re.findall(rf'(?:python[0-9.]*|\$name)"?((?: +-\w+)* +(?:{modules}|-c|"\$\w+/\w+\.py"))', line)


PATTERNS = ("examples/**/*.*", ".github/**/*.*", "docs/*.md", "*.md", "*.y*ml", ".*.yaml")
FILES = {
    **{path.relative_to(PACKAGE.parent).as_posix(): path for path in PACKAGE.rglob("*.py")},
    **{path.relative_to(ROOT).as_posix(): path for pattern in PATTERNS for path in ROOT.glob(pattern)},
}


def test_interpreters_are_started_in_isolated_mode() -> None:
    found = {(name, words) for name, path in FILES.items() for words in starts(path)}
    files = {path for path, _ in found}
    assert len(found) >= 12
    assert {"provision/install/probe.py", ".github/action/install.sh", "examples/demo.py", "docs/ci.md"} <= files
    exposed = {path for path, words in found if "-I" not in words.split()}
    assert exposed == {"provision/install/bytecode.py"}


def test_the_bytecode_compiler_removes_its_directory_before_the_first_import() -> None:
    """-I would make it ignore the seed of hashes, which it needs."""
    assert bytecode._COMPILE.startswith("import sys\ndel sys.path[0]\n")


@pytest.mark.skipif(os.name == "nt", reason="the tree is POSIX's")
def test_interpreters_of_trees_do_not_import_from_the_working_directory(
    interpreter: Installed, hostile: Path, tmp_path: Path
) -> None:
    probe(interpreter.tree, interpreter.asset)
    assert libraries_from_interpreter(interpreter.python)
    assert inspect_interpreter(interpreter.tree).version == interpreter.asset.version
    # Compiling runs in the tree: one of only its interpreter, and modules to compile.
    tree = tmp_path / "tree"
    stdlib = next(path.rpartition("/")[0] for path in interpreter.entries if path.endswith("/os.py"))
    (tree / "bin").mkdir(parents=True)
    (tree / stdlib).mkdir(parents=True)
    (tree / "bin" / "python").write_text(f'#!/bin/sh\nexec "{interpreter.python}" "$@"\n')
    (tree / "bin" / "python").chmod(0o755)
    (tree / stdlib / "os.py").write_text("")
    fill(tree)

    sources = {"bin/python": TreeEntry("file", 0o755, "", 1), f"{stdlib}/os.py": TreeEntry("file", 0o644, "", 0)}
    bytecode.compile_stdlib(tree, sources, asset=interpreter.asset)
    assert any(path.endswith(".pyc") for path in sources)
    assert not (tree / "ran").exists()
    assert not (hostile / "ran").exists()


def test_a_python_in_the_working_directory_can_be_inspected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program of that name on PATH."""
    (tmp_path / "python3").write_text(f'#!/bin/sh\ntouch "{tmp_path}/asked"\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "python3").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert inspect_interpreter(Path("python3")).version.major == 3
    assert (tmp_path / "asked").exists()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> ScriptProject:
    return make_project(tmp_path_factory.mktemp("locked"), "default")


@pytest.fixture
def checkout(locked: ScriptProject, tmp_path: Path) -> ScriptProject:
    """A checkout with hostile modules, in a job whose environment names it in PYTHONPATH."""
    directory = Path(shutil.copytree(locked.directory, tmp_path / "checkout"))
    fill(directory)
    places = {"PROVISION_HOME": str(tmp_path / "home"), "PROVISION_CACHE_DIR": str(tmp_path / "archives")}
    return ScriptProject(directory, locked.environ | places | {"PYTHONPATH": "."})


def test_the_steps_of_the_action_run_nothing_of_the_checkout(checkout: ScriptProject, tmp_path: Path) -> None:
    done = Job(checkout, tmp_path / "temp", tmp_path / "cache").run()
    assert not done.failed, done.log
    assert not (checkout.directory / "ran").exists()


@pytest.mark.slow
def test_the_installation_of_the_action_runs_nothing_of_the_checkout(checkout: ScriptProject, tmp_path: Path) -> None:
    done = Job(checkout, tmp_path / "temp", tmp_path / "cache", install=True).run(check_only="true")
    assert not done.failed, done.log
    assert not (checkout.directory / "ran").exists()


def test_the_command_of_the_hooks_runs_nothing_of_the_checkout(checkout: ScriptProject) -> None:
    command = Path(sys.executable).with_name("provision")
    environ = {name: value for name, value in checkout.environ.items() if name != "PYTHONPATH"}

    def check() -> int:
        return subprocess.run([command, "lock", "--check"], cwd=checkout.directory, env=environ, check=False).returncode

    assert check() == 0
    (checkout.directory / "pythons.lock").unlink()
    assert check() == STALE
    assert not (checkout.directory / "ran").exists()
