from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provision.install.relocate.flags import relocate_pkgconfig, relocate_setup, relocate_shell_config
from tests.relocate.samples import CONFIG, ORIGIN, PKGCONFIG

PATH = "lib/pkgconfig/python-3.13-embed.pc"


def test_pkgconfig_files_find_their_prefix() -> None:
    relocated = relocate_pkgconfig(PKGCONFIG, PATH, ORIGIN, CONFIG)
    changed = [line for line in relocated.splitlines() if line not in PKGCONFIG.splitlines()]
    assert changed == ["prefix=${pcfiledir}/../..", "Libs.private: -ldl"]
    assert relocate_pkgconfig(relocated, PATH, ORIGIN, CONFIG) == relocated


def test_the_way_up_is_as_long_as_it_must_be() -> None:
    assert "prefix=${pcfiledir}/../../..\n" in relocate_pkgconfig(
        "prefix=/install\n", "lib/x86_64-linux-gnu/pkgconfig/python3.pc", ORIGIN, CONFIG
    )


@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="needs pkg-config")
def test_pkg_config_agrees(tmp_path: Path) -> None:
    place = tmp_path / PATH
    place.parent.mkdir(parents=True)
    place.write_text(relocate_pkgconfig(PKGCONFIG, PATH, ORIGIN, CONFIG))
    done = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "python-3.13-embed"],
        env={**os.environ, "PKG_CONFIG_PATH": str(place.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    cflags, libs, library = done.stdout.split()
    assert Path(cflags.removeprefix("-I")).resolve() == tmp_path / "include/python3.13"
    assert Path(libs.removeprefix("-L")).resolve() == tmp_path / "lib"
    assert library == "-lpython3.13"


def test_setup_files_lose_the_sysroot_and_shell_configs_follow_the_prefix() -> None:
    setup = "_bz2 _bz2module.c -I/tools/deps/include -L/tools/deps/lib -lbz2\n"
    assert relocate_setup(setup, f"{CONFIG}/Setup.local", ORIGIN, CONFIG) == "_bz2 _bz2module.c -lbz2\n"
    shell = "itcl_LIB_SPEC='-L/tools/deps/lib/itcl4.3 -litcl4.3'\n"
    assert relocate_shell_config(shell, "lib/itcl4.3/itclConfig.sh", ORIGIN, CONFIG) == (
        "itcl_LIB_SPEC='-L${prefix}/lib/itcl4.3 -litcl4.3'\n"
    )
