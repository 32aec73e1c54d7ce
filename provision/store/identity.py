"""The identity of a project: a text in its `.pythons/`, which moves with it.

A path does not identify a project: two containers may each mount one at the same path, and share a store.
"""

# The hooks of shells read identities, so this module imports at the top only what Python has loaded at start-up.
# ruff: noqa: PTH114, PTH118

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_FOLDER, _FILE = ".pythons", ".id"
_DIGITS = 32


def read_identity(project: "Path | str") -> str:
    """The identity of the project in a directory; empty if it has none. Raises `OSError` if it cannot be read."""
    folder = os.path.join(project, _FOLDER)
    if os.path.islink(folder):  # it could lead to another project's
        return ""
    try:
        descriptor = os.open(os.path.join(folder, _FILE), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return ""
    try:
        content = os.read(descriptor, _DIGITS + 3) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
    text = content.decode("ascii", "replace").strip()
    return text if len(text) == _DIGITS and text.isalnum() else ""


def make_identity(project: "Path") -> str:
    """The identity of a project, which is created if it has none; empty if its directory cannot be written.

    With ``SOURCE_DATE_EPOCH``, which requests files that do not depend on the machine, it is derived from the path.
    """
    from provision.errors import StoreError
    from provision.host.files import replace_file
    from provision.model.sha256 import sha256_hex
    from provision.store.links import make_links_directory
    from provision.store.locks import edit_lock

    try:
        known = read_identity(project)
        if known:
            return known
        random = "SOURCE_DATE_EPOCH" not in os.environ
        made = os.urandom(_DIGITS // 2).hex() if random else sha256_hex(os.fsencode(project))[:_DIGITS]
        path = make_links_directory(project) / _FILE
        with edit_lock(path):
            # Another run, with another store or for `provision trust`, may have created one meanwhile.
            known = read_identity(project)
            if not known:
                replace_file(path, f"{made}\n".encode())
    except (OSError, StoreError):
        return ""
    return known or made
