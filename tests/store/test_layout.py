"""Paths are as designed, no key leads out of the store, and interpreters are where the recipe puts them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import StoreError
from provision.model.asset import Asset
from provision.model.target import Target
from provision.model.tree import TreeOptions, store_key
from provision.model.value import replace
from provision.store.layout import Store, check_key, executable, is_key, landmark
from tests.store.samples import ASSET, FREE, make_tree


def test_every_path_of_the_store_is_as_designed() -> None:
    store = Store(Path("/opt/pythons"))
    key = store_key(ASSET, TreeOptions())
    assert store.tree(key) == Path("/opt/pythons/store") / key
    assert store.receipt(key) == Path(f"/opt/pythons/receipts/{key}.json")
    assert store.staging == Path("/opt/pythons/staging")
    assert store.roots == Path("/opt/pythons/roots")


@pytest.mark.parametrize("asset", [ASSET, FREE])
def test_a_computed_store_key_is_valid(asset: Asset) -> None:
    assert is_key(store_key(asset, TreeOptions()))


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "../x", "a/b", "/etc", "a\\b", "C:x", ".hidden", "-x", "a\0b", "a\nb", "a b", "ä", "x" * 201],
)
def test_a_text_that_leads_out_of_the_store_is_not_a_key(text: str) -> None:
    assert not is_key(text)
    with pytest.raises(StoreError, match="not a name that the store gives to a tree"):
        check_key(text)


@given(st.text(max_size=250))
def test_no_key_leads_out_of_the_store(text: str) -> None:
    store = Store(Path("/home/me/data"))
    if is_key(text):
        paths = (store.tree(text), store.receipt(text), store.entries(text), store.extras(text), store.lock(text))
        assert all(path.parent.parent == store.home and ".." not in path.parts for path in paths)
        assert all(len(path.name.encode()) < 220 for path in paths)


@pytest.mark.parametrize(
    ("target", "implementation", "expected"),
    [
        ("x86_64-unknown-linux-gnu", "cpython", "bin/python"),
        ("aarch64-apple-darwin", "pypy", "bin/python"),
        ("x86_64-pc-windows-msvc", "cpython", "python.exe"),
        ("x86_64-pc-windows-msvc", "pypy", "python.exe"),
        ("x86_64-pc-windows-msvc", "graalpy", "bin/graalpy.exe"),
    ],
)
def test_the_path_of_the_executable_depends_on_the_target(target: str, implementation: str, expected: str) -> None:
    asset = replace(ASSET, target=Target.parse(target), implementation=implementation)
    assert executable(Path("tree"), asset) == Path("tree") / expected


def test_the_landmark_is_os_py_of_the_standard_library(tmp_path: Path) -> None:
    assert landmark(tmp_path) is None
    make_tree(tmp_path)
    assert landmark(tmp_path) == tmp_path / "lib/python3.13/os.py"
    windows = tmp_path / "windows"
    (windows / "Lib").mkdir(parents=True)
    (windows / "Lib/os.py").touch()
    assert landmark(windows) == windows / "Lib/os.py"
