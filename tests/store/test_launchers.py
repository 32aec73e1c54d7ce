"""Launchers start the interpreter of a tree, whatever its path and however they are started, and replace links."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.host.files import remove_file
from provision.store.launchers import command_launcher, is_foreign, read_launcher, write_launcher
from tests.support.together import run_together
from tests.support.variants import variants

if sys.platform == "win32":
    pytest.skip("Windows has launchers of its own", allow_module_level=True)
else:
    from provision.store.launchers import tree_launcher, tree_of_launcher

PROGRAM = "bin/python"
# Prints by which path it was started, and with which arguments.
INTERPRETER = """#!/bin/sh
printf '%s\\0' "$0" "$@"
"""
NAMES = [
    "plain", "with spaces", "it's", '"quoted"', "$(touch owned)", "`touch owned`", "back\\slash", "line\nbreak", "-n",
    "'\nexec \"$tree/x\" \"$@\"\n'", "umläut", os.fsdecode(b"caf\xe9"), "a=b;c&d|e", "*?[x]", "~", "#", "%s%d",
]  # fmt: skip


class Place:
    """A tree in a store and a project that links to it, both below directories of one name."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.tree, self.project = root / name / "store" / "key", root / name / "project"
        self.link, self.command = self.project / ".pythons/default", self.project / ".pythons/bin/python3.13"
        for program in (self.tree / PROGRAM, self.command):
            program.parent.mkdir(parents=True)
        (self.tree / PROGRAM).write_text(INTERPRETER)
        (self.tree / PROGRAM).chmod(0o755)
        self.link.symlink_to(self.tree)
        write_launcher(self.command, command_launcher(self.link, self.tree, PROGRAM))

    @property
    def by_link(self) -> str:
        return str(self.link / PROGRAM)

    @property
    def by_tree(self) -> str:
        return str(self.tree / PROGRAM)


def run(*command: str | Path, cwd: Path | None = None, **environ: str) -> list[str]:
    """Run it, and return how the interpreter was started: its path and arguments."""
    done = subprocess.run(
        command, cwd=cwd, env={"PATH": os.environ["PATH"], **environ}, capture_output=True, check=True
    )
    assert done.stderr == b""
    return os.fsdecode(done.stdout).split("\0")[:-1]


@pytest.mark.parametrize("name", variants(NAMES, quick=["it's", "$(touch owned)", "line\nbreak"]), ids=ascii)
def test_paths_with_any_character_are_quoted(tmp_path: Path, name: str) -> None:
    place = Place(tmp_path, name)
    assert run(place.command, "a b", "", cwd=tmp_path) == [place.by_link, "a b", ""]
    stand_in = tmp_path / "stand-in"
    write_launcher(stand_in, tree_launcher(place.tree, PROGRAM))
    assert run(stand_in, cwd=tmp_path) == [place.by_tree]
    assert tree_of_launcher(read_launcher(stand_in) or b"", PROGRAM) == place.tree
    assert not (tmp_path / "owned").exists()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_the_tree_of_a_launcher_is_read_back(name: str) -> None:
    tree = Path("/", name)
    assert tree_of_launcher(tree_launcher(tree, PROGRAM), PROGRAM) == tree
    assert tree_of_launcher(command_launcher(Path("/p/.pythons/x"), tree, PROGRAM), PROGRAM) is None


@pytest.mark.parametrize("change", [(b"exec ", b"true; exec "), (b"tree='", b"true; tree='"), (b'"$@"\n', b'"$@" \n')])
def test_a_changed_launcher_has_no_tree(change: tuple[bytes, bytes]) -> None:
    content = tree_launcher(Path("/tree"), PROGRAM)
    assert tree_of_launcher(content.replace(*change), PROGRAM) is None


def test_a_launcher_uses_the_link_of_its_entry_however_it_is_called(tmp_path: Path) -> None:
    place = Place(tmp_path, "a b")
    folder = place.project / ".pythons"
    assert run(place.command) == [place.by_link]
    assert run("python3.13", PATH=f"{folder}/bin:/bin") == [place.by_link]
    assert run("./.pythons/bin/python3.13", cwd=place.project) == ["./.pythons/default/bin/python"]
    assert run("/bin/sh", place.command, "-c", "x") == [place.by_link, "-c", "x"]


def test_a_launcher_that_cannot_locate_the_link_uses_the_tree(tmp_path: Path) -> None:
    place = Place(tmp_path, "a b")
    (tmp_path / "python").symlink_to(place.command)
    assert run(tmp_path / "python") == [place.by_tree]
    for path in ("./python3.13", "../bin/python3.13"):
        assert run(path, cwd=place.command.parent) == [place.by_tree]
    assert run("python3.13", cwd=place.command.parent, PATH=":/bin") == [place.by_tree]


def test_a_changed_link_changes_the_interpreter_of_the_command(tmp_path: Path) -> None:
    place, other = Place(tmp_path, "one"), Place(tmp_path, "two")
    (other.tree / PROGRAM).write_text("#!/bin/sh\nprintf 'another\\0'\n")
    place.link.unlink()
    place.link.symlink_to(other.tree)
    assert run(place.command) == ["another"]


def test_the_launcher_process_is_replaced_by_the_interpreter(tmp_path: Path) -> None:
    """Signals, the exit code and stdin are the interpreter's own, because no shell stays in between."""
    place = Place(tmp_path, "one")
    (place.tree / PROGRAM).write_text('#!/bin/sh\nread line\necho "$$ $line"\nkill -TERM $$\n')
    process = subprocess.Popen([place.command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = process.communicate(b"typed\n")
    assert out.decode() == f"{process.pid} typed\n"
    assert process.returncode == -15


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no script as the interpreter of a script")
def test_a_launcher_can_be_the_interpreter_of_a_script(tmp_path: Path) -> None:
    place = Place(tmp_path, "one")
    script = tmp_path / "script"
    script.write_text(f"#!{place.command} -I\n")
    script.chmod(0o755)
    assert run(script, "a b") == [place.by_link, "-I", str(script), "a b"]


def test_functions_and_startup_files_of_the_shell_do_not_affect_a_launcher(tmp_path: Path) -> None:
    place = Place(tmp_path, "one")
    (tmp_path / "rc").write_text("touch owned\n")
    function = "() { touch owned; }"
    environ = {"ENV": str(tmp_path / "rc"), "BASH_ENV": str(tmp_path / "rc"), "BASH_FUNC_exec%%": function, "IFS": "/"}
    assert run(place.command, "a/b", cwd=tmp_path, **environ) == [place.by_link, "a/b"]
    assert not (tmp_path / "owned").exists()


def test_only_launchers_written_by_provision_are_replaced(tmp_path: Path) -> None:
    content = command_launcher(tmp_path / "x", tmp_path, PROGRAM)
    path = tmp_path / "python3.13"
    write_launcher(path, content)
    before = path.stat()
    write_launcher(path, content)
    assert path.stat() == before
    write_launcher(path, tree_launcher(tmp_path, PROGRAM))
    assert read_launcher(path) == tree_launcher(tmp_path, PROGRAM)
    assert path.stat().st_mode & 0o777 == 0o755 & ~_umask()
    for mine in ("#!/bin/sh\n", ""):
        path.write_text(mine)
        assert is_foreign(path)
        with pytest.raises(FileExistsError):
            write_launcher(path, content)
        assert path.read_text() == mine


@pytest.mark.parametrize(
    ("target", "ours"),
    [("../default/bin/python", True), ("../../bin/python", False), ("/bin/sh", False), ("../x", False), ("x", False)],
)
def test_links_in_place_of_launchers_are_replaced(tmp_path: Path, target: str, ours: bool) -> None:
    """Before there were launchers, commands were links."""
    path, content = tmp_path / "python3.13", tree_launcher(tmp_path, PROGRAM)
    path.symlink_to(target)
    assert read_launcher(path) is None
    assert is_foreign(path) is not ours
    if ours:
        write_launcher(path, content)
        assert read_launcher(path) == content


def test_a_link_to_a_launcher_is_not_a_launcher(tmp_path: Path) -> None:
    write_launcher(tmp_path / "it", tree_launcher(tmp_path, PROGRAM))
    (tmp_path / "link").symlink_to("it")
    assert read_launcher(tmp_path / "it")
    assert read_launcher(tmp_path / "link") is None


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_an_old_link_that_another_run_is_replacing_is_not_foreign(tmp_path: Path) -> None:
    content = tree_launcher(tmp_path, PROGRAM)
    for attempt in range(200):
        path = tmp_path / str(attempt)
        path.symlink_to("../default/bin/python")
        run_together(*[lambda: write_launcher(path, content)] * 4)  # noqa: B023
        assert read_launcher(path) == content


def test_a_launcher_that_another_run_removes_and_writes_again_is_not_foreign(tmp_path: Path) -> None:
    path, content = tmp_path / "python3.13", tree_launcher(tmp_path, PROGRAM)

    def write() -> None:
        for turn in range(200):
            write_launcher(path, content + b"# %d\n" % turn)

    def remove() -> None:
        for _ in range(200):
            remove_file(path)

    run_together(write, remove, write, remove)
