"""A staged tree written as an archive in PBS's form, including `PYTHON.json`.

The same tree gives the same bytes.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from provision.host.files import is_file, is_link
from provision.host.zstd import zstd_writer
from provision.model.asset import Asset
from provision.pack.interpreter import Interpreter
from provision.unpack.writer import MTIME

_GZIP_LEVEL = 6  # gzip's default and PBS's
_ZSTD_LEVEL = 10  # PBS's 22 takes a minute for a sixth less
_BUFFER_SIZE = 1 << 20


def write_archive(staged: Path, archive: Path) -> None:
    """Write everything under ``staged`` to a new ``.tar.gz`` or ``.tar.zst``, depending on its name.

    As PBS does: PYTHON.json first, then names sorted; no directories; owned by root; one mtime; 0664 or 0775.
    """
    with _compressed(archive) as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(_paths(staged), key=lambda name: (name != "python/PYTHON.json", name)):
            _add(tar, staged / path, path)


def _paths(staged: Path) -> Iterator[str]:
    for path in staged.rglob("*"):
        if is_link(path) or is_file(path):
            yield path.relative_to(staged).as_posix()


def _add(tar: tarfile.TarFile, file: Path, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.mtime = MTIME
    if is_link(file):
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, str(file.readlink()), 0o777
        tar.addfile(member)
        return
    status = file.stat()
    member.size = status.st_size
    member.mode = 0o775 if status.st_mode & 0o111 else 0o664
    with file.open("rb") as stream:
        tar.addfile(member, stream)


@contextmanager
def _compressed(archive: Path) -> Iterator[IO[bytes]]:
    with archive.open("wb", buffering=_BUFFER_SIZE) as file:
        if ".zst" in archive.suffixes:
            with zstd_writer(file, _ZSTD_LEVEL) as stream:
                yield stream
        else:
            # No name and no time in the header, which would differ from one run to the next.
            with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=file, mtime=0) as packed:
                yield cast(IO[bytes], packed)


def python_json(interpreter: Interpreter, asset: Asset, stdlib: str) -> str:
    """The first file of a full archive, in PBS's format 8; values that only a build knows (objects, extensions) are
    empty.
    """
    version = asset.version
    description = {
        "version": "8",
        "target_triple": str(asset.target),
        "build_options": str(asset.options),
        "python_tag": f"cp{version.major}{version.minor}",
        "python_version": str(version),
        "python_major_minor_version": version.series,
        "python_implementation_name": "cpython",
        "python_implementation_cache_tag": interpreter.cache_tag,
        "python_implementation_hex_version": interpreter.hexversion,
        "python_exe": f"install/bin/{interpreter.name}",
        "python_paths": {"stdlib": f"install/{stdlib}"},
        "python_config_vars": {
            name: interpreter.variables.get(name, "")
            for name in ("ABIFLAGS", "EXT_SUFFIX", "LDVERSION", "Py_DEBUG", "Py_GIL_DISABLED", "SOABI", "VERSION")
        },
        "python_extension_module_loading": ["builtin", "shared-library"],
        "libpython_link_mode": "shared" if interpreter.variables.get("Py_ENABLE_SHARED") == "1" else "static",
        "build_info": {"core": {}, "extensions": {}},
        "licenses": ["Python-2.0", "CNRI-Python"],
        "license_path": "licenses/LICENSE.cpython.txt",
    }
    return json.dumps(description, indent=4, sort_keys=True) + "\n"


def license_of(interpreter: Interpreter) -> Path | None:
    """The file of CPython's license, which CPython installs into the standard library."""
    path = interpreter.stdlib / "LICENSE.txt"
    return path if is_file(path) else None
