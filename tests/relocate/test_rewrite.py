from __future__ import annotations

import pytest

from provision.install.relocate.origin import Origin
from provision.relocate.rewrite import Mender


@pytest.fixture
def mender() -> Mender:
    return Mender(Origin(workdirs=("/build/Python-3.13.5",)), prefix="$(prefix)", config="lib/python3.13/config")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/install", "$(prefix)"),
        ("/install/lib /install/bin", "$(prefix)/lib $(prefix)/bin"),
        ("'--prefix=/install'", "'--prefix=$(prefix)'"),
        ("-L/install/lib -Wl,-rpath,/install/lib", "-L$(prefix)/lib -Wl,-rpath,$(prefix)/lib"),
        ("./install/lib/os.py", ".$(prefix)/lib/os.py"),
        ("a\n/install/x\nb", "a\n$(prefix)/x\nb"),
        ("LD_LIBRARY_PATH=/build/Python-3.13.5 ./python", "LD_LIBRARY_PATH=$(prefix)/lib/python3.13/config ./python"),
    ],
)
def test_paths_of_the_build_become_paths_of_the_tree(mender: Mender, text: str, expected: str) -> None:
    assert mender.text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "/usr/bin/install -c",
        "$(srcdir)/install-sh $(DESTDIR)$(LIBPL)/install-sh",
        "pip/_internal/operations/install/wheel.py",
        "../install",
        "/installer /install-only",
        "/build/Python-3.13.55",
        "",
    ],
)
def test_what_only_looks_like_it_stays(mender: Mender, text: str) -> None:
    assert mender.text(text) == text


def test_a_variable_of_compilers_is_made_generic_and_left_without_loose_ends(mender: Mender) -> None:
    assert mender.variable("LDSHARED", "clang -shared -L/tools/deps/lib") == "cc -shared"
    assert mender.variable("LIBS", "-ldl ") == "-ldl "


def test_mending_twice_changes_nothing(mender: Mender) -> None:
    once = mender.text("-I/install/include /build/Python-3.13.5/x -L/tools/deps/lib -g")
    assert mender.text(once) == once
