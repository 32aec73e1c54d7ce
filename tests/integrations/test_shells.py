"""The hooks of bash, zsh and fish, in real shells at a pseudo-terminal; that of PowerShell is not started."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from provision.cli.present.hook import SHELL_NAMES, present_hook
from provision.store.trust import revoke, trust
from tests.support.builds import write_catalog
from tests.support.project import Project
from tests.support.small import small_build
from tests.support.terminal import Terminal

_COMMANDS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i", "-C"),
}
HOSTILE = 'it\'s; "$(touch gone)" `touch gone` & *'

# fish has to be waited for at each prompt.
SHELLS = [
    pytest.param(
        name,
        marks=[
            pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"),
            *([pytest.mark.slow] if name == "fish" else []),
        ],
    )
    for name in _COMMANDS
]
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
needs_zsh = pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")


@dataclass
class Place:
    """Synced projects (``outer``, ``outer/inner``, and one with a hostile name), and the log of what a hook starts."""

    outer: Project
    inner: Project
    hostile: Project
    log: Path

    @property
    def folder(self) -> Path:
        return self.outer.directory.parent

    @property
    def environ(self) -> dict[str, str]:
        more = {"PATH": "/usr/bin:/bin", "TERM": "dumb", "PS1": "> ", "HOME": str(self.folder)}
        return self.outer.environ({**more, "PROVISION_CONFIG_DIR": str(self.folder / "config")})

    def commands(self, project: Project) -> str:
        return f"{project.directory}/.pythons/bin"

    def trust(self, *projects: Project) -> None:
        for project in projects:
            trust(self.environ, project.directory)

    def starts(self) -> int:
        return len(self.log.read_text().splitlines())


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("shells").resolve()
    build = small_build(folder / "builds")
    catalog = write_catalog(folder, [build])
    names = ("outer", "outer/inner", HOSTILE)
    projects = [Project(folder / name, home=folder / "home", cache=folder / "cache") for name in names]
    place = Place(projects[0], projects[1], projects[2], folder / "starts")
    for project in projects:
        project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = {build.entry}\n')
        config = str(folder / "config")
        project.run("sync", HOME=str(folder), PROVISION_CONFIG_DIR=config, PROVISION_MIRROR=folder.as_uri())
        project.run("sync", HOME=str(folder), PROVISION_CONFIG_DIR=config)
    (folder / "outer" / "below").mkdir()
    return place


@pytest.fixture
def place(synced: Place) -> Iterator[Place]:
    """The projects, as they were synced; none is trusted."""
    synced.log.write_text("")
    lock = synced.outer.lock.read_bytes()
    yield synced
    synced.outer.lock.write_bytes(lock)
    shutil.rmtree(synced.folder / "config", ignore_errors=True)


@contextmanager
def shell(name: str, place: Place, *before: str) -> Iterator[Callable[[str], str]]:
    """A shell that lines are typed into, with the hook after those of ``before``; returns what is shown."""
    wrapper = place.folder / "provision"
    wrapper.write_text(f'#!/bin/sh\necho "$*" >>\'{place.log}\'\nexec {sys.executable} -P -m provision "$@"\n')
    wrapper.chmod(0o755)
    code = str(present_hook(name).document["code"]).replace(f"{sys.executable} -P -m provision", str(wrapper))
    code = code.replace(f"'{sys.executable}' '-P' '-m' 'provision'", str(wrapper))
    assert str(wrapper) in code
    script = place.folder / f"hook.{name}"
    script.write_text(code)
    load, ready, command = f"source '{script}'", "", _COMMANDS[name]
    if name == "fish":
        # The last definition is called last, after the hook.
        ready, load = "ready-now", f"{load}; function ready --on-event fish_prompt; echo ready''-now; end"
        command = (*command, load)
    with Terminal(command, directory=place.folder, environ=place.environ, ready=ready) as terminal:

        def typed(line: str) -> str:
            return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r", "", terminal.type(line))

        for line in (*before, *([] if ready else [load])):
            typed(line)
        yield typed


def path_of(typed: Callable[[str], str]) -> list[str]:
    """The entries of PATH that the shell passes to its commands."""
    return typed("sh -c 'echo \"<$PATH>\"'").rpartition("<")[2].partition(">")[0].split(":")


@pytest.mark.parametrize("name", SHELLS)
def test_path_has_the_interpreters_of_the_directory(place: Place, name: str) -> None:
    plain = ["/usr/bin", "/bin"]
    code = "$status" if name == "fish" else "$?"
    with shell(name, place) as typed:
        assert "is not trusted; run `provision trust`" in typed("cd outer")
        assert path_of(typed) == plain
        assert "not trusted" not in typed("cd below")
        place.trust(place.outer)
        typed("true")
        assert path_of(typed) == [place.commands(place.outer), *plain]
        typed("cd ../inner")
        assert path_of(typed) == plain
        place.trust(place.inner)
        typed("cd .")
        assert path_of(typed) == [place.commands(place.inner), *plain]
        typed("cd ..")
        assert path_of(typed) == [place.commands(place.outer), *plain]

        started = place.starts()
        for _ in range(3):
            typed("true")
        assert place.starts() == started

        hidden = place.outer.lock.rename(place.folder / "hidden")
        assert "pythons.lock does not exist" in typed("true")
        assert place.starts() == started + 1
        assert "pythons.lock does not exist" not in typed("true")
        assert path_of(typed) == plain
        hidden.rename(place.outer.lock)
        typed("true")
        assert path_of(typed) == [place.commands(place.outer), *plain]
        good = place.outer.lock.read_bytes()
        place.outer.lock.write_text("[")
        assert typed("true").count("provision: no interpreters on PATH: ") == 1
        assert path_of(typed) == plain
        place.outer.lock.write_bytes(good)
        typed("true")
        assert path_of(typed) == [place.commands(place.outer), *plain]
        link = place.outer.directory / ".pythons" / "one"
        target = link.readlink()
        link.unlink()
        assert "no interpreters on PATH" in typed("true")
        assert path_of(typed) == plain
        link.symlink_to(target)
        typed("true")
        assert path_of(typed) == [place.commands(place.outer), *plain]

        started = place.starts()
        typed("cd /")
        assert path_of(typed) == plain
        assert place.starts() == started  # no manifest above it: the shell itself detects that
        typed("cd -")
        assert path_of(typed) == [place.commands(place.outer), *plain]
        if name == "fish":  # the others get both lines at once, because `Terminal` sends a line after each
            typed("sh -c 'exit 7'")
        assert "code 7" in typed(f"echo code {code}" if name == "fish" else f"sh -c 'exit 7'\necho code {code}")
        assert revoke(place.environ, str(place.outer.directory))
        typed("true")
        assert path_of(typed) == plain


@pytest.mark.parametrize("name", SHELLS)
def test_a_path_restored_by_another_tool_is_corrected(place: Place, name: str) -> None:
    plain, ours = ["/usr/bin", "/bin"], place.commands(place.outer)
    place.trust(place.outer, place.inner)
    environment = place.folder / "environment"
    if not environment.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    activate = f"source '{environment}/bin/activate{'.fish' if name == 'fish' else ''}'"
    # An entry of `provision env`, and one of a project that an outer shell left.
    early = f"set -gx PATH '{ours}' $PATH" if name == "fish" else f"export PATH='{ours}':$PATH"
    with shell(name, place, *(() if name == "fish" else (early,))) as typed:
        typed("cd outer")
        if name == "fish":
            typed(early)
        assert path_of(typed)[0] == ours
        typed(activate)
        assert path_of(typed)[:2] == [f"{environment}/bin", ours]
        typed("cd inner")
        typed("cd /")
        assert path_of(typed) == [f"{environment}/bin", *plain]
        typed("deactivate")
        assert path_of(typed) == plain  # it sets PATH to what was saved in the project
        typed(activate)
        typed(f"cd '{place.outer.directory}'")
        assert path_of(typed) == [ours, f"{environment}/bin", *plain]
        typed("deactivate")
        assert path_of(typed) == [ours, *plain]
        typed(activate)
        revoke(place.environ, str(place.outer.directory))
        typed("deactivate")
        assert path_of(typed) == plain


@pytest.mark.parametrize("name", SHELLS)
def test_a_directory_name_is_never_executed(place: Place, name: str) -> None:
    place.trust(place.hostile)
    broken = Project(place.folder / "two\nlines", home=place.outer.home, cache=place.outer.cache)
    broken.write("[pythons]\n")
    place.trust(broken)
    with shell(name, place) as typed:
        typed("cd it*")
        assert path_of(typed)[0] == place.commands(place.hostile)
        typed("cd ..")
        assert "no interpreters on PATH" in typed("cd two*")
        assert path_of(typed) == ["/usr/bin", "/bin"]
    assert not list(place.folder.rglob("gone"))


@needs_bash
@pytest.mark.parametrize(
    "before",
    ["PROMPT_COMMAND='true;'", "PROMPT_COMMAND=('seen=$?' 'true')", "set -eu", "set -eu; PROMPT_COMMAND=()", "set -f"],
)
def test_settings_of_bash_are_kept(place: Place, before: str) -> None:
    place.trust(place.outer)
    with shell("bash", place, before) as typed:
        typed("source ./hook.bash")  # a second time
        typed("pushd outer")
        assert path_of(typed)[0] == place.commands(place.outer)
        typed("! true")
        if "seen" in before:
            assert "seen 7" in typed("(exit 7)\necho seen $seen")
        typed("PATH=/added:$PATH:/appended")
        typed("cd below")
        ours = place.commands(place.outer)
        assert path_of(typed) == ["/added", ours, "/usr/bin", "/bin", "/appended"]
        typed("(cd /; true)")
        typed("popd")
        assert path_of(typed) == ["/added", "/usr/bin", "/bin", "/appended"]
        assert "_provision_hook_provision" not in typed("printf %s ${PROMPT_COMMAND[@]}").replace(" ", "")


@needs_bash
def test_a_shell_within_a_shell_adds_nothing_again(place: Place) -> None:
    place.trust(place.outer)
    with shell("bash", place) as typed:
        typed("cd outer")
        typed("bash --norc --noprofile -i")
        typed("source ../hook.bash")
        assert path_of(typed) == [place.commands(place.outer), "/usr/bin", "/bin"]
        typed("cd ..")
        assert path_of(typed) == ["/usr/bin", "/bin"]


@needs_zsh
@pytest.mark.parametrize(
    "before", ["precmd() { seen=$? }", "true", "setopt err_exit no_unset ksh_arrays", "setopt glob_subst"]
)
def test_settings_of_zsh_are_kept(place: Place, before: str) -> None:
    place.trust(place.outer)
    with shell("zsh", place, before) as typed:
        typed("source ./hook.zsh; see() { seen=$? }; add-zsh-hook precmd see")
        assert f"<{place.commands(place.outer)}:" in typed('(cd outer; echo "<$PATH>")')
        assert path_of(typed) == ["/usr/bin", "/bin"]
        typed("pushd outer")
        assert path_of(typed) == [place.commands(place.outer), "/usr/bin", "/bin"]
        typed("! true")
        if "err_exit" not in before:
            assert "seen 7" in typed("(exit 7)\necho seen $seen")
        typed("popd")
        assert path_of(typed) == ["/usr/bin", "/bin"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_check_at_each_prompt_starts_no_process(name: str) -> None:
    code = str(present_hook(name).document["code"])
    begin = code.index("_provision_changed" if name == "fish" else "_provision_changed()", code.index("\n# Whether"))
    look = code[begin : code.index("\n# Whether", begin)]
    assert "-nt" in look
    assert not re.search(r"\$\(|[`|](?!\|)(?<!\|\|)|\(string|provision hook", look)


def test_every_shell_starts_this_provision(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    for name in SHELL_NAMES:
        code = str(present_hook(name).document["code"])
        assert "@COMMAND@" not in code
        assert sys.executable in code
    assert project.run("hook", "zsh").out == present_hook("zsh").document["code"]
    assert "SHELL: expected one of bash, zsh, fish" in project.run("hook", "tcsh", expect=2).err


@pytest.mark.skipif(shutil.which("direnv") is None, reason="direnv is not installed")
def test_direnv_puts_the_interpreters_on_path(place: Place) -> None:
    library = place.folder / ".config" / "direnv" / "lib"
    library.mkdir(parents=True)
    (library / "provision.sh").write_text(str(present_hook("direnv").document["code"]))
    (place.outer.directory / ".envrc").write_text("use provision\n")
    words = 'eval "$(direnv hook bash)"; cd outer; direnv allow'
    with Terminal(_COMMANDS["bash"], directory=place.folder, environ=place.environ) as terminal:
        terminal.type(words)
        assert path_of(terminal.type)[0] == place.commands(place.outer)
        terminal.type("cd ..")
        assert path_of(terminal.type) == ["/usr/bin", "/bin"]
    (place.outer.directory / ".envrc").unlink()
