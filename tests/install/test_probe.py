"""Trees that differ from what was locked, or do not start, are refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from provision.errors import IntegrityError, PolicyError
from provision.install.probe import PROBE_SCRIPT, can_run, probe, probing, require_interpreter, why_not_runnable
from provision.model.asset import BuildOptions, CpuLevel
from provision.model.target import Host, Target
from provision.model.tree import TreeEntry
from provision.model.value import replace
from provision.model.version import Version
from tests.relocate.samples import asset
from tests.support.interpreters import Installed

LINUX, MUSL, MAC, ROSETTA = map(Target.parse, ("linux-x86_64", "linux-x86_64-musl", "macos-aarch64", "macos-x86_64"))


def fake(tree: Path, script: str) -> Path:
    """A tree whose interpreter is a shell script."""
    python = tree / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}")
    python.chmod(0o755)
    return tree


def test_a_finished_tree_passes(interpreter: Installed) -> None:
    probe(interpreter.tree, interpreter.asset)


def test_the_script_leaves_no_file_open(interpreter: Installed) -> None:
    """Or a debug build, which warns of it, imports for a quarter of a second first."""
    command = [str(interpreter.python), "-I", "-S", "-B", "-X", "dev", "-c", PROBE_SCRIPT]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems run what is open for writing")
def test_the_probe_waits_for_an_interpreter_that_another_process_has_open(tmp_path: Path) -> None:
    tree = fake(tmp_path / "tree", "exit 7")
    with (tree / "bin/python").open("r+b") as file:
        threading.Timer(0.1, file.close).start()
        with pytest.raises(IntegrityError, match="exit code 7"):
            probe(tree, asset())


def test_each_difference_is_reported(interpreter: Installed) -> None:
    other = replace(
        interpreter.asset,
        version=Version.parse("3.9.1"),
        options=BuildOptions.of(
            {"freethreaded", "debug"} ^ interpreter.asset.options.names & {"freethreaded", "debug"}
        ),
    )
    with pytest.raises(IntegrityError) as caught:
        probe(interpreter.tree, other)
    message = str(caught.value)
    assert f"version: expected 3.9.1, got {interpreter.asset.version}" in message
    assert ("Py_GIL_DISABLED: " in message) == (other.options.freethreaded != interpreter.asset.options.freethreaded)
    assert ("Py_DEBUG: " in message) == (other.options.debug != interpreter.asset.options.debug)


def test_another_implementation_is_reported(interpreter: Installed) -> None:
    with pytest.raises(IntegrityError, match="implementation: expected pypy, got cpython"):
        probe(interpreter.tree, replace(interpreter.asset, implementation="pypy"))


def test_an_interpreter_that_runs_from_elsewhere_is_refused(interpreter: Installed, tmp_path: Path) -> None:
    tree = fake(tmp_path / "tree", f'exec "{interpreter.python}" "$@"\n')
    with pytest.raises(IntegrityError, match=r"it runs from .* outside its tree"):
        probe(tree, interpreter.asset)


ANSWERS = """
printf 'implementation=cpython\\nversion={version}\\nPy_GIL_DISABLED=0\\nPy_DEBUG=0\\nprefix=%s\\n' "$tree"
"""


@pytest.mark.skipif(os.name == "nt", reason="environments have launchers of their own there")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('tree=$(dirname "$0")/..', r"differs from the lock file: it runs from .*/bin/\.\., outside its tree"),
        ('case $0 in */environment-*) tree=/usr ;; esac', "differs from the lock file: it runs from /usr, outside "),
        ('case $0 in */environment-*) echo "no frame" >&2; exit 1 ;; esac', r"\(exit code 1\): no frame"),
    ],
)  # fmt: skip
def test_virtual_environments_must_also_run_on_the_tree(tmp_path: Path, script: str, reason: str) -> None:
    answers = ANSWERS.format(version=asset().version)
    probe(fake(tmp_path / "good", f"tree={tmp_path}/good\n{answers}"), asset())
    with pytest.raises(IntegrityError, match=f"^a virtual environment of cpython .* {reason}"):
        probe(fake(tmp_path / "bad", f"tree={tmp_path}/bad\n{script}\n{answers}"), asset())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "good"]


def await_text(path: Path) -> str:
    end = time.monotonic() + 30
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return path.read_text()


@pytest.mark.skipif(os.name == "nt", reason="there, interpreters are started by themselves")
def test_the_probe_runs_in_parallel_with_the_caller(tmp_path: Path) -> None:
    answers = ANSWERS.format(version=asset().version)
    tree = fake(tmp_path / "tree", f"echo begun > {tmp_path}/begun\ntree={tmp_path}/tree\n{answers}")
    with probing(tree, asset()):
        await_text(tmp_path / "begun")
    (tree / "bin/python").write_text("#!/bin/sh\nexit 7\n")
    with pytest.raises(IntegrityError, match="exit code 7"), probing(tree, asset()):
        (tmp_path / "meanwhile").touch()
    assert (tmp_path / "meanwhile").exists()


@pytest.mark.skipif(os.name == "nt", reason="there, interpreters are started by themselves")
def test_an_error_of_the_caller_ends_the_probe(tmp_path: Path) -> None:
    tree = fake(tmp_path / "tree", f"echo $$ > {tmp_path}/pid\nexec sleep 60")

    def fail_once_it_runs() -> None:
        await_text(tmp_path / "pid")
        raise IntegrityError("no such edit")

    with pytest.raises(IntegrityError, match="no such edit"), probing(tree, asset()):
        fail_once_it_runs()
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pid", "tree"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("name", ["with spaces ", "umläut", "it's = #", os.fsdecode(b"caf\xe9")], ids=ascii)
def test_an_interpreter_passes_under_any_path(interpreter: Installed, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "tree").symlink_to(interpreter.tree)
    probe(tmp_path / name / "tree", interpreter.asset)


def test_variables_of_the_caller_are_not_passed_to_the_interpreter(
    interpreter: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "os.py").write_text("raise SystemExit('imported from PYTHONPATH')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    probe(interpreter.tree, interpreter.asset)


def test_probing_leaves_no_bytecode_behind(interpreter: Installed, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(interpreter.tree, tree, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    probe(tree, interpreter.asset)
    assert not list(tree.rglob("__pycache__"))


@pytest.mark.parametrize(
    "message",
    [
        "python: error while loading shared libraries: libcrypt.so.1: cannot open shared object file",
        "python: /lib/libc.so.6: version `GLIBC_2.38' not found (required by python)",
        "Error loading shared library libpython3.13.so.1.0: No such file or directory (needed by python)",
        "Could not start dynamically linked executable: python",
    ],
)
def test_a_missing_library_is_reported_in_the_loaders_words(tmp_path: Path, message: str) -> None:
    tree = fake(tmp_path, f'echo "{message.replace("`", chr(92) + "`")}" >&2\nexit 127\n')
    with pytest.raises(PolicyError) as caught:
        probe(tree, asset())
    assert message in str(caught.value)


def test_a_program_for_another_machine_is_a_policy_error(tmp_path: Path) -> None:
    tree = fake(tmp_path, "")
    (tree / "bin" / "python").write_bytes(b"\x7fELF of another machine")
    with pytest.raises(
        PolicyError, match="cannot be started on this machine: it is damaged, or not a program for this machine"
    ):
        probe(tree, asset())


@pytest.mark.skipif(sys.platform != "linux", reason="programs have another format here")
def test_a_missing_loader_is_named(tmp_path: Path) -> None:
    tree = fake(tmp_path, "")
    content = Path("/bin/sh").read_bytes().replace(b"/ld-", b"/no-")
    (tree / "bin" / "python").write_bytes(content)
    with pytest.raises(PolicyError, match=r"its loader /\S*/no-\S* does not exist"):
        probe(tree, asset())


def test_an_unknown_instruction_is_a_policy_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="illegal instruction"):
        probe(fake(tmp_path, "kill -ILL $$\n"), asset())


def test_the_last_line_of_a_broken_interpreter_is_reported(tmp_path: Path) -> None:
    tree = fake(tmp_path, "echo first >&2; echo 'Fatal Python error: no encodings' >&2; exit 1\n")
    with pytest.raises(IntegrityError, match=r"does not start \(exit code 1\): Fatal Python error: no encodings"):
        probe(tree, asset())


def test_invalid_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="implementation: expected cpython, got none"):
        probe(fake(tmp_path, "echo nonsense\n"), asset())


@pytest.mark.parametrize(
    ("case", "target", "options", "host", "runs"),
    [
        ("its own", LINUX, "", Host(target=LINUX), True),
        ("another libc", MUSL, "", Host(target=LINUX), False),
        ("static musl", MUSL, "static+lto", Host(target=LINUX), True),
        ("another system", MAC, "", Host(target=LINUX), False),
        ("emulated", ROSETTA, "", Host(target=MAC, emulated=(ROSETTA,)), True),
        ("not emulated", ROSETTA, "", Host(target=MAC), False),
    ],
)
def test_a_host_runs_only_interpreters_of_compatible_targets(
    case: str, target: Target, options: str, host: Host, *, runs: bool
) -> None:
    assert can_run(replace(asset(options=options), target=target), host) is runs, case


@pytest.mark.parametrize(
    ("case", "target", "cpu", "host", "why"),
    [
        ("its own", LINUX, "baseline", Host(target=LINUX), ""),
        ("its level", LINUX, "v3", Host(target=LINUX), ""),
        ("a higher level", LINUX, "v4", Host(target=LINUX), "requires CPU level v4, this machine's is lower"),
        (
            "an old libc",
            LINUX,
            "baseline",
            Host(target=LINUX, glibc=(2, 12)),
            "requires glibc 2.17, this machine's is older",
        ),
        ("another system", MAC, "baseline", Host(target=LINUX), "this machine cannot run macos-aarch64"),
        ("no host at all", LINUX, "baseline", None, "no Python is published for this machine"),
    ],
)
def test_the_reason_why_a_host_cannot_start_an_interpreter_is_given(
    case: str, target: Target, cpu: CpuLevel, host: Host | None, why: str
) -> None:
    found = why_not_runnable(replace(asset(), target=target, cpu=cpu), host, lambda: "v3")
    assert found.startswith(why), case
    assert bool(found) == bool(why), case


@pytest.mark.parametrize(
    ("implementation", "target", "place"),
    [
        ("cpython", "linux-x86_64", "bin/python"),
        ("cpython", "windows-x86_64", "python.exe"),
        ("graalpy", "windows-x86_64", "bin/graalpy.exe"),
    ],
)
def test_every_tree_must_have_its_interpreter(implementation: str, target: str, place: str) -> None:
    build = asset(implementation=implementation, target=target)
    require_interpreter({place: TreeEntry("file", 0o755)}, build)
    for entries in ({}, {place: TreeEntry("dir", 0o755)}):
        with pytest.raises(IntegrityError, match=f"its archive contains no {re.escape(place)}"):
            require_interpreter(entries, build)
