"""Programs of a real musl, made here: systems with musl and glibc are distinguished, with static programs or not."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.errors import PolicyError
from provision.host.cpu import Kernel
from provision.host.detect import detect_host, read_elf
from provision.model.target import Target
from tests.host.systems import System

MACHINE = platform.machine()
LOADER = Path(f"/lib/ld-musl-{MACHINE}.so.1")
COMPILER = shutil.which("musl-gcc")
SOURCE = '#include <stdio.h>\nint main(void) { return puts("musl") < 0; }\n'

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="musl is a libc of Linux"),
    pytest.mark.skipif(COMPILER is None or not LOADER.exists(), reason="Debian's musl-tools are not installed"),
]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one program twice: ``static``, and ``dynamic``."""
    folder = tmp_path_factory.mktemp("musl")
    (folder / "it.c").write_text(SOURCE, encoding="utf-8")
    for name, options in (("static", ["-static"]), ("dynamic", [])):
        command = [str(COMPILER), "-O1", *options, "-o", str(folder / name), str(folder / "it.c")]
        subprocess.run(command, check=True)
        assert subprocess.run([folder / name], capture_output=True, text=True, check=True).stdout == "musl\n"
    return folder


def kernel() -> Kernel:
    return Kernel(system="Linux", machine=MACHINE, release=platform.release())


def test_a_system_of_musl_programs_is_detected(programs: Path, tmp_path: Path) -> None:
    system = System(tmp_path).file(str(LOADER), LOADER.read_bytes())
    for name in ("dynamic", "static"):  # a static program names no loader, so the only loader decides
        system.file("/bin/sh", (programs / name).read_bytes())
        assert detect_host(system.root, kernel=kernel()).target == Target.parse(f"linux-{MACHINE}-musl")


def test_static_programs_alone_give_no_libc(programs: Path, tmp_path: Path) -> None:
    elf = read_elf(programs / "static")
    assert elf is not None
    assert not elf.interpreter
    system = System(tmp_path).file("/bin/sh", (programs / "static").read_bytes())
    with pytest.raises(PolicyError, match="there is no dynamically linked program and no loader of glibc or musl"):
        detect_host(system.root, kernel=kernel())


def test_a_glibc_system_with_musl_installed_is_glibc() -> None:
    """As here: Debian's package of musl puts its loader next to that of glibc."""
    shell = read_elf(Path("/bin/sh"))
    if shell is None or "ld-musl" in shell.interpreter:
        pytest.skip("this machine is one of musl")
    assert detect_host(Path("/"), kernel=kernel()).target == Target.parse(f"linux-{MACHINE}")
