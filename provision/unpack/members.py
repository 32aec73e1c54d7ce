"""`ArchiveMember`, and the names and link targets that members may have.

The rules check one name at a time; `taken_names` checks whether a name is taken and where a link leads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, Protocol

from provision.host.files import is_windows_device
from provision.unpack.limits import ArchiveRefused

MemberKind = Literal["file", "dir", "link", "hardlink"]


class ArchiveMember(NamedTuple):
    """One member as it is in the archive; its name is not checked yet.

    ``name`` uses ``/``, without one at the end. ``target`` is the target of a link, relative to the link's directory,
    or for a hard link the name of an earlier member. ``size`` is in bytes, and 0 for anything but files. A tuple,
    because thousands are made and read once.
    """

    name: str
    kind: MemberKind
    mode: int = 0o644
    size: int = 0
    target: str = ""


class MemberSource(Protocol):
    """The members of an archive in order. Iterating to the end reads and checks every byte of the archive."""

    def __iter__(self) -> Iterator[ArchiveMember]: ...

    @property
    def position(self) -> int | None:
        """Where the content of the last file yielded begins in the decompressed stream, in bytes; None without one."""
        ...

    def content(self) -> Iterable[memoryview]:
        """The content of the last file yielded, in pieces; a caller must read all pieces or none."""
        ...


# In bytes: what file systems allow for a name, and what the strictest supported system (macOS) allows for a path; paths
# in known archives have fewer than 200. The depth is limited to what is plausible.
_LONGEST_NAME, _LONGEST_PATH, _DEEPEST = 255, 1024, 64
_NOT_NAMES = frozenset({"", ".", ".."})

_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_WINDOWS_SPECIAL = re.compile(r'[<>:"|?*\\]')


class NameRules:
    """The rules for names; ``windows`` adds those of Windows, for trees for Windows and all trees made on Windows.

    Accepted directories are remembered: most members are in the same directory as the previous one.
    """

    def __init__(self, *, windows: bool) -> None:
        self._windows = windows
        self._accepted = {""}

    def check(self, path: str) -> None:
        """Raise `ArchiveRefused` unless ``path`` is plain and relative: no ``..``, no drive, no impossible name."""
        parent, _, name = path.rpartition("/")
        if (
            parent in self._accepted
            and name not in _NOT_NAMES
            and path[0] != "/"
            and len(path) <= _LONGEST_NAME
            and path.isascii()
            and path.isprintable()
            and not self._windows
        ):
            return  # nearly all members; the checks below find what is wrong with the others
        if path.startswith("/"):
            raise ArchiveRefused("has an absolute name", path)
        # A character has at most four bytes.
        if len(path) * 4 > _LONGEST_PATH and len(_encoded(path)) > _LONGEST_PATH:
            raise ArchiveRefused(f"has a name of more than {_LONGEST_PATH} bytes", path)
        if parent not in self._accepted:
            self._check_directory(parent, path)
        self._check_name(name, path)

    def check_target(self, target: str, path: str) -> None:
        """Raise `ArchiveRefused` if ``target`` cannot be the target of a link; where it leads is not checked here."""
        if not target:
            raise ArchiveRefused("is a link without a target", path)
        if target.startswith("/"):
            raise ArchiveRefused("is a link to an absolute path", path)
        if len(_encoded(target)) > _LONGEST_PATH or target.count("/") > _DEEPEST:
            raise ArchiveRefused(f"is a link to a path of more than {_LONGEST_PATH} bytes or {_DEEPEST} names", path)
        if _CONTROL.search(target):
            raise ArchiveRefused("is a link to a path with control characters", path)
        if self._windows and _WINDOWS_SPECIAL.search(target):
            raise ArchiveRefused("is a link to a path that Windows reads differently", path)

    def _check_directory(self, directory: str, path: str) -> None:
        parts = directory.split("/")
        if len(parts) > _DEEPEST:
            raise ArchiveRefused(f"is more than {_DEEPEST} directories deep", path)
        for part in parts:
            self._check_name(part, path)
        self._accepted.add(directory)

    def _check_name(self, name: str, path: str) -> None:
        if name in _NOT_NAMES:
            reason = {"": "an empty name", ".": "'.'", "..": "'..'"}[name]
            raise ArchiveRefused(f"has {reason} in its path", path)
        if len(name) * 4 > _LONGEST_NAME and len(_encoded(name)) > _LONGEST_NAME:
            raise ArchiveRefused(f"has a name of more than {_LONGEST_NAME} bytes", path)
        if _CONTROL.search(name):
            raise ArchiveRefused("has control characters in its name", path)
        if self._windows:
            self._check_for_windows(name, path)

    def _check_for_windows(self, name: str, path: str) -> None:
        """Colons mark drives and streams, backslashes separate names, and Windows removes final dots and spaces."""
        if _WINDOWS_SPECIAL.search(name):
            raise ArchiveRefused("has a character in its name that Windows reads differently", path)
        if name.endswith((".", " ")):
            raise ArchiveRefused("has a name that ends in a dot or a space, which Windows removes", path)
        if is_windows_device(name):
            raise ArchiveRefused("has a name that is reserved on Windows", path)


def case_folded(path: str) -> str:
    """The form in which file systems that ignore case and Unicode composition (macOS, Windows) compare a path."""
    if path.isascii():
        return path.lower()
    from unicodedata import normalize

    return normalize("NFC", normalize("NFD", path).casefold())


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
