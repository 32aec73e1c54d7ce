"""A project's links and commands lead to its trees; files that provision did not make are not touched."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from provision.errors import StoreError, UsageError
from provision.model.asset import BuildOptions
from provision.model.target import Target
from provision.model.value import replace
from provision.model.version import Version
from provision.store.layout import Store
from provision.store.links import (
    command_name,
    link_commands,
    link_interpreter,
    links_directory,
    read_links,
    stable_tree,
    unknown_commands,
    unlink_interpreter,
)
from tests.store.samples import ASSET, FREE, Choice, install, link_project, variant
from tests.support.file_systems import without_symlinks
from tests.support.killer import ROOT, Victim, python, was_killed
from tests.support.strangers import as_stranger
from tests.support.variants import variants

DEFAULT, FREE_CHOICE = Choice(name="default"), Choice(name="free", asset=FREE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def commands(project: Path) -> dict[str, str]:
    """The commands, and the program below ``.pythons`` that each starts."""
    found = {}
    for path in sorted((project / ".pythons/bin").iterdir()):
        match = re.search(r"/(\w+) ;; esac\nexec \"\$tree/([\w/]+)\"", path.read_text())
        assert match, path
        found[path.name] = "/".join(match.groups())
    return found


def test_names_link_to_trees_and_commands_link_to_names(store: Store, project: Path) -> None:
    install(store)
    install(store, FREE)
    link_project(project, store, [DEFAULT, FREE_CHOICE])
    assert (project / ".pythons/default").readlink() == store.tree(DEFAULT.key)
    assert read_links(project, store) == {"default": DEFAULT.key, "free": FREE_CHOICE.key}
    assert commands(project) == {"python3.13": "default/bin/python", "python3.13t": "free/bin/python"}
    assert subprocess.run([project / ".pythons/bin/python3.13"], capture_output=True, check=True).stdout == b"3.13.5\n"


def test_git_ignores_the_links(store: Store, project: Path) -> None:
    link_project(project, store, [DEFAULT])
    assert (project / ".pythons/.gitignore").read_text() == "*\n"
    (project / ".pythons/.gitignore").write_text("")
    link_project(project, store, [DEFAULT])
    assert (project / ".pythons/.gitignore").read_text() == "*\n"
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True, check=True)
    assert status.stdout == b""


def test_a_link_to_another_tree_is_replaced(store: Store, project: Path) -> None:
    link_project(project, store, [DEFAULT])
    upgraded = Choice(name="default", asset=replace(ASSET, version=Version.parse("3.14.0")))
    link_project(project, store, [upgraded])
    assert read_links(project, store) == {"default": upgraded.key}
    assert commands(project) == {"python3.14": "default/bin/python"}


def test_an_equal_link_is_not_written_again(store: Store, project: Path) -> None:
    link_project(project, store, [DEFAULT])
    paths = [project / ".pythons/default", project / ".pythons/bin/python3.13", project / ".pythons/.gitignore"]
    before = [path.lstat() for path in paths]
    link_project(project, store, [DEFAULT])
    assert [path.lstat() for path in paths] == before


def test_removing_a_link_also_removes_its_commands(store: Store, project: Path) -> None:
    link_project(project, store, [DEFAULT, FREE_CHOICE])
    unlink_interpreter(project, "free")
    unlink_interpreter(project, "never-there")
    link_commands(project, [DEFAULT], store)
    assert read_links(project, store) == {"default": DEFAULT.key}
    assert commands(project) == {"python3.13": "default/bin/python"}


def test_a_command_of_two_entries_belongs_to_the_first(store: Store, project: Path) -> None:
    other = Choice(name="other", asset=variant(5))
    link_project(project, store, [other, DEFAULT])
    assert commands(project) == {"python3.13": "other/bin/python"}
    link_project(project, store, [DEFAULT, other])
    assert commands(project) == {"python3.13": "default/bin/python"}


def test_the_default_entry_has_python_and_takes_precedence_for_its_command(store: Store, project: Path) -> None:
    other = Choice(name="other", asset=variant(5))
    for choice in (other, DEFAULT, FREE_CHOICE):
        install(store, choice.asset)
        link_interpreter(project, choice.name, choice.key, store)
    link_commands(project, [other, DEFAULT, FREE_CHOICE], store, default="default")
    ours = dict.fromkeys(("python", "python3", "python3.13"), "default/bin/python")
    assert commands(project) == {**ours, "python3.13t": "free/bin/python"}
    assert list(unknown_commands(project, [other, DEFAULT, FREE_CHOICE], store)) == []
    assert [path.name for path in unknown_commands(project, [other, FREE_CHOICE], store)] == [
        "python",
        "python3",
        "python3.13",
    ]
    link_commands(project, [other, DEFAULT, FREE_CHOICE], store, default="free")
    assert commands(project) == {
        "python": "free/bin/python",
        "python3": "free/bin/python",
        "python3.13": "other/bin/python",
        "python3.13t": "free/bin/python",
    }
    link_commands(project, [other, DEFAULT], store, default="free")
    assert set(commands(project)) == {"python3.13"}


def test_the_pip_command_belongs_to_the_default_entry(store: Store, project: Path) -> None:
    install(store)
    link_interpreter(project, "default", DEFAULT.key, store)
    assert "pip" not in link_commands(project, [DEFAULT], store, default="default")
    (store.tree(DEFAULT.key) / "bin/pip3").touch()
    link_commands(project, [DEFAULT], store, default="default")
    assert commands(project)["pip"] == commands(project)["pip3"] == "default/bin/pip3"
    assert list(unknown_commands(project, [DEFAULT], store)) == []
    (project / ".pythons/bin/pip").write_bytes((project / ".pythons/bin/python").read_bytes())
    assert [path.name for path in unknown_commands(project, [DEFAULT], store)] == ["pip"]


@pytest.mark.parametrize("name", ["default", "free"])
def test_a_path_through_the_link_is_used_only_if_the_link_leads_to_the_tree(
    store: Store, project: Path, name: str
) -> None:
    link, tree = project / ".pythons" / name, store.tree(DEFAULT.key)
    assert stable_tree(project, name, DEFAULT.key, store) == tree
    link_interpreter(project, name, DEFAULT.key, store)
    assert stable_tree(project, name, DEFAULT.key, store) == link
    assert stable_tree(project, name, FREE_CHOICE.key, store) == store.tree(FREE_CHOICE.key)
    (project / ".pythons").rename(project / "elsewhere")
    (project / ".pythons").symlink_to("elsewhere")
    assert stable_tree(project, name, DEFAULT.key, store) == tree


def test_only_linked_entries_keep_their_commands(store: Store, project: Path) -> None:
    link_project(project, store, [DEFAULT, FREE_CHOICE])
    assert link_commands(project, [FREE_CHOICE], store) == ("python3.13t",)
    assert commands(project) == {"python3.13t": "free/bin/python"}


@pytest.mark.parametrize(
    ("implementation", "version", "options", "expected"),
    [
        ("cpython", "3.14.2", [], "python3.14"),
        ("cpython", "3.14.2", ["freethreaded", "pgo"], "python3.14t"),
        ("cpython", "3.14.2", ["debug"], "python3.14d"),
        ("cpython", "3.14.2", ["debug", "freethreaded"], "python3.14td"),
        ("pypy", "3.11.13", [], "pypy3.11"),
        ("graalpy", "3.12.8", [], "graalpy3.12"),
    ],
)
def test_each_implementation_has_its_usual_command_name(
    implementation: str, version: str, options: list[str], expected: str
) -> None:
    asset = replace(
        ASSET, implementation=implementation, version=Version.parse(version), options=BuildOptions.of(options)
    )
    assert command_name(asset) == expected


def test_files_and_links_of_the_user_are_never_removed(store: Store, project: Path) -> None:
    link_project(project, store, [DEFAULT])
    folder = project / ".pythons"
    (folder / "bin/mine").write_text("mine")
    (folder / "bin/mine-too").symlink_to("/bin/sh")
    (folder / "notes").write_text("mine")
    (folder / "free").mkdir()
    (folder / "free/mine").touch()
    with pytest.raises(StoreError, match="another file or directory is at this path"):
        link_interpreter(project, "free", FREE_CHOICE.key, store)
    (folder / "bin/python3.13t").write_text("mine")
    shutil.rmtree(folder / "free")
    with pytest.raises(StoreError, match="another file or directory is at this path"):
        link_project(project, store, [DEFAULT, FREE_CHOICE])
    unlink_interpreter(project, "notes")
    assert (folder / "notes").exists()
    assert sorted(path.name for path in (folder / "bin").iterdir()) == ["mine", "mine-too", "python3.13", "python3.13t"]
    assert set(read_links(project, store)) == {"default", "free"}


def test_links_out_of_the_store_have_no_key(store: Store, project: Path) -> None:
    link_project(project, store, [DEFAULT])
    (project / ".pythons/evil").symlink_to("/etc")
    (project / ".pythons/odd").symlink_to(store.trees / "../../x")
    assert read_links(project, store) == {"default": DEFAULT.key, "evil": "", "odd": ""}


@pytest.mark.parametrize("place", [".pythons", ".pythons/bin"])
def test_directories_of_the_project_that_are_links_are_not_written_through(
    store: Store, project: Path, tmp_path: Path, place: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (project / place).parent.mkdir(exist_ok=True)
    (project / place).symlink_to(outside)
    with pytest.raises(StoreError, match="is a symbolic link; provision requires a directory there"):
        link_project(project, store, [DEFAULT])
    assert list(outside.iterdir()) == []
    assert place == ".pythons/bin" or read_links(project, store) == {}


def test_a_linked_gitignore_is_replaced_and_not_written_through(store: Store, project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    links_directory(project).mkdir()
    (project / ".pythons/.gitignore").symlink_to(tmp_path / "outside")
    link_project(project, store, [DEFAULT])
    assert (tmp_path / "outside").read_text() == "mine"


@pytest.mark.parametrize("name", ["bin", "..", "a/b", ".hidden", ""])
def test_names_that_cannot_be_links_are_refused(store: Store, project: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of an entry"):
        link_interpreter(project, name, DEFAULT.key, store)
    with pytest.raises(UsageError, match="cannot be the name of an entry"):
        unlink_interpreter(project, name)


@pytest.mark.skipif(os.name != "nt", reason="only Windows takes names for devices")
@pytest.mark.parametrize("name", ["nul", "con", "aux.3.13", "com1", "lpt9.x", "a."])
def test_names_that_windows_reads_otherwise_are_refused(store: Store, project: Path, name: str) -> None:
    test_names_that_cannot_be_links_are_refused(store, project, name)


def test_an_empty_directory_that_a_killed_run_left_is_replaced_by_a_link(store: Store, project: Path) -> None:
    """Windows makes a junction of one, and leaves it where the file system has no junctions."""
    install(store)
    (project / ".pythons/default").mkdir(parents=True)
    assert read_links(project, store) == {}
    for _ in range(2):
        link_interpreter(project, "default", DEFAULT.key, store)
        assert read_links(project, store) == {"default": DEFAULT.key}
    link_commands(project, [DEFAULT], store)
    assert sorted(path.name for path in (project / ".pythons").iterdir()) == [".gitignore", "bin", "default"]
    unlink_interpreter(project, "default")
    assert not os.path.lexists(project / ".pythons/default")


def test_a_directory_of_the_user_is_left_alone(store: Store, project: Path) -> None:
    install(store)
    (project / ".pythons/default/mine").mkdir(parents=True)
    with pytest.raises(StoreError, match="another file or directory is at this path"):
        link_interpreter(project, "default", DEFAULT.key, store)
    assert read_links(project, store) == {}
    assert (project / ".pythons/default/mine").is_dir()


def test_a_project_without_a_links_directory_has_no_links(store: Store, project: Path) -> None:
    assert read_links(project, store) == {}
    (project / ".pythons").touch()
    assert read_links(project, store) == {}
    with pytest.raises(StoreError, match="a file is where a directory should be"):
        link_project(project, store, [DEFAULT])


def test_a_moved_project_keeps_its_commands(store: Store, project: Path) -> None:
    install(store)
    link_project(project, store, [DEFAULT])
    moved = project.rename(project.with_name("moved"))
    assert subprocess.run([moved / ".pythons/bin/python3.13"], capture_output=True, check=True).stdout == b"3.13.5\n"


def test_leftovers_of_killed_runs_are_removed(store: Store, project: Path) -> None:
    link_project(project, store, [DEFAULT])
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (project / f".pythons/.gone.{dead.pid}.0123.new").symlink_to("anywhere")
    (project / f".pythons/bin/.python3.9.{dead.pid}.0123.new").touch()
    link_project(project, store, [DEFAULT])
    assert not list((project / ".pythons").rglob("*.new"))


def test_links_are_not_writable_for_others(store: Store, project: Path) -> None:
    before = os.umask(0)
    try:
        link_project(project, store, [DEFAULT])
    finally:
        os.umask(before)
    for path in (project / ".pythons", project / ".pythons/bin", project / ".pythons/.gitignore"):
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def test_many_processes_can_link_one_project_at_once(store: Store, project: Path) -> None:
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from tests.store.samples import Choice, FREE, link_project, variant
store, project = Store(Path({str(store.home)!r})), Path({str(project)!r})
for turn in range(30):
    link_project(project, store, [Choice(name="default", asset=variant(turn)), Choice(name="free", asset=FREE)])
"""
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(6)]
    assert [process.wait(60) for process in processes] == [0] * 6
    assert commands(project) == {"python3.13": "default/bin/python", "python3.13t": "free/bin/python"}
    assert not list((project / ".pythons").rglob("*.new"))


CODE = """
from pathlib import Path
from provision.store.layout import Store
from tests.store.samples import Choice, FREE, link_project, variant
from tests.store.test_links import DEFAULT, FREE_CHOICE
store, project = Store(Path({home!r})), Path({project!r})
link_project(project, store, {choices})
"""


def link_without_symlinks(
    project: Path, store: Store, choices: str, number: int = errno.EPERM
) -> subprocess.CompletedProcess[str]:
    """Link the choices in a process for which no file system has symbolic links."""
    code = CODE.format(home=str(store.home), project=str(project), choices=choices)
    command = without_symlinks([sys.executable, "-c", code], number)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "number",
    variants([errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EROFS, errno.EPROTO], quick=[errno.EPERM]),
    ids=errno.errorcode.get,
)
def test_on_a_file_system_without_links_launchers_are_written(store: Store, project: Path, number: int) -> None:
    install(store)
    for _ in range(2):
        done = link_without_symlinks(project, store, "[Choice(name='default')]", number)
        assert done.returncode == 0, done.stderr
        assert not [path for path in (project / ".pythons").rglob("*") if path.is_symlink()]
        assert read_links(project, store) == {"default": DEFAULT.key}
        assert list(unknown_commands(project, [DEFAULT], store)) == []
        for program in (".pythons/bin/python3.13", ".pythons/default/bin/python"):
            assert subprocess.run([project / program], capture_output=True, check=True).stdout == b"3.13.5\n"


def test_launchers_in_place_of_links_can_be_changed_replaced_and_removed(store: Store, project: Path) -> None:
    link_without_symlinks(project, store, "[Choice(name='default'), Choice(name='free', asset=FREE)]")
    upgraded = Choice(name="default", asset=variant(5))
    done = link_without_symlinks(project, store, "[Choice(name='default', asset=variant(5))]")
    assert done.returncode == 0, done.stderr
    assert read_links(project, store) == {"default": upgraded.key, "free": FREE_CHOICE.key}

    link_project(project, store, [DEFAULT])
    assert (project / ".pythons/default").readlink() == store.tree(DEFAULT.key)
    unlink_interpreter(project, "free")
    assert not (project / ".pythons/free").exists()
    assert read_links(project, store) == {"default": DEFAULT.key}

    done = link_without_symlinks(project, store, "[Choice(name='default', asset=variant(5))]")
    assert done.returncode == 0, done.stderr
    assert read_links(project, store) == {"default": upgraded.key}
    assert not list((project / ".pythons").rglob("*.new"))


@pytest.mark.slow
@pytest.mark.parametrize("then", ["with links", "without links"])
def test_without_links_a_kill_at_any_step_does_not_block_the_next_run(store: Store, project: Path, then: str) -> None:
    choices = "[Choice(name='default', asset=variant(5)), Choice(name='free', asset=FREE)]"
    code = CODE.format(home=str(store.home), project=str(project), choices=choices)
    command = without_symlinks(python("-c", code), errno.EPERM)
    victim = Victim(command=command, under=project, cwd=ROOT, env={})
    link_without_symlinks(project, store, "[Choice(name='default')]")
    for step in victim.trace():
        shutil.rmtree(project / ".pythons")
        link_without_symlinks(project, store, "[Choice(name='default')]")
        assert was_killed(victim.kill_at(step.number))
        if then == "with links":
            link_project(project, store, [DEFAULT, FREE_CHOICE])
        else:
            assert link_without_symlinks(project, store, "[DEFAULT, FREE_CHOICE]").returncode == 0
        assert read_links(project, store) == {"default": DEFAULT.key, "free": FREE_CHOICE.key}
        assert list(unknown_commands(project, [DEFAULT, FREE_CHOICE], store)) == []


@pytest.mark.parametrize("made", ["free", "free/bin"])
@pytest.mark.parametrize("links", [True, False])
def test_an_empty_directory_that_a_killed_run_left_does_not_block_a_link(
    store: Store, project: Path, made: str, links: bool
) -> None:
    (project / ".pythons" / made).mkdir(parents=True)
    if links:
        link_project(project, store, [FREE_CHOICE])
    else:
        assert link_without_symlinks(project, store, "[FREE_CHOICE]").returncode == 0
    assert read_links(project, store) == {"free": FREE_CHOICE.key}


def test_a_link_in_a_directory_in_place_of_a_link_is_left(store: Store, project: Path, tmp_path: Path) -> None:
    (project / ".pythons/free").mkdir(parents=True)
    (project / ".pythons/free/bin").symlink_to(tmp_path)
    with pytest.raises(StoreError, match="another file or directory is at this path"):
        link_project(project, store, [FREE_CHOICE])


def test_files_beside_a_launcher_are_not_removed_with_it(store: Store, project: Path) -> None:
    link_without_symlinks(project, store, "[Choice(name='default')]")
    mine = project / ".pythons/default/bin/mine"
    mine.touch()
    with pytest.raises(StoreError, match="a directory that is not empty is at this path"):
        unlink_interpreter(project, "default")
    assert mine.exists()
    (project / ".pythons/free/bin").mkdir(parents=True)
    (project / ".pythons/free/bin/python").write_text("mine")
    with pytest.raises(StoreError, match="another file or directory is at this path"):
        link_project(project, store, [FREE_CHOICE])


def test_a_launcher_that_another_run_makes_in_place_of_a_link_is_not_in_the_way(store: Store, project: Path) -> None:
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.links import link_interpreter, make_links_directory, read_links, unlink_interpreter
from tests.support.together import run_together
store, project = Store(Path({str(store.home)!r})), Path({str(project)!r})
make_links_directory(project)
for _ in range(40):
    run_together(*[lambda: link_interpreter(project, "default", "a", store)] * 8)
    assert read_links(project, store) == {{"default": "a"}}
    run_together(*[lambda: unlink_interpreter(project, "default")] * 2)
    assert not read_links(project, store)
"""
    done = subprocess.run(
        without_symlinks([sys.executable, "-c", code], errno.EPERM),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_without_write_permission_links_are_unavailable(store: Store, public_path: Path) -> None:
    project = public_path / "project"
    project.mkdir()
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.links import LinksUnavailableError, link_commands, link_interpreter
project, store = Path({str(project)!r}), Store(Path("/elsewhere"))
for change in (lambda: link_interpreter(project, "default", "key", store), lambda: link_commands(project, [], store)):
    try:
        change()
    except LinksUnavailableError as error:
        print(error, error.hint)
"""
    project.chmod(0o555)
    message = f"cannot link interpreters into the project: {project}/.pythons: permission denied None\n"
    assert as_stranger(code) == message * 2


@pytest.mark.skipif(os.name != "nt", reason="launchers of Windows")
def test_a_launcher_of_windows_starts_the_interpreter_of_its_entry(store: Store, project: Path) -> None:
    """Through the link, whether that is a junction or a file that holds the path."""
    asset = replace(ASSET, target=Target.parse("windows-x86_64"))
    choice = Choice(name="default", asset=asset)
    receipt = install(store, asset)
    shutil.copy(Path(os.environ.get("COMSPEC", "cmd.exe")), store.tree(receipt.key) / "python.exe")
    link_interpreter(project, "default", choice.key, store)
    link_commands(project, [choice], store, default="default")
    folder = project / ".pythons" / "bin"
    assert sorted(path.name for path in folder.iterdir()) == ["python.cmd", "python3.13.cmd", "python3.cmd"]
    for name in ("python.cmd", "python3.13.cmd"):
        command = [str(folder / name), "/d", "/c", "echo", "started"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout.split()) == (0, ["started"]), done.stderr
