"""The notes of a release: its part of CHANGELOG.md, and how to pin it.

    python -m tools.notes v0.2.0 --commit 0123… > notes.md

Fails if the tag is not the version of `provision/__init__.py`, or if the changelog has no part for it. It needs nothing
but the standard library.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from provision import __version__
from tools.references import addresses

ROOT = Path(__file__).resolve().parent.parent

_PINS = """
## Install

    pipx install pyprovision=={version}

In a workflow, pinned to the commit of this release:

    - uses: {slug}@{commit} # v{version}
"""


def release_notes(changelog: str, tag: str, commit: str) -> str:
    """The notes of a tag; raises `ValueError` if the changelog has no part for it, or the tag is not the version."""
    version = tag.removeprefix("v")
    if tag != f"v{__version__}":
        raise ValueError(f"the tag is {tag}, the version in provision/__init__.py is {__version__}")
    part = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if part is None or not part[1].strip():
        raise ValueError(f"CHANGELOG.md has no part for {version}")
    return part[1].strip() + "\n" + _PINS.format(version=version, slug=addresses().slug, commit=commit)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.notes")
    parser.add_argument("tag")
    parser.add_argument("--commit", required=True)
    options = parser.parse_args()
    try:
        notes = release_notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), options.tag, options.commit)
    except ValueError as error:
        sys.exit(f"error: {error}")
    sys.stdout.write(notes)


if __name__ == "__main__":
    main()
