"""Small but valid archives in PBS's layout, for tests that are about steps and bytes and not about Python.

The interpreter is a shell script that answers the probe, with the prefix that it really runs from. Everything else is
as in a real archive, only less of it.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from provision.host.detect import detect_host
from tests.support.builds import Build

VERSION = "3.13.5"
INTERPRETER = """#!/bin/sh
# A small interpreter: it answers the probe and --version. A helper that was killed ends it as one killed, too.
self=$(readlink -f "$0") || kill -9 $$
cd -P "${{self%/*}}/.."
case "$1" in
-V | -VV | --version) echo "Python {version}" ;;
*)
    printf 'implementation={implementation}\\nversion={version}\\n'
    printf 'Py_GIL_DISABLED=0\\nPy_DEBUG=0\\nprefix=%s\\n' "$PWD"
    ;;
esac
"""


def small_build(folder: Path, number: int = 1, *, more: int = 0) -> Build:
    """An archive of build ``2026120<number>``, the same bytes each time; ``more`` adds a file of so many bytes."""
    build = f"202612{number:02d}"
    target = detect_host().target
    archive = folder / f"cpython-{VERSION}+{build}-{target}-install_only_stripped.tar.gz"
    folder.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(gzip.compress(_tar(number, more), compresslevel=1, mtime=0))
    return Build(archive)


def _tar(number: int, more: int) -> bytes:
    stdlib = "lib/python3.13"
    files = {
        "bin/python3.13": INTERPRETER.format(implementation="cpython", version=VERSION).encode(),
        f"{stdlib}/os.py": f"name = 'posix'  # build {number}\n".encode(),
        f"{stdlib}/site-packages/README.txt": b"third-party packages go here\n",
        "share/empty": b"",
        **({"lib/large.bin": _noise(more)} if more else {}),
    }
    links = {"bin/python3": "python3.13", "bin/python": "python3.13"}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(f"python/{path}")
            member.size, member.mode = len(content), 0o775 if path.startswith("bin/") else 0o664
            tar.addfile(member, io.BytesIO(content))
        for path, target in links.items():
            member = tarfile.TarInfo(f"python/{path}")
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return out.getvalue()


def _noise(size: int) -> bytes:
    """Bytes that do not compress, and are always the same."""
    import random

    return random.Random(size).randbytes(size)
