"""The key and the digest of an installed tree: what changes them, and what does not."""

from __future__ import annotations

import pytest

from provision.model.tree import TreeEntry, TreeOptions, store_key, tree_digest
from tests.model.samples import asset


def test_a_key_is_derived_from_the_asset_and_the_recipe() -> None:
    key = store_key(asset(), TreeOptions())
    assert key.startswith("cpython-3.14.7+20260814-x86_64_v3-unknown-linux-gnu-freethreaded-install_only_stripped-")
    assert store_key(asset(flavor="full"), TreeOptions()).count("freethreaded+pgo+lto-full") == 1
    assert store_key(asset(url="https://mirror.example.com/x"), TreeOptions()) == key


@pytest.mark.parametrize(
    "options",
    [TreeOptions(bytecode=True), TreeOptions(externally_managed=False), TreeOptions(without=("tests",))],
    ids=str,
)
def test_every_option_that_changes_a_tree_changes_its_key(options: TreeOptions) -> None:
    assert store_key(asset(), options) != store_key(asset(), TreeOptions())


def test_a_tree_digest_is_of_paths_types_modes_and_contents() -> None:
    entries = {"bin/python": TreeEntry("link", 0o777, "python3"), "lib/os.py": TreeEntry("file", 0o644, "00" * 32, 1)}
    digest = tree_digest(entries)
    assert tree_digest(dict(reversed(entries.items()))) == digest
    assert tree_digest({**entries, "lib": TreeEntry("dir", 0o755)}) == digest
    assert tree_digest({**entries, "lib/__pycache__/os.pyc": TreeEntry("file", 0o644, "11" * 32, 1)}) == digest
    for changed in (
        {**entries, "lib/os.py": TreeEntry("file", 0o755, "00" * 32, 1)},
        {**entries, "lib/os.py": TreeEntry("file", 0o644, "01" * 32, 1)},
        {**entries, "bin/python": TreeEntry("link", 0o777, "python4")},
        {"lib/os.py": entries["lib/os.py"]},
    ):
        assert tree_digest(changed) != digest
