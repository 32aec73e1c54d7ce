from __future__ import annotations

import pytest

from provision.install.unpack.refusal import Refusal
from provision.unpack.selection import layout_of
from tests.unpack.archives import asset_of


def test_install_only_is_all_tree() -> None:
    place = layout_of(asset_of()).place
    assert place("python/bin/python3") == ("tree", "bin/python3")
    assert place("python") == ("tree", "")


def test_install_only_has_no_other_top_directory() -> None:
    for name in ("other/bin/python3", "README", "pythonx/y"):
        with pytest.raises(Refusal, match="is not in the directory 'python'"):
            layout_of(asset_of()).place(name)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("python/install/bin/python3", ("tree", "bin/python3")),
        ("python/install", ("tree", "")),
        ("python/PYTHON.json", ("extras", "PYTHON.json")),
        ("python/licenses/LICENSE.cpython.txt", ("extras", "licenses/LICENSE.cpython.txt")),
        ("python/LICENSE.rst", ("extras", "licenses/LICENSE.rst")),
        ("python", ("skipped", "")),
        ("python/build/Modules/config.c", ("skipped", "build/Modules/config.c")),
        ("python/install.txt", ("skipped", "install.txt")),
        ("python/LICENSES/x", ("skipped", "LICENSES/x")),
    ],
)
def test_a_full_archive_has_a_tree_things_for_people_and_things_to_skip(name: str, where: tuple[str, str]) -> None:
    assert layout_of(asset_of(flavor="full")).place(name) == where


def test_a_full_archive_has_one_top_directory_as_well() -> None:
    with pytest.raises(Refusal, match="is not in the directory 'python'"):
        layout_of(asset_of(flavor="full")).place("install/bin/python3")


@pytest.mark.parametrize("implementation", ["pypy", "graalpy"])
def test_others_name_their_top_directory_as_they_like(implementation: str) -> None:
    layout = layout_of(asset_of(implementation=implementation))
    assert layout.place("pypy3.11-v7.3.20-linux64/bin/pypy3") == ("tree", "bin/pypy3")
    assert layout.place("pypy3.11-v7.3.20-linux64/lib") == ("tree", "lib")
    with pytest.raises(Refusal, match=r"is not in the directory 'pypy3\.11-v7\.3\.20-linux64'"):
        layout.place("elsewhere/lib")
