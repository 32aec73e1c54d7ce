"""Owns the copy of an installation that becomes an archive: stripped, redirected, rid of its prefix."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from provision.errors import ProvisionError
from provision.install.pack.elf import read_dynamic, redirect
from provision.install.pack.places import Places
from provision.model.tree import Entry
from provision.model.value import frozen
from provision.pack.contents import Member
from provision.pack.interpreter import Interpreter
from provision.relocate.workspace import TreeLayout, layout_of_tree

# Part of glibc or musl, which a target names; all else is a library that a user must have, or that is in the archive.
_LIBC = ("ld-linux", "ld-musl", "ld64.", "libc.", "libm.", "libdl.", "libpthread.", "librt.", "libutil.", "linux-vdso.")


@frozen
class Staged:
    """``requires`` are the libraries it needs of a system; ``warnings`` what keeps it from working elsewhere."""

    requires: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def stage(interpreter: Interpreter, members: Sequence[Member], root: Path, *, strip: bool) -> Staged:
    """Copy ``members`` below ``root`` and free them of the prefix, as far as their formats let it."""
    for member in members:
        _copy(member, root)
    warnings = []
    binaries = [root / member.path for member in members if member.source and _is_elf(root / member.path)]
    if strip and binaries:
        warnings += _strip(binaries)
    requires: set[str] = set()
    for path in binaries:
        requires |= _needed(path)
        warnings += _redirect(path, root, interpreter)
    requires -= {Path(member.path).name for member in members}
    _rewrite(root, _layout(members), Places(str(interpreter.prefix)))
    warnings += _unfound_libpython(interpreter, root, requires)
    return Staged(requires=tuple(sorted(requires)), warnings=tuple(warnings))


def _copy(member: Member, root: Path) -> None:
    place = root / member.path
    place.parent.mkdir(parents=True, exist_ok=True)
    if member.link:
        place.symlink_to(member.link)
    elif member.source is not None:
        shutil.copyfile(member.source, place)
        place.chmod(0o755 if member.source.stat().st_mode & 0o111 else 0o644)


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def _strip(binaries: Iterable[Path]) -> list[str]:
    """Drop debugging symbols, as PBS does with llvm-strip; without a strip, the archive is larger and nothing else."""
    import subprocess

    tool = shutil.which("strip")
    if tool is None:
        return ["nothing was stripped, as there is no `strip` on this machine: the archive is larger than it could be"]
    done = subprocess.run(
        [tool, "--strip-debug", "--", *map(str, binaries)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ProvisionError(f"strip failed: {done.stderr.strip().rpartition(chr(10))[2]}", hint="pack install_only")
    return []


def _needed(path: Path) -> set[str]:
    dynamic = read_dynamic(path.read_bytes())
    names = dynamic.needed if dynamic else ()
    return {name for name in names if not name.startswith(_LIBC)}


def _redirect(path: Path, root: Path, interpreter: Interpreter) -> list[str]:
    """Let search paths into the prefix start at the file itself."""
    data = path.read_bytes()
    prefix = str(interpreter.prefix)
    directory = path.parent.relative_to(root).as_posix()

    def rename(place: str) -> str:
        if place != prefix and not place.startswith(f"{prefix}/"):
            return place
        way = os.path.relpath(place.removeprefix(prefix).lstrip("/") or ".", directory)
        return "$ORIGIN" if way == "." else f"$ORIGIN/{way}"

    redirected, failed = redirect(data, rename)
    if redirected != data:
        path.write_bytes(redirected)
    name = path.relative_to(root).as_posix()
    return [f"{name} looks for libraries in {place}, which cannot be changed in place" for place in failed]


def _unfound_libpython(interpreter: Interpreter, root: Path, requires: set[str]) -> list[str]:
    """An interpreter that finds its library by the system's configuration finds another one elsewhere, or none."""
    name = interpreter.variables.get("INSTSONAME", "")
    dynamic = read_dynamic((root / "bin" / interpreter.name).read_bytes())
    if dynamic is None or name not in dynamic.needed or name in requires:
        return []
    if any("$ORIGIN" in text for _, text in dynamic.search):
        return []
    problem = f"bin/{interpreter.name} needs {name} and is not told to look beside itself: it cannot be relocated"
    return [f"{problem}; build it with `-Wl,-rpath,$ORIGIN/../lib`, or set its RUNPATH with patchelf"]


def _rewrite(root: Path, layout: TreeLayout, places: Places) -> None:
    for path in layout.sysconfigdata:
        _edit(root / path, places.variables)
    for path in (*layout.variables, *layout.details, *layout.makefiles, *layout.setups, *layout.pkgconfig):
        _edit(root / path, places.text)
    for path in (*layout.config_scripts, *layout.scripts):
        if not _is_elf(root / path):
            _edit(root / path, places.script)
    for path in layout.config_scripts:
        _edit(root / path, places.text)


def _edit(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    path.write_bytes(change(text).encode("utf-8", "surrogateescape"))


def _layout(members: Iterable[Member]) -> TreeLayout:
    return layout_of_tree({member.path: Entry("file", 0o755) for member in members if member.source is not None})
