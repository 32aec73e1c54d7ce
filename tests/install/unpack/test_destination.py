from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.install.unpack.destination import Destination

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="about modes")


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    Destination.of(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="others fold case")
def test_linux_tells_case_apart_and_has_descriptors(tmp_path: Path) -> None:
    assert Destination.of(tmp_path) == Destination(folds=False, descriptors=True, masks=False)


@pytest.mark.parametrize(("mask", "masks"), [(0, False), (0o022, False), (0o027, True), (0o077, True), (0o777, True)])
def test_a_umask_that_takes_bits_away_that_trees_have_is_noticed(tmp_path: Path, mask: int, masks: bool) -> None:
    os.umask(mask)
    assert Destination.of(tmp_path).masks is masks


@pytest.mark.skipif(sys.platform != "linux", reason="others inherit the group another way")
def test_a_set_group_id_bit_that_directories_would_inherit_is_noticed(tmp_path: Path) -> None:
    tmp_path.chmod(0o2755)
    assert Destination.of(tmp_path).masks
