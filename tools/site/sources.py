"""The Markdown files of the docs site: those of `docs/`, and those that are made from the code."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomlkit

from tools.references import ROOT, addresses
from tools.site.reference import code_in_table, reference_pages

DOCS = ROOT / "docs"
CONFIGURATION = DOCS / "zensical.toml"
# Pages for those who work on provision itself; the site links to the repository instead.
_NOT_ON_THE_SITE = {"wording.md"}
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")

# A nav as TOML has it: paths, and tables with one title and one path or another nav.
Nav = list[Any]


def write_sources(folder: Path) -> None:
    """Write the configuration and all pages of the site into an empty folder."""
    pages = folder / "docs"
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns(CONFIGURATION.name, *_NOT_ON_THE_SITE))
    written = {path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*.md")}
    written["changelog.md"] = ROOT / "CHANGELOG.md"
    texts = {
        name: with_links_to_the_repository(path.read_text(encoding="utf-8"), path)
        for name, path in sorted(written.items())
        if name not in _NOT_ON_THE_SITE
    }
    texts |= {f"reference/{name}": text for name, text in reference_pages().items()}
    for name, text in texts.items():
        (pages / name).parent.mkdir(parents=True, exist_ok=True)
        (pages / name).write_text(with_pipes_in_code(with_titles_for_file_names(text)), encoding="utf-8")
    shutil.copytree(ROOT / "schemas", pages / "reference" / "schemas")
    (folder / "zensical.toml").write_text(tomlkit.dumps(configuration(pages)), encoding="utf-8")


def with_pipes_in_code(text: str) -> str:
    """A page whose code in tables has ``|``, which GitHub wants with a backslash, as Zensical shows it."""

    def code(match: re.Match[str]) -> str:
        return code_in_table(match[1].replace("\\|", "|"))

    lines = (re.sub(r"`([^`]*\\\|[^`]*)`", code, line) if line.startswith("|") else line for line in text.splitlines())
    return "\n".join(lines) + "\n"


def with_titles_for_file_names(text: str) -> str:
    """A page whose links that are named after a file, for readers on GitHub, have the title of its page."""

    def link(match: re.Match[str]) -> str:
        title = (DOCS / match[1]).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        return f"[{title}]({match[0].rpartition('](')[2]}"

    return re.sub(r"\[[\w-]+\.md\]\((?:\.\./)?([\w-]+\.md)(?:#[^)\s]*)?\)", link, text)


def with_links_to_the_repository(text: str, path: Path) -> str:
    """A page whose links to files outside of the site lead to the repository."""
    repository = addresses().repository

    def link(match: re.Match[str]) -> str:
        target = (path.parent / match[1]).resolve()
        fragment = match[2] or ""
        if target.is_relative_to(DOCS) and target.name not in _NOT_ON_THE_SITE:
            return f"{target.relative_to(DOCS).as_posix()}{fragment}" if path.parent != DOCS else match[0]
        if target == ROOT / "CHANGELOG.md":
            return f"changelog.md{fragment}"
        kind = "tree" if target.is_dir() else "blob"
        return f"{repository}/{kind}/main/{target.relative_to(ROOT).as_posix()}{fragment}"

    return _LINK.sub(link, text)


def configuration(pages: Path) -> dict[str, Any]:
    """The configuration with the addresses of the project, and all pages that a pattern in its nav stands for."""
    read = tomllib.loads(CONFIGURATION.read_text(encoding="utf-8"))
    project = read["project"]
    project["site_url"] = f"{addresses().documentation}/"
    # No `repo_url`: with it, every page asks api.github.com for numbers of the repository.
    project["nav"] = list(_expanded(project["nav"], pages))
    return read


def _expanded(nav: Nav, pages: Path) -> Iterator[Any]:
    for item in nav:
        if isinstance(item, str) and "*" in item:
            yield from (
                path.relative_to(pages).as_posix() for path in sorted(pages.glob(item)) if path.name != "index.md"
            )
        elif isinstance(item, dict):
            ((title, value),) = item.items()
            yield {title: list(_expanded(value, pages)) if isinstance(value, list) else value}
        else:
            yield item


def pages_in(nav: Nav) -> Iterator[tuple[tuple[str, ...], str]]:
    """The Markdown pages of a nav, in order, each with the titles above it."""
    for item in nav:
        title, value = next(iter(item.items())) if isinstance(item, dict) else ("", item)
        if isinstance(value, list):
            yield from (((title, *titles), path) for titles, path in pages_in(value))
        elif value.endswith(".md"):
            yield (title,) if title else (), value
