from __future__ import annotations

import importlib
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from provision.install.relocate.makefile import relocate
from tests.relocate.samples import CONFIG, MAKEFILE, ORIGIN

PATH = f"{CONFIG}/Makefile"


def test_only_what_names_the_build_is_changed() -> None:
    relocated = relocate(MAKEFILE, PATH, ORIGIN, CONFIG)
    changed = [line for line in relocated.splitlines() if line not in MAKEFILE.splitlines()]
    assert changed == [
        f"abs_builddir=\t$(prefix)/{CONFIG}",
        "CC=\t\tcc -pthread",
        "CONFIGURE_LDFLAGS=\t-Wl,--exclude-libs,ALL",
        "# Known from where this file is: `:=`, as the last makefile read is another one once this one is included.",
        "provision_prefix := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../../..)",
        "prefix=\t\t$(provision_prefix)",
        "CONFIG_ARGS=\t '--prefix=$(prefix)'",
    ]


def test_relocating_twice_changes_nothing() -> None:
    once = relocate(MAKEFILE, PATH, ORIGIN, CONFIG)
    assert relocate(once, PATH, ORIGIN, CONFIG) == once


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_knows_the_prefix_from_where_the_file_is_also_when_it_is_included(tmp_path: Path) -> None:
    place = tmp_path / "a-tree" / PATH
    place.parent.mkdir(parents=True)
    place.write_text(relocate(MAKEFILE, PATH, ORIGIN, CONFIG))
    (tmp_path / "after.mk").write_text("")
    user = tmp_path / "user.mk"
    user.write_text(f"include {place}\ninclude {tmp_path}/after.mk\nshow:\n\t@echo $(LIBDIR) $(LIBPL)\n")

    done = subprocess.run(
        ["make", "-s", "-f", str(user), "show"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    prefix = tmp_path / "a-tree"
    assert done.stdout == f"{prefix}/lib {prefix}/{CONFIG}\n"


def test_sysconfigs_parser_reads_plain_values_and_takes_the_prefix_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "Makefile"
    place.write_text(relocate(MAKEFILE, PATH, ORIGIN, CONFIG))
    # What old tools call; it has no public name any more, and moved in 3.13.
    home = sysconfig if hasattr(sysconfig, "_parse_makefile") else importlib.import_module("sysconfig.__main__")
    parse = getattr(home, "_parse_makefile")  # noqa: B009  (mypy knows of no such function)

    assert parse(str(place))["LIBDIR"] == "/lib"
    monkeypatch.setenv("provision_prefix", "/opt/py")
    assert parse(str(place))["LIBDIR"] == "/opt/py/lib"
