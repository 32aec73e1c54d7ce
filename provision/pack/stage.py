"""The copy that becomes an archive: stripped, redirected, rid of its prefix."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from struct import error as StructError
from struct import unpack_from

from provision.errors import ProvisionError
from provision.model.tree import Entry
from provision.model.value import frozen
from provision.pack.contents import PackedFile
from provision.pack.interpreter import Interpreter
from provision.relocate import sysconfig
from provision.relocate.rewrite import INSTALL, SHARED, whole_path
from provision.relocate.workspace import TreeLayout, layout_of_tree

# FOLD provision.pack.stage
#   Owns the copy of an installation that becomes an archive: stripped, redirected, rid of its prefix.


# Part of glibc or musl, which a target names; all else is a library that a user must have, or that is in the archive.
_LIBC = ("ld-linux", "ld-musl", "ld64.", "libc.", "libm.", "libdl.", "libpthread.", "librt.", "libutil.", "linux-vdso.")


@frozen
class Staged:
    """``requires`` are the libraries it needs of a system; ``warnings`` what keeps it from working elsewhere."""

    requires: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def stage(interpreter: Interpreter, members: Sequence[PackedFile], root: Path, *, strip: bool) -> Staged:
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
    _rewrite(root, _layout(members), PrefixRestorer(str(interpreter.prefix)))
    warnings += _unfound_libpython(interpreter, root, requires)
    return Staged(requires=tuple(sorted(requires)), warnings=tuple(warnings))


def _copy(member: PackedFile, root: Path) -> None:
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


def _rewrite(root: Path, layout: TreeLayout, places: PrefixRestorer) -> None:
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


def _layout(members: Iterable[PackedFile]) -> TreeLayout:
    return layout_of_tree({member.path: Entry("file", 0o755) for member in members if member.source is not None})


# FOLD provision.pack.stage
#   Owns what an ELF file asks of the dynamic loader, and where it is told to look; the rules are those of ld.so(8).


_PT_LOAD, _PT_DYNAMIC, _SHT_DYNSYM = 1, 2, 11
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 14, 15, 29


@frozen
class ElfDynamic:
    """``search``: RUNPATH and RPATH entries with their places in the file; ``strings``: all other names' places."""

    needed: tuple[str, ...]
    search: tuple[tuple[int, str], ...]
    strings: frozenset[int]


def read_dynamic(data: bytes) -> ElfDynamic | None:
    """Read the dynamic section; None for what is no ELF file, is static or is damaged."""
    if data[:4] != b"\x7fELF":
        return None
    try:
        return _read(data)
    except (StructError, IndexError, ValueError, StopIteration):  # the last: what others refer to is not there
        return None


def redirect(data: bytes, rename: Callable[[str], str]) -> tuple[bytes, tuple[str, ...]]:
    """Rewrite each search path, in place, as nothing in an ELF file can grow; also returns those that were too short.

    The linker lets a name share the end of a longer one, so a path whose end is in use elsewhere is left alone, too.
    """
    dynamic = read_dynamic(data)
    if dynamic is None:
        return data, ()
    failed = []
    for at, text in dynamic.search:
        renamed = ":".join(rename(place) for place in text.split(":"))
        if renamed == text:
            continue
        old, new = text.encode(), renamed.encode()
        if len(new) > len(old) or any(at < place <= at + len(old) for place in dynamic.strings):
            failed.append(text)
        else:
            data = data[:at] + new.ljust(len(old), b"\0") + data[at + len(old) :]
    return data, tuple(failed)


def _read(data: bytes) -> ElfDynamic | None:
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    # Offset of the segments, of the sections; size and count of each (elf.h: Elf32_Ehdr, Elf64_Ehdr).
    segments_at, sections_at = unpack_from(order + ("QQ" if wide else "II"), data, 32 if wide else 28)
    sizes = unpack_from(order + "HHHH", data, 54 if wide else 42)
    segments = [_segment(data, segments_at + sizes[0] * index, wide, order) for index in range(sizes[1])]
    dynamic = next((segment for segment in segments if segment[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        return None
    step, form = (16, order + "qQ") if wide else (8, order + "iI")
    entries = [unpack_from(form, data, at) for at in range(dynamic[1], dynamic[1] + dynamic[3], step)]
    table = next(value for tag, value in entries if tag == _DT_STRTAB)
    base = next(
        offset + table - address
        for kind, offset, address, size in segments
        if kind == _PT_LOAD and address <= table < address + size
    )
    needed = [base + value for tag, value in entries if tag == _DT_NEEDED]
    others = [base + value for tag, value in entries if tag == _DT_SONAME]
    searched = [base + value for tag, value in entries if tag in (_DT_RPATH, _DT_RUNPATH)]
    symbols = _symbol_names(data, sections_at, sizes[2], sizes[3], wide, order)
    return ElfDynamic(
        needed=tuple(_text(data, at) for at in needed),
        search=tuple((at, _text(data, at)) for at in dict.fromkeys(searched)),
        strings=frozenset([*needed, *others, *(base + name for name in symbols)]),
    )


def _segment(data: bytes, at: int, wide: bool, order: str) -> tuple[int, int, int, int]:
    """(kind, offset in the file, address, size in the file) of a program header."""
    if wide:
        kind, _, offset, address, _, size = unpack_from(order + "IIQQQQ", data, at)
    else:
        kind, offset, address, _, size = unpack_from(order + "IIIII", data, at)
    return kind, offset, address, size


def _symbol_names(data: bytes, at: int, size: int, count: int, wide: bool, order: str) -> list[int]:
    """Where in the string table the names of the dynamic symbols begin."""
    for index in range(count):
        header = at + size * index
        if unpack_from(order + "I", data, header + 4)[0] == _SHT_DYNSYM:
            form, place, step = (order + "QQ", header + 24, 24) if wide else (order + "II", header + 16, 16)
            start, length = unpack_from(form, data, place)
            return [unpack_from(order + "I", data, symbol)[0] for symbol in range(start, start + length, step)]
    return []


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("utf-8", "surrogateescape")


# FOLD provision.pack.stage
#   Owns the prefix in a packed Python's text: put back to PBS's `/install`, so that the recipe finds what it knows.


# Where other software lives too (`/usr`), a path means this Python only in the variables that configure derives from
# the prefix; `-I/usr/include/uuid` does not.
_DERIVED = (
    *("prefix", "exec_prefix", "datarootdir", "BINDIR", "BINLIBDEST", "CONFINCLUDEDIR", "CONFINCLUDEPY", "DESTDIRS"),
    *("DESTLIB", "DESTSHARED", "EXENAME", "INCLDIRSTOMAKE", "INCLUDEDIR", "INCLUDEPY", "LIBDEST", "LIBDIR", "LIBPC"),
    *("LIBPL", "MACHDESTLIB", "MANDIR", "SCRIPTDIR", "WASM_ASSETS_DIR", "WASM_STDLIB", "libdir", "includedir"),
)
_DERIVED_LINE = re.compile(rf"^(?:{'|'.join(_DERIVED)})[ \t]*=.*$", re.MULTILINE)
_CONFIGURED = re.compile(r"(?<='--)(?:(?:exec-)?prefix|(?:lib|bin|include|man|dataroot)dir)=[^']*(?=')")


@frozen(kw_only=False)
class PrefixRestorer:
    """Rewrites what names ``prefix``, each in the way its kind of file allows."""

    prefix: str

    @property
    def shared(self) -> bool:
        return self.prefix in SHARED

    def text(self, text: str) -> str:
        """A Makefile, a `*.pc`, a shell script: whole paths everywhere, or in what derives from a shared one."""
        if not self.shared:
            return self._paths(text)
        text = _DERIVED_LINE.sub(lambda match: self._paths(match[0]), text)
        return _CONFIGURED.sub(lambda match: self._paths(match[0]), text)

    def variables(self, text: str) -> str:
        """`_sysconfigdata_*.py`: as text, or value by value."""
        values = sysconfig.parse(text) if self.shared else None
        if values is None:
            return self._paths(text)
        mended = {name: self._value(name, value) for name, value in values.items()}
        return sysconfig.HEADER + sysconfig.literal(mended)

    def script(self, text: str) -> str:
        """A script whose first line names the interpreter in the prefix."""
        first, newline, rest = text.partition("\n")
        return f"{self._paths(first)}{newline}{rest}" if first.startswith("#!") else text

    def _value(self, name: str, value: object) -> object:
        if not isinstance(value, str):
            return value
        if name == "CONFIG_ARGS":
            return _CONFIGURED.sub(lambda match: self._paths(match[0]), value)
        return self._paths(value) if name in _DERIVED else value

    def _paths(self, text: str) -> str:
        return INSTALL.join(re.split(whole_path(self.prefix), text))
