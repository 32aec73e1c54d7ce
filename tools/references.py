"""References to this project in texts: its repository, docs and version, from pyproject.toml.

    python -m tools.references [--repository URL] [--documentation URL]

writes new addresses into pyproject.toml, docs and examples; and the version of `provision/__init__.py`, which a release
raises, into the lines that install a version.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from provision import __version__
from provision.model.value import frozen

ROOT = Path(__file__).resolve().parent.parent
_PYPROJECT = ROOT / "pyproject.toml"
_FOLDERS = ("docs", "examples", "renovate", ".github")
_SUFFIXES = {".md", ".yml", ".yaml", ".json", ".toml", ".py", ".sh"}

# Where texts have `owner/name` of our repository, and a version of our distribution.
REPOSITORY = re.compile(
    r"(?<=github\.com/)[\w-]+/provision\b|(?<=uses: )[\w-]+/provision\b|(?<=github>)[\w-]+/provision\b"
)
VERSION = re.compile(r"(?<=pyprovision==)[\w.]+|(?<=/provision@v)[\w.]+|(?<=rev: v)[\w.]+")


@frozen
class Addresses:
    """The addresses in pyproject.toml, without a slash at the end."""

    repository: str
    documentation: str

    @property
    def slug(self) -> str:
        """``owner/name`` of the repository."""
        return "/".join(self.repository.split("/")[-2:])


def addresses() -> Addresses:
    """The addresses of the project, from `[project.urls]` in pyproject.toml."""
    urls = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["urls"]
    return Addresses(repository=urls["Repository"].rstrip("/"), documentation=urls["Documentation"].rstrip("/"))


def texts() -> Iterator[Path]:
    """All files that may name the project's addresses or its version, but for pyproject.toml."""
    yield from ROOT.glob("*.md")
    for folder in _FOLDERS:
        yield from (path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in _SUFFIXES)


def renew(text: str, old: Addresses, new: Addresses, version: str) -> str:
    """A text that names the new addresses, and the version where it is not of an older release."""
    text = text.replace(old.documentation, new.documentation).replace(old.repository, new.repository)
    text = text.replace(old.slug, new.slug)
    current = current_part(text, version)
    return VERSION.sub(version, current) + text[len(current) :]


def current_part(text: str, version: str) -> str:
    """The text up to the entries of older releases, which a changelog has below: those keep the versions they name."""
    older = re.search(rf"^## \[(?!Unreleased\]|{re.escape(version)}\])", text, re.MULTILINE)
    return text[: older.start()] if older else text


def main() -> None:
    old = addresses()
    parser = argparse.ArgumentParser(prog="python -m tools.references")
    parser.add_argument("--repository", default=old.repository, help="https://github.com/OWNER/provision")
    parser.add_argument("--documentation", default=old.documentation)
    options = parser.parse_args()
    new = Addresses(repository=options.repository.rstrip("/"), documentation=options.documentation.rstrip("/"))
    if not re.fullmatch(r"https://github\.com/[\w-]+/provision", new.repository):
        parser.error(f"--repository: expected https://github.com/OWNER/provision, got {options.repository!r}")
    if not re.fullmatch(r"https://[^\s/]+(/\S*)?", new.documentation):
        parser.error(f"--documentation: expected an https URL, got {options.documentation!r}")
    for path in (_PYPROJECT, *texts()):
        text = path.read_text(encoding="utf-8")
        renewed = renew(text, old, new, __version__)
        if renewed != text:
            path.write_text(renewed, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
