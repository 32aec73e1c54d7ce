"""The stamp of a sync counts only while nothing that it names has changed; it is fast, and cannot be forged."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from provision import __version__
from provision.store.layout import Store
from provision.store.publish import mark_durable, remove_tree
from provision.store.receipts import read_receipt
from provision.store.roots import record_root
from provision.store.stamp import boot_id, read_stamp, write_stamp
from tests.store.samples import FREE, Choice, install, link_project
from tests.support.killer import ROOT, Victim, python
from tests.support.package import IMPORTED_FROM
from tests.support.strangers import is_root

PYTHONS = (Choice(name="default"), Choice(name="free", asset=FREE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project that was just synced."""

    folder: Path
    store: Store
    environ: Mapping[str, str]

    @property
    def manifest(self) -> Path:
        return self.folder / "pythons.toml"

    @property
    def stamp(self) -> Path:
        return self.folder / ".pythons/.stamp"

    def sync(self) -> bool:
        record_root(self.store, self.folder / "pythons.toml", [choice.key for choice in PYTHONS])
        link_project(self.folder, self.store, PYTHONS)
        return write_stamp(
            self.manifest,
            manifest_bytes=self.manifest.read_bytes(),
            lock_bytes=self.manifest.with_suffix(".lock").read_bytes(),
            environ=self.environ,
            store=self.store,
            pythons=PYTHONS,
        )

    def fresh(self, **environ: str) -> dict[str, str] | None:
        stamp = read_stamp({**self.environ, **environ}, str(self.folder))
        return None if stamp is None else stamp.pythons


@pytest.fixture
def project(store: Store, tmp_path: Path) -> Project:
    for choice in PYTHONS:
        install(store, choice.asset)
    folder = tmp_path / "project"
    (folder / "below/deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "pythons.toml").write_text("[pythons]\n")
    (folder / "pythons.lock").write_text('lock-version = "1.0"\n')
    project = Project(folder=folder, store=store, environ={"HOME": str(tmp_path), "PROVISION_HOME": str(store.home)})
    assert project.sync()
    return project


def test_after_a_sync_the_stamp_lists_every_interpreter(project: Project) -> None:
    assert project.fresh() == {python.name: str(project.store.tree(python.key) / "bin/python") for python in PYTHONS}
    assert list(project.fresh() or {}) == ["default", "free"]


def test_a_stamp_is_found_from_subdirectories_as_the_manifest_is(project: Project, tmp_path: Path) -> None:
    assert read_stamp(project.environ, str(project.folder / "below/deep"))
    assert read_stamp(project.environ, str(tmp_path)) is None
    (project.folder / "below/.git").touch()
    assert read_stamp(project.environ, str(project.folder / "below/deep")) is None


def test_a_named_manifest_uses_its_own_stamp(project: Project, tmp_path: Path) -> None:
    for named in (str(project.manifest), str(project.folder), "project", "./project//pythons.toml"):
        assert read_stamp({**project.environ, "PROVISION_MANIFEST": named}, str(tmp_path))
        assert read_stamp(project.environ, str(tmp_path), manifest=named)
    other = {**project.environ, "PROVISION_MANIFEST": str(tmp_path / "other.toml")}
    assert read_stamp(other, str(project.folder)) is None
    assert read_stamp(other, str(project.folder), manifest=str(project.manifest))
    assert read_stamp(project.environ, str(tmp_path), manifest="project/../project") is None


def test_the_stamp_of_a_frozen_sync_is_valid_for_frozen_syncs_only(project: Project) -> None:
    assert read_stamp(project.environ, str(project.folder), frozen=True)
    edit(project.stamp, "compared True", "compared False")
    assert read_stamp(project.environ, str(project.folder), frozen=True)
    assert project.fresh() is None


def test_each_manifest_of_a_directory_has_its_own_stamp(project: Project) -> None:
    other = project.folder / "ci.toml"
    other.write_bytes(project.manifest.read_bytes())
    other.with_suffix(".lock").touch()
    assert read_stamp(project.environ, str(project.folder), manifest="ci.toml") is None
    assert write_stamp(
        other,
        manifest_bytes=other.read_bytes(),
        lock_bytes=b"",
        environ=project.environ,
        store=project.store,
        pythons=PYTHONS,
    )
    assert read_stamp(project.environ, str(project.folder), manifest="ci.toml")
    assert project.fresh()


def test_a_stamp_in_a_world_writable_parent_directory_is_not_used(project: Project) -> None:
    project.folder.chmod(0o777)
    assert read_stamp(project.environ, str(project.folder / "below")) is None
    assert project.fresh()


def a_tree(project: Project) -> Path:
    return project.store.tree(PYTHONS[0].key)


DOUBTS: dict[str, Callable[[Project], object]] = {
    "the manifest changed": lambda project: project.manifest.write_text("[pythons]\n\n"),
    "the lock changed": lambda project: (project.folder / "pythons.lock").write_text("x"),
    "the lock is gone": lambda project: (project.folder / "pythons.lock").unlink(),
    "a link is gone": lambda project: (project.folder / ".pythons/free").unlink(),
    "a link leads elsewhere": lambda project: relink(project.folder / ".pythons/free"),
    "a command is gone": lambda project: (project.folder / ".pythons/bin/python3.13t").unlink(),
    "a command leads elsewhere": lambda project: relink(project.folder / ".pythons/bin/python3.13t"),
    "a command was added": lambda project: (project.folder / ".pythons/bin/python3.9").touch(),
    "a tree is gone": lambda project: remove_tree(project.store, PYTHONS[0].key),
    "a receipt is gone": lambda project: project.store.receipt(PYTHONS[0].key).unlink(),
    "a receipt is another": lambda project: project.store.receipt(PYTHONS[0].key).write_text("{}"),
    "the interpreter is gone": lambda project: (a_tree(project) / "bin/python3.13").unlink(),
    "its link is gone": lambda project: (a_tree(project) / "bin/python").unlink(),
    "the interpreter changed": lambda project: same_size(a_tree(project) / "bin/python3.13"),
    "the interpreter may not be run": lambda project: (a_tree(project) / "bin/python3.13").chmod(0o644),
    "the library is gone": lambda project: (a_tree(project) / "lib/python3.13/os.py").unlink(),
    "the library changed": lambda project: same_size(a_tree(project) / "lib/python3.13/os.py"),
    "a tree was replaced": lambda project: install(project.store),
    "a prune forgot the project": lambda project: next(project.store.roots.iterdir()).unlink(),
    "the stamp is gone": lambda project: project.stamp.unlink(),
    "the stamp is torn": lambda project: project.stamp.write_text(project.stamp.read_text()[:-5]),
    "the stamp is empty": lambda project: project.stamp.write_text(""),
    "the stamp is odd": lambda project: project.stamp.write_bytes(project.stamp.read_bytes().replace(b"stat", b"\xff")),
    "the stamp is a link": lambda project: project.stamp.symlink_to(project.stamp.rename(project.folder / "stamp")),
    "others may write the stamp": lambda project: project.stamp.chmod(0o666),
    "it is of another boot": lambda project: edit(project.stamp, f"boot {boot_id()}", "boot 0000"),
    "it is of another version": lambda project: edit(project.stamp, "provision-stamp 3 ", "provision-stamp 3 9"),
    "it is of a system with another C library": lambda project: edit(project.stamp, "\nsystem ", "\nsystem 1"),
    "it is of a system without a shell": lambda project: edit(project.stamp, "\nsystem ", "\nsystem\n"),
    "it is of a later format": lambda project: edit(project.stamp, "provision-stamp 3", "provision-stamp 4"),
    "it has a line of a later format": lambda project: edit(project.stamp, "\nlink\t", "\nlonk\t"),
    "it has a field more": lambda project: edit(project.stamp, "\nlink\t", "\nlink\tx\t"),
}


def relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("/elsewhere")


def same_size(path: Path) -> None:
    """Change a file so that size and modification time stay."""
    facts = path.stat()
    path.write_bytes(bytes(facts.st_size))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("doubt", DOUBTS)
def test_any_change_invalidates_the_stamp(project: Project, doubt: str) -> None:
    DOUBTS[doubt](project)
    assert project.fresh() is None


def test_moving_the_project_invalidates_the_stamp(project: Project) -> None:
    moved = project.folder.rename(project.folder.with_name("moved"))
    assert read_stamp(project.environ, str(moved)) is None


@pytest.mark.parametrize(
    "variable",
    [
        "PROVISION_HOME",
        "PROVISION_LOCKED",
        "PROVISION_OFFLINE",
        "PROVISION_JOBS",
        "PROVISION_NEW",
        "HOME",
        "XDG_DATA_HOME",
    ],
)
def test_variables_that_select_entries_or_stores_invalidate_the_stamp(project: Project, variable: str) -> None:
    assert project.fresh(**{variable: "/another"}) is None


@pytest.mark.parametrize(
    "variable",
    ["PROVISION_JOBS=3", "PROVISION_LOCKED=no", "PROVISION_OFFLINE=1", "PROVISION_CACHE_DIR=x", "CI=x"],
)
def test_other_variables_do_not_invalidate_the_stamp(project: Project, variable: str) -> None:
    name, value = variable.split("=")
    assert project.fresh(**{name: value})


def test_secrets_of_the_environment_are_not_written_to_the_stamp(project: Project) -> None:
    environ = {**project.environ, "PROVISION_TOKEN": "s3cret", "PROVISION_MIRROR": "https://me:s3cret@example.com"}
    assert Project(folder=project.folder, store=project.store, environ=environ).sync()
    assert b"s3cret" not in project.stamp.read_bytes()


def test_a_store_that_depends_on_the_working_directory_is_never_stamped(project: Project) -> None:
    environ = {**project.environ, "PROVISION_HOME": "home"}
    assert not Project(folder=project.folder, store=project.store, environ=environ).sync()
    assert project.fresh(PROVISION_HOME="home") is None


def test_a_later_sync_writes_a_new_stamp(project: Project) -> None:
    (a_tree(project) / "lib/python3.13/os.py").unlink()
    install(project.store)
    assert project.fresh() is None
    assert project.sync()
    assert project.fresh()


def test_marking_a_tree_as_durable_invalidates_the_stamp_until_the_next_sync(project: Project) -> None:
    receipt = read_receipt(project.store, PYTHONS[0].key)
    assert receipt
    assert mark_durable(project.store, receipt)
    assert project.fresh() is None
    project.sync()
    assert project.fresh()


def test_no_stamp_is_written_if_a_link_is_missing(project: Project) -> None:
    (project.folder / ".pythons/free").unlink()
    assert not write_stamp(
        project.manifest,
        manifest_bytes=b"",
        lock_bytes=b"",
        environ=project.environ,
        store=project.store,
        pythons=PYTHONS,
    )


def test_paths_that_do_not_fit_on_a_line_are_never_stamped(tmp_path: Path) -> None:
    odd = Store(tmp_path / "ho\nme")
    for choice in PYTHONS:
        install(odd, choice.asset)
    (tmp_path / "pythons.toml").touch()
    (tmp_path / "pythons.lock").touch()
    project = Project(folder=tmp_path, store=odd, environ={})
    assert not project.sync()
    assert not project.stamp.exists()


def test_paths_need_not_be_utf_8(tmp_path: Path) -> None:
    odd = Store(tmp_path / os.fsdecode(b"caf\xe9"))
    for choice in PYTHONS:
        install(odd, choice.asset)
    (tmp_path / "pythons.toml").touch()
    (tmp_path / "pythons.lock").touch()
    project = Project(folder=tmp_path, store=odd, environ={})
    assert project.sync()
    assert project.fresh()


def test_a_kill_while_stamping_leaves_the_old_stamp_or_the_new(project: Project) -> None:
    code = f"""
from pathlib import Path
from provision.store.layout import Store
from tests.store.test_stamp import Project
folder, store = Path({str(project.folder)!r}), Store(Path({str(project.store.home)!r}))
Project(folder=folder, store=store, environ={project.environ!r}).sync()
"""
    victim = Victim(command=python("-c", code), under=project.folder, cwd=ROOT, env={})
    for step in victim.trace():
        victim.kill_at(step.number)
        assert project.fresh()
    assert project.sync()
    assert sorted(path.name for path in (project.folder / ".pythons").iterdir()) == [
        ".gitignore",
        ".id",
        ".stamp",
        "bin",
        "default",
        "free",
    ]


NO_OP = "from provision.store.stamp import read_stamp; import os; assert read_stamp(os.environ)"
HEAVY = ("re", "enum", "typing", "dataclasses", "typer", "json", "pathlib", "hashlib", "collections", "functools")


def modules(project: Project, code: str) -> set[str]:
    """The modules loaded at the end of a run that sees nothing of the test's own environment."""
    process = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(IMPORTED_FROM)!r}); {code}; print(*sys.modules)",
        ],
        cwd=project.folder,
        env=dict(project.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(process.stdout.split())


def test_reading_a_stamp_imports_nothing_that_python_has_not_loaded(project: Project) -> None:
    before = modules(project, "import os")
    loaded = modules(project, NO_OP) - before
    own = {"provision", "provision.model", "provision.model.sha256", "provision.store", "provision.store.stamp"}
    own |= {"provision.host", "provision.host.variables"}
    assert loaded <= {*own, "_sha2", "_sha256"}
    assert not loaded.intersection(HEAVY)


def forge(project: Project, boot: str, manifest: str) -> None:
    """Write the stamp that a hostile repository could contain, which leads to its own interpreter."""

    def digest(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    lock = (project.folder / "pythons.lock").read_bytes()
    project.stamp.write_text(
        f"provision-stamp 3 {__version__}\n"
        f"boot {boot} {os.uname().machine}\n"
        f"system {Path('/bin/sh').stat().st_size} {Path('/bin/sh').stat().st_mtime_ns}\n"
        f"environment {digest(b'HOME=/')}\n"
        f"manifest {digest(project.manifest.read_bytes())} {manifest}\n"
        f"lock {digest(lock)}\n"
        "compared True\n"
        "python\tdefault\t./evil\n"
        "end\n"
    )


def test_a_committed_stamp_is_used_only_if_it_has_the_current_boot(project: Project) -> None:
    forge(project, boot_id(), str(project.manifest))
    believed = read_stamp({"HOME": "/"}, str(project.folder))
    assert believed
    assert believed.pythons == {"default": "./evil"}
    for guess in ("", "00000000-0000-0000-0000-000000000000"):
        forge(project, guess, str(project.manifest))
        assert read_stamp({"HOME": "/"}, str(project.folder)) is None


@pytest.mark.skipif(not is_root(), reason="needs the right to hide /proc")
def test_on_a_system_without_a_boot_id_no_stamp_is_used(project: Project) -> None:
    code = f"""
import os
from provision.store import stamp
os.chroot({str(project.folder)!r})
print(repr(stamp.boot_id()), stamp.read_stamp({{"HOME": "/"}}, "/"))
"""
    forge(project, "", "/pythons.toml")
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout == "'' None\n"


def test_the_boot_is_the_boot_id_of_the_system() -> None:
    assert len(boot_id()) == (36 if Path("/proc/sys/kernel/random/boot_id").exists() else 0)
