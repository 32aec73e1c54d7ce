"""The identity of a project: a text in its `.pythons/`, which moves with it.

A path does not tell projects apart: two containers may each have one mounted at the same path, and share a store.
"""

from __future__ import annotations

import os
from pathlib import Path

from provision.errors import StoreError
from provision.host.files import is_link, read_small_file_or_none, replace_file
from provision.model.sha256 import sha256_hex
from provision.store.links import links_directory, make_links_directory

_FILE = ".id"
_DIGITS = 32


def read_identity(project: Path) -> str:
    """The identity of the project in a directory; empty if it has none. Raises `OSError` if it cannot be read."""
    folder = links_directory(project)
    if is_link(folder):  # it could lead to another project's
        return ""
    text = (read_small_file_or_none(folder / _FILE, _DIGITS + 2) or b"").decode("ascii", "replace").strip()
    return text if len(text) == _DIGITS and text.isalnum() else ""


def make_identity(project: Path) -> str:
    """The identity of a project, which is made if it has none; empty if its directory cannot be written.

    With ``SOURCE_DATE_EPOCH``, which requests files that do not depend on the machine, it is made of the path.
    """
    try:
        known = read_identity(project)
        if known:
            return known
        random = "SOURCE_DATE_EPOCH" not in os.environ
        made = os.urandom(_DIGITS // 2).hex() if random else sha256_hex(os.fsencode(project))[:_DIGITS]
        replace_file(make_links_directory(project) / _FILE, f"{made}\n".encode())
    except (OSError, StoreError):
        return ""
    return made
