"""Archives of trees that this machine need not be able to run, in their publishers' layouts, only smaller.

Names, links, scripts and texts are those of real archives; machine code is just the first bytes of such a file. `small`
makes archives whose interpreter runs.
"""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from provision.catalog.names import modern_name
from provision.model.asset import BuildOptions, CpuLevel, Flavor
from provision.model.target import Target
from provision.model.version import Version
from tests.relocate.samples import MAKEFILE, PKGCONFIG, SYSCONFIGDATA
from tests.support.builds import Build
from tests.support.small import INTERPRETER

BUILD = "20261101"
Files = Mapping[str, str | bytes]

ELF_ARM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00"
MACH_O = b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01"
PE = b"MZ\x90\x00"
_PIP = '#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")/python3.13" "$0" "$@"\n\' \'\'\'\nimport pip\n'


def write_archive(path: Path, top: str, files: Files, links: Mapping[str, str] = {}) -> Path:
    """An archive of the kind that its name ends in, all of it in the directory ``top``; the same bytes each time.

    As in real ones, everything under ``bin/`` and every ``.exe`` may be executed, and there are no directories.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        path.write_bytes(_zip(top, files))
        return path
    content = _tar(top, files, links)
    match path.suffix:
        case ".gz":
            path.write_bytes(gzip.compress(content, compresslevel=1, mtime=0))
        case ".bz2":
            path.write_bytes(bz2.compress(content))
        case ".zst":
            from provision.host.zstd import zstd_module

            path.write_bytes(zstd_module().compress(content))
        case other:
            raise ValueError(f"no archive ends in {other}")
    return path


def build(
    folder: Path,
    target: str,
    files: Files,
    links: Mapping[str, str] = {},
    *,
    cpu: CpuLevel = "baseline",
    options: str = "",
    version: str = "3.13.5",
    flavor: Flavor = "install_only_stripped",
) -> Build:
    """A build of PBS's for a target, with these files and links under ``python/``."""
    name = modern_name(
        version=Version.parse(version),
        build=BUILD,
        target=Target.parse(target),
        cpu=cpu,
        options=BuildOptions.parse(options),
        flavor=flavor,
    )
    return Build(write_archive(folder / name, "python", files, links))


def macos(folder: Path) -> Build:
    """Apple silicon: PBS's layout for Unix, with two pairs of terminal descriptions that such systems cannot
    distinguish.
    """
    return build(folder, "macos-aarch64", MACOS, {**UNIX_LINKS, **TERMINFO_LINKS})


def windows(folder: Path, *, options: str = "") -> Build:
    """Windows: nothing in `bin`, `Lib` and `DLLs`, and bytecode that is older than what it was made of."""
    free = {"python3.13t.exe": PE, "pythonw3.13t.exe": PE, "python313t.dll": PE} if "freethreaded" in options else {}
    return build(folder, "windows-x86_64", {**WINDOWS, **free}, options=options)


def linux_arm(folder: Path) -> Build:
    """ARM64 Linux: the layout of the machine at hand, and nothing that it could run."""
    return build(folder, "linux-aarch64", LINUX_ARM, {**UNIX_LINKS, **TERMINFO_LINKS})


def running(folder: Path, target: str = "linux-x86_64", *, cpu: CpuLevel = "baseline") -> Build:
    """A Unix at some level, with an interpreter that runs on any: it reports what the probe expects."""
    files = {
        "bin/python3.13": INTERPRETER.format(implementation="cpython", version="3.13.5"),
        "lib/python3.13/os.py": f"# built for {cpu}\n",
    }
    return build(folder, target, files, UNIX_LINKS, cpu=cpu)


UNIX_LINKS = {"bin/python3": "python3.13", "bin/python": "python3.13", "bin/python3-config": "python3.13-config"}

TERMINFO_LINKS = {"share/terminfo/N/NCR260VT": "../n/ncr260vt", "share/terminfo/x/xterm-r6": "xterm"}


def _unix(machine: str, program: bytes, library: str) -> dict[str, str | bytes]:
    config = f"lib/python3.13/config-3.13-{machine}"
    return {
        "bin/pip3": _PIP,
        "bin/python3.13": program,
        "bin/python3.13-config": "#!/install/bin/python3.13\nprint('--prefix')\n",
        "include/python3.13/Python.h": "/* Python.h */\n",
        f"lib/{library}": program,
        "lib/pkgconfig/python-3.13-embed.pc": PKGCONFIG,
        "lib/python3.13/_sysconfigdata__unix.py": SYSCONFIGDATA,
        "lib/python3.13/os.py": "name = 'posix'\n",
        "lib/python3.13/site-packages/pip/__init__.py": "",
        f"{config}/Makefile": MAKEFILE,
        "share/terminfo/2/2621A": b"\x1a\x01HP 2621A",
        "share/terminfo/2/2621a": b"\x1a\x01hp 2621a",
        "share/terminfo/n/ncr260vt": b"\x1a\x01ncr",
        "share/terminfo/x/xterm": b"\x1a\x01xterm",
    }


MACOS = _unix("darwin", MACH_O, "libpython3.13.dylib")
LINUX_ARM = _unix("aarch64-linux-gnu", ELF_ARM, "libpython3.13.so.1.0")
WINDOWS: Files = {
    "DLLs/_ssl.pyd": PE,
    "DLLs/libcrypto-3-x64.dll": PE,
    "Lib/__pycache__/os.cpython-313.pyc": b"of another os.py",
    "Lib/os.py": "name = 'nt'\n",
    "Lib/site-packages/pip/__init__.py": "",
    "Scripts/.empty": "",
    "include/Python.h": "/* Python.h */\n",
    "libs/python313.lib": b"!<arch>\n",
    "python.exe": PE,
    "python3.dll": PE,
    "python313.dll": PE,
    "pythonw.exe": PE,
    "tcl/tcl8.6/init.tcl": "# Tcl\n",
    "vcruntime140.dll": PE,
}


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _is_program(path: str) -> bool:
    return path.startswith("bin/") or path.endswith(".exe")


def _tar(top: str, files: Files, links: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted([*files, *links]):
            member = tarfile.TarInfo(f"{top}/{path}")
            if path in links:
                member.type, member.linkname = tarfile.SYMTYPE, links[path]
                tar.addfile(member)
                continue
            content = _bytes(files[path])
            member.size, member.mode = len(content), 0o775 if _is_program(path) else 0o664
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _zip(top: str, files: Files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            info = zipfile.ZipInfo(f"{top}/{path}", (2024, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o100755 if _is_program(path) else 0o100644) << 16
            archive.writestr(info, _bytes(files[path]))
    return out.getvalue()
