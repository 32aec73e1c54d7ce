"""Small but realistic repositories, each a text: its files, one after another, below lines ``== NAME ==``."""

from __future__ import annotations

import re
from pathlib import Path

from provision.adopt.files import find_files, read_files
from provision.adopt.mention import Reading

FOLDER = Path(__file__).parent / "repositories"
REPOSITORIES = tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))


def write_repository(name: str, directory: Path) -> Path:
    """Write the files of a repository, and a `.git` next to them."""
    parts = re.split(r"(?m)^== (.*) ==\n", (FOLDER / f"{name}.txt").read_text())
    for file, text in zip(parts[1::2], parts[2::2], strict=True):
        path = directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (directory / ".git").mkdir(exist_ok=True)
    return directory


def found(reading: Reading) -> list[str]:
    """The requests of a reading, each with its line and role."""
    return [f"{mention.line} {mention.given} {mention.role}" for mention in reading.mentions]


def read_all(directory: Path) -> list[str]:
    """Where what was found in a directory."""
    return [f"{mention.where} {mention.given}" for mention in read_files(find_files(directory), directory).mentions]
