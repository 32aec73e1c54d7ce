"""The work of a command must not depend on the size of the store, unless it is about the whole store."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.model.value import replace
from provision.store.layout import Store
from provision.store.receipts import installed_receipts, read_receipt, write_receipt
from provision.store.roots import record_root
from provision.store.stamp import write_stamp
from tests.store.samples import Choice, install, link_project, variant
from tests.support.killer import ROOT

LOOK = """
import sys
seen = []
def watch(event, args):
    if event in ("open", "os.scandir", "os.listdir") and str(args[0]).startswith({home!r}):
        seen.append(str(args[0])[len({home!r}) + 1:])
sys.path.insert(0, {root!r})
sys.addaudithook(watch)
{code}
print(*seen, sep="\\n")
"""


def looked_at(store: Store, code: str, cwd: Path) -> list[str]:
    """What a piece of code opens and lists in the store."""
    text = LOOK.format(home=str(store.home), root=str(ROOT), code=code)
    command = [sys.executable, "-c", text]
    process = subprocess.run(command, cwd=cwd, env={}, capture_output=True, text=True, check=True)
    return process.stdout.split()


@pytest.mark.slow
def test_in_a_store_of_500_trees_only_locked_trees_are_inspected(store: Store, tmp_path: Path) -> None:
    first = install(store, variant(0))
    for number in range(1, 500):
        other = replace(first, key=Choice(name="x", asset=variant(number)).key, asset=variant(number))
        store.tree(other.key).mkdir()
        write_receipt(store, other)
    assert len(installed_receipts(store)) == 500

    mine = Choice(name="default", asset=variant(0))
    receipt = f"receipts/{mine.key}.json"
    reading = f"""
from pathlib import Path
from provision.store.layout import Store
from provision.store.receipts import read_receipt
assert read_receipt(Store(Path({str(store.home)!r})), {mine.key!r})
"""
    assert looked_at(store, reading, tmp_path) == [receipt]

    (tmp_path / "pythons.toml").touch()
    (tmp_path / "pythons.lock").touch()
    record_root(store, tmp_path / "pythons.toml", [mine.key])
    link_project(tmp_path, store, [mine])
    assert write_stamp(
        tmp_path / "pythons.toml", manifest_bytes=b"", lock_bytes=b"", environ={}, store=store, pythons=[mine]
    )
    no_op = "from provision.store.stamp import read_stamp; assert read_stamp({})"
    assert looked_at(store, no_op, tmp_path) == [], "facts are asked for, nothing is opened"

    shutil.rmtree(store.tree(mine.key))
    assert read_receipt(store, mine.key) is None
