"""A store in which all members of a group install, in sticky directories: members change only their own trees."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.store.layout import Store
from tests.support.builds import write_catalog
from tests.support.project import Project
from tests.support.small import small_build
from tests.support.strangers import as_stranger, is_root

GROUP, ANN, BEN = 60_100, 60_101, 60_102
DIRECTORIES = ("", "store", "receipts", "locks", "staging", "roots")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_root(), reason="takes the rights of several users"),
]

PACKAGES = tuple(f"provision.{room}" for room in ("store", "workflows", "install", "relocate", "unpack", "fetch"))
SYNC = """
from pathlib import Path
from provision.errors import ProvisionError
from provision.protocols import NoProgress
from provision.workflows.options import Options, Scope
from provision.workflows.store import verify
from provision.workflows.sync import sync
os.umask(0o077)
project = Path({project!r})
options = Options.of({{}}, home=Path({home!r}), cache=project / "cache", manifest=project / "pythons.toml")
"""


class Shared:
    """A store of a group, and a project of each member, locked to the same builds."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = root, Store(root / "pythons")
        for name in DIRECTORIES:
            directory = self.store.home / name
            directory.mkdir()
            os.chown(directory, 0, GROUP)
            directory.chmod(0o3775)
        builds = [small_build(root / "served", number) for number in (1, 2)]
        write_catalog(root / "served", builds)
        for user in (ANN, BEN):
            project = Project(root / str(user))
            project.write(
                f'[settings]\ncatalogs = ["{root / "served" / "catalog.ndjson"}"]\n\n[pythons]\n'
                + "".join(f"{name} = {build.entry}\n" for name, build in zip(("one", "two"), builds, strict=True))
            )
            project.run("lock")
            for path in (project.directory, *project.directory.rglob("*")):
                os.chown(path, user, user)
        for path in (root / "served", *(root / "served").iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def run(self, user: int, code: str, *, groups: tuple[int, ...] = (GROUP,)) -> str:
        """What code prints as a user with a umask that shares nothing."""
        begin = SYNC.format(project=str(self.root / str(user)), home=str(self.store.home))
        return as_stranger(begin + code, user=user, groups=groups, packages=PACKAGES)

    def owners(self, *, of: Path) -> set[int]:
        return {path.lstat().st_uid for path in of.iterdir()}


@pytest.fixture
def shared(public_path: Path) -> Iterator[Shared]:
    yield Shared(public_path)
    shutil.rmtree(public_path / "pythons")


ONE = 'print(len(sync(options, Scope(names=("one",)), NoProgress()).installed))\n'
ALL = "print(len(sync(options, Scope(), NoProgress()).installed))\n"
SAID = """
try:
    {code}
except ProvisionError as error:
    print(error)
"""


def test_members_use_the_trees_of_each_other_and_install_their_own(shared: Shared) -> None:
    assert shared.run(ANN, ONE) == "1\n"
    assert shared.run(BEN, ALL) == "1\n", "the other one is there"
    assert shared.run(ANN, ALL) == "0\n"
    assert shared.owners(of=shared.store.trees) == {ANN, BEN}
    verified = "verify(options, (), repair=False, store_wide=True, progress=NoProgress())"
    assert shared.run(BEN, f"print(len({verified}.trees))") == "2\n"


def test_no_member_can_change_a_tree_of_another_member(shared: Shared) -> None:
    shared.run(ANN, ONE)
    (tree,) = shared.store.trees.iterdir()
    changes = (
        f"os.rename({str(tree)!r}, {str(tree)!r} + '-2')",
        f"open({str(tree / 'bin/python3.13')!r}, 'w')",
        f"os.unlink({str(shared.store.receipts / (tree.name + '.json'))!r})",
    )
    for change in changes:
        assert shared.run(BEN, f"try: {change}\nexcept PermissionError: print('refused')") == "refused\n"


def test_leftovers_of_a_killed_run_of_another_member_do_not_block_an_install(shared: Shared) -> None:
    shared.run(ANN, ONE)
    (tree,) = shared.store.trees.iterdir()
    left = shared.store.staging / f"{tree.name}.4194305.0123456789ab"
    shutil.move(tree, shared.root / "gone")
    left.mkdir(0o700)
    (left / "tree").mkdir()
    os.chown(left, ANN, GROUP)
    receipt = shared.store.receipts / f".{tree.name}.json.4194305.0123abcd.new"
    receipt.touch()
    os.chown(receipt, ANN, GROUP)
    for path in shared.store.receipts.glob(f"{tree.name}*"):
        path.unlink()
    assert shared.run(BEN, ONE) == "1\n"
    assert left.exists(), "it is not Ben's"
    shared.run(ANN, ALL)
    assert not left.exists(), "a sync of Ann's removes it"


def test_users_outside_the_group_cannot_take_a_process_lock(shared: Shared) -> None:
    shared.run(ANN, ONE)
    assert "permission denied" in shared.run(BEN, SAID.format(code=ALL.strip()), groups=())
    assert {path.stat().st_mode & 0o777 for path in shared.store.locks.iterdir()} == {0o660}
    assert {path.stat().st_gid for path in shared.store.locks.iterdir()} == {GROUP}


def test_root_can_prune_a_group_store(shared: Shared) -> None:
    shared.run(ANN, ALL)
    shared.run(BEN, ALL)
    for user in (ANN, BEN):
        shutil.rmtree(shared.root / str(user))
    said = Project(shared.root / "admin", home=shared.store.home).run(
        "prune", *(word for user in (ANN, BEN) for word in ("--forget", str(shared.root / str(user) / "pythons.toml")))
    )
    assert list(shared.store.trees.iterdir()) == [], said
