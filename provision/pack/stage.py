"""The staged copy of an installation: stripped, its libraries and prefix as PBS's."""

from __future__ import annotations

import os
import re
import shutil
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from struct import unpack_from

from provision.errors import ProvisionError
from provision.model.tree import EXECUTABLE_MODE, FILE_MODE, TreeEntry, file_mode
from provision.model.value import frozen
from provision.pack.contents import PackedFile
from provision.pack.interpreter import Interpreter
from provision.relocate.rewrite import PBS_PREFIX, SHARED_PREFIXES, whole_path_pattern
from provision.relocate.sysconfig import format_sysconfigdata, parse_sysconfigdata
from provision.relocate.workspace import TreeLayout, layout_of_tree

# Parts of glibc or musl, which a target names; any other library must be in the archive or on the user's system.
_LIBC = ("ld-linux", "ld-musl", "ld64.", "libc.", "libm.", "libdl.", "libpthread.", "librt.", "libutil.", "linux-vdso.")


@frozen
class StagedCopy:
    """``requires`` are the system libraries that it needs; ``warnings`` say what keeps it from working elsewhere."""

    requires: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def stage(interpreter: Interpreter, files: Sequence[PackedFile], root: Path, *, strip: bool) -> StagedCopy:
    """Copy ``files`` below ``root`` and rewrite references to the prefix, as far as their formats allow it."""
    for file in files:
        _copy(file, root)
    warnings = []
    binaries = [root / file.path for file in files if file.source and _is_elf(root / file.path)]
    if strip and binaries:
        warnings += _strip(binaries)
    requires: set[str] = set()
    for path in binaries:
        requires |= _needed_libraries(path)
        warnings += _make_search_paths_relative(path, root, interpreter)
    requires -= {Path(file.path).name for file in files}
    _normalize_prefix(root, _layout(files), PrefixNormalizer(str(interpreter.prefix)))
    warnings += _unfound_libpython(interpreter, root, requires)
    return StagedCopy(requires=tuple(sorted(requires)), warnings=tuple(warnings))


def _copy(file: PackedFile, root: Path) -> None:
    copy = root / file.path
    copy.parent.mkdir(parents=True, exist_ok=True)
    if file.link:
        copy.symlink_to(file.link)
    elif file.source is not None:
        shutil.copyfile(file.source, copy)
        # Archives that went through npm and similar tools have lost their modes; everything in `bin` must be
        # executable.
        copy.chmod(EXECUTABLE_MODE if file.path.startswith("bin/") else file_mode(file.source.stat().st_mode))


def _is_elf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def _strip(binaries: Iterable[Path]) -> list[str]:
    """Drop debugging symbols, as PBS does with llvm-strip; without a strip, the archive is only larger."""
    import subprocess

    tool = shutil.which("strip")
    if tool is None:
        return ["nothing was stripped, as this machine has no `strip`; the archive is larger than necessary"]
    done = subprocess.run(
        [tool, "--strip-debug", "--", *map(str, binaries)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ProvisionError(f"strip failed: {done.stderr.strip().rpartition(chr(10))[2]}", hint="Pack install_only.")
    return []


def _needed_libraries(path: Path) -> set[str]:
    dynamic = read_elf_dynamic(path.read_bytes())
    # PBS names some by a path from the file itself: `$ORIGIN/../lib/libpython3.9.so.1.0`.
    names = [name.rpartition("/")[2] for name in dynamic.needed] if dynamic else []
    return {name for name in names if not name.startswith(_LIBC)}


def _make_search_paths_relative(path: Path, root: Path, interpreter: Interpreter) -> list[str]:
    """Make search paths into the prefix relative to the file itself; a warning for each that cannot be changed."""
    data = path.read_bytes()
    prefix = str(interpreter.prefix)
    directory = path.parent.relative_to(root).as_posix()

    def relative(searched: str) -> str:
        if searched != prefix and not searched.startswith(f"{prefix}/"):
            return searched
        relpath = os.path.relpath(searched.removeprefix(prefix).lstrip("/") or ".", directory)
        return "$ORIGIN" if relpath == "." else f"$ORIGIN/{relpath}"

    changed, failed = replace_search_paths(data, relative)
    if changed != data:
        path.write_bytes(changed)
    name = path.relative_to(root).as_posix()
    return [f"{name} searches for libraries in {searched}, which cannot be changed in place" for searched in failed]


def _unfound_libpython(interpreter: Interpreter, root: Path, requires: set[str]) -> list[str]:
    """A warning if the interpreter finds its library only by the configuration of this system."""
    name = interpreter.variables.get("INSTSONAME", "")
    dynamic = read_elf_dynamic((root / "bin" / interpreter.name).read_bytes())
    if dynamic is None or name not in dynamic.needed or name in requires:
        return []
    if any("$ORIGIN" in text for _, text in dynamic.search_paths):
        return []
    problem = (
        f"bin/{interpreter.name} requires {name}, but does not search for it relative to itself; it cannot be relocated"
    )
    return [f"{problem}; build it with `-Wl,-rpath,$ORIGIN/../lib`, or set its RUNPATH with patchelf"]


def _layout(files: Iterable[PackedFile]) -> TreeLayout:
    return layout_of_tree({file.path: TreeEntry("file", FILE_MODE) for file in files if file.source is not None})


def _normalize_prefix(root: Path, layout: TreeLayout, normalizer: PrefixNormalizer) -> None:
    for path in layout.sysconfigdata:
        _edit(root / path, normalizer.sysconfigdata)
    for path in (*layout.sysconfig_vars, *layout.build_details, *layout.makefiles, *layout.setups, *layout.pkgconfig):
        _edit(root / path, normalizer.text)
    for path in (*layout.config_scripts, *layout.scripts):
        if not _is_elf(root / path):
            _edit(root / path, normalizer.script)
    for path in layout.config_scripts:
        _edit(root / path, normalizer.text)


def _edit(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    path.write_bytes(change(text).encode("utf-8", "surrogateescape"))


# Below a prefix that other software shares (`/usr`), a path means this Python only in the variables that configure
# derives from the prefix; `-I/usr/include/uuid` does not.
_DERIVED = (
    *("prefix", "exec_prefix", "datarootdir", "BINDIR", "BINLIBDEST", "CONFINCLUDEDIR", "CONFINCLUDEPY", "DESTDIRS"),
    *("DESTLIB", "DESTSHARED", "EXENAME", "INCLDIRSTOMAKE", "INCLUDEDIR", "INCLUDEPY", "LIBDEST", "LIBDIR", "LIBPC"),
    *("LIBPL", "MACHDESTLIB", "MANDIR", "SCRIPTDIR", "WASM_ASSETS_DIR", "WASM_STDLIB", "libdir", "includedir"),
)
_DERIVED_LINE = re.compile(rf"^(?:{'|'.join(_DERIVED)})[ \t]*=.*$", re.MULTILINE)
_CONFIGURED = re.compile(r"(?<='--)(?:(?:exec-)?prefix|(?:lib|bin|include|man|dataroot)dir)=[^']*(?=')")


@frozen(kw_only=False)
class PrefixNormalizer:
    """Replaces ``prefix`` by PBS's own, which the recipe looks for, as each kind of file allows."""

    prefix: str

    @property
    def is_shared(self) -> bool:
        return self.prefix in SHARED_PREFIXES

    def text(self, text: str) -> str:
        """A Makefile, a `*.pc`, a shell script: all whole paths, or those derived from a shared prefix."""
        if not self.is_shared:
            return self._paths(text)
        text = _DERIVED_LINE.sub(lambda match: self._paths(match[0]), text)
        return _CONFIGURED.sub(lambda match: self._paths(match[0]), text)

    def sysconfigdata(self, text: str) -> str:
        """`_sysconfigdata_*.py`: as text, or value by value."""
        variables = parse_sysconfigdata(text) if self.is_shared else None
        if variables is None:
            return self._paths(text)
        return format_sysconfigdata({name: self._value(name, value) for name, value in variables.items()})

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
        return PBS_PREFIX.join(re.split(whole_path_pattern(self.prefix), text))


# The dynamic loader's view of an ELF file: needed libraries and search paths, as in ld.so(8) and elf.h.

_PT_LOAD, _PT_DYNAMIC, _SHT_DYNSYM = 1, 2, 11
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 14, 15, 29


@frozen
class ElfDynamic:
    """The dynamic section: libraries needed, RUNPATH and RPATH with their offsets, and the offsets of other names."""

    needed: tuple[str, ...]
    search_paths: tuple[tuple[int, str], ...]
    names: frozenset[int]


def read_elf_dynamic(data: bytes) -> ElfDynamic | None:
    """Read the dynamic section; None for a file that is no ELF file, is static or is damaged."""
    if data[:4] != b"\x7fELF":
        return None
    try:
        return _read_dynamic(data)
    # An offset beyond what can be addressed overflows; a missing object that others refer to stops the iteration.
    except (struct.error, IndexError, ValueError, OverflowError, StopIteration):
        return None


def replace_search_paths(data: bytes, replace: Callable[[str], str]) -> tuple[bytes, tuple[str, ...]]:
    """Replace each directory to search, in place, as nothing in an ELF file can grow; also returns those that remain.

    A path remains if the new one is longer, or if its end is also another name, because the linker lets names share
    ends.
    """
    dynamic = read_elf_dynamic(data)
    if dynamic is None:
        return data, ()
    failed = []
    for at, text in dynamic.search_paths:
        replaced = ":".join(map(replace, text.split(":")))
        if replaced == text:
            continue
        old, new = text.encode(), replaced.encode()
        if len(new) > len(old) or any(at < name <= at + len(old) for name in dynamic.names):
            failed.append(text)
        else:
            data = data[:at] + new.ljust(len(old), b"\0") + data[at + len(old) :]
    return data, tuple(failed)


def _read_dynamic(data: bytes) -> ElfDynamic | None:
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
        search_paths=tuple((at, _text(data, at)) for at in dict.fromkeys(searched)),
        names=frozenset([*needed, *others, *(base + symbol for symbol in symbols)]),
    )


def _segment(data: bytes, at: int, wide: bool, order: str) -> tuple[int, int, int, int]:
    """(kind, offset in the file, address, size in the file) of a program header."""
    if wide:
        kind, _, offset, address, _, size = unpack_from(order + "IIQQQQ", data, at)
    else:
        kind, offset, address, _, size = unpack_from(order + "IIIII", data, at)
    return kind, offset, address, size


def _symbol_names(data: bytes, at: int, size: int, count: int, wide: bool, order: str) -> list[int]:
    """Offsets in the string table of the dynamic symbols' names."""
    for index in range(count):
        header = at + size * index
        if unpack_from(order + "I", data, header + 4)[0] == _SHT_DYNSYM:
            form, place, step = (order + "QQ", header + 24, 24) if wide else (order + "II", header + 16, 16)
            start, length = unpack_from(form, data, place)
            return [unpack_from(order + "I", data, symbol)[0] for symbol in range(start, start + length, step)]
    return []


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("utf-8", "surrogateescape")
