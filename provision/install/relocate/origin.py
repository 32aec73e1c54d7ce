"""Owns `Origin`, the places on a build's machine that its files still name; `mender` puts others in their stead."""

from __future__ import annotations

from collections.abc import Mapping

from provision.model.value import frozen

# Where PBS installs to, and what `pack` writes in.
INSTALL = "/install"

# Other software lives there too: that a text names such a place says nothing of this Python.
SHARED = frozenset({"", "/usr", "/usr/local", "/opt", "/opt/local", "/home", "/root", "/var"})


@frozen
class Origin:
    """The prefix a build was configured for, and the directories it was compiled in, all long gone."""

    prefix: str = INSTALL
    workdirs: tuple[str, ...] = ()  # longest first

    @classmethod
    def of(cls, variables: Mapping[str, object]) -> Origin:
        """Read it off a build's own `_sysconfigdata`; a prefix that other software shares counts as none."""
        prefix = _place(variables, "prefix")
        named = {_place(variables, name) for name in ("abs_builddir", "abs_srcdir")}
        workdirs = (named | set(map(_collapse, named))) - {""}
        return cls(prefix=prefix or INSTALL, workdirs=tuple(sorted(workdirs, key=lambda place: (-len(place), place))))


def _place(variables: Mapping[str, object], name: str) -> str:
    place = str(variables.get(name, "")).rstrip("/")
    return place if place.startswith("/") and place not in SHARED else ""


def _collapse(place: str) -> str:
    """``/b/release/../Python-3.13.5`` as ``/b/Python-3.13.5``."""
    parts: list[str] = []
    for part in place.split("/"):
        if part == "..":
            parts[1:] = parts[1:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
