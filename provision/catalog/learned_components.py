"""Components of builds that are newer than the bundled table, from PBS's files.

`catalog update` reads two files of PBS as text, at a tag or at the commit that was proven to be its source: the
dictionary of `pythonbuild/downloads.py`, which is parsed and never executed, and the lists `needs` of
`cpython-unix/targets.yml`. The result is kept next to the catalogs. If the files of a tag cannot be read, its release
notes name some versions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from provision.catalog.cache import load_texts, save_catalog
from provision.catalog.catalog import Catalog
from provision.catalog.components import ComponentTable, LearnedTag, bundled_table
from provision.catalog.pbs import REPOSITORY
from provision.catalog.release_notes import read_notes_of_tags
from provision.errors import CatalogError
from provision.host.files import read_small_file
from provision.model.value import replace
from provision.protocols import HttpGet, request_document

# Where PBS's files are, by tag.
FILES = f"https://raw.githubusercontent.com/{REPOSITORY}"
_VERSIONS_FILE, _NEEDS_FILE = "pythonbuild/downloads.py", "cpython-unix/targets.yml"
_CACHE_FILE, _COMMITS_FILE = "components.json", "attested-commits.json"
_LARGEST_FILE = 1 << 20  # bytes; the larger of both has 26 kB
_LARGEST_CACHE = 16 << 20

# Build tools; none of them is in the build.
_TOOLS = frozenset({"autoconf", "binutils", "gcc", "linux-uapi", "m4", "musl", "patchelf", "xorgproto"})

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}", re.ASCII)
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", re.ASCII)
_TARGET_LINE = re.compile(r"([0-9a-z][0-9a-z._-]*):\s*", re.ASCII)
_ITEM_LINE = re.compile(r"    - '?([0-9A-Za-z][0-9A-Za-z._-]*)'?\s*", re.ASCII)


def read_versions(source: bytes) -> dict[str, str]:
    """The version of each entry of `downloads.py`; raises `CatalogError` unless it is one dictionary of dictionaries.

    Nothing in it is executed: the dictionary must consist of literals.
    """
    import ast

    try:
        module = ast.parse(_limited(source))
        found = [
            node.value
            for node in module.body
            if isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] == ["DOWNLOADS"]
        ]
        (dictionary,) = found
        entries = ast.literal_eval(dictionary).items()
        versions = {name: entry.get("actual_version", entry.get("version")) for name, entry in entries}
    except (SyntaxError, ValueError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        raise CatalogError(f"expected one dictionary DOWNLOADS of literals: {error}") from error
    return {name: version for name, version in versions.items() if _is(_NAME, name) and _is(_VERSION, version)}


def read_needs(source: bytes) -> dict[str, tuple[str, ...]]:
    """What each target of `targets.yml` needs, without tools; raises `CatalogError` if a list has another form.

    Only the lines ``TARGET:``, `` needs:`` and `` - NAME`` are read, in the form of the file.
    """
    needs: dict[str, list[str]] = {}
    target, in_list = "", False
    for number, line in enumerate(_limited(source).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line.startswith(" "):
            match = _TARGET_LINE.fullmatch(line)
            target, in_list = (match[1] if match else ""), False
        elif not line.startswith("   "):
            in_list = line.rstrip() == "  needs:"
            if in_list and (not target or target in needs):
                raise CatalogError(f"line {number}: a list of needs where none is expected")
            if in_list:
                needs[target] = []
            elif line.startswith("  needs:"):
                raise CatalogError(f"line {number}: expected a list of needs, one a line")
        elif in_list:
            item = _ITEM_LINE.fullmatch(line)
            if item is None:
                raise CatalogError(f"line {number}: expected the name of an entry")
            needs[target].append(item[1])
    if not needs:
        raise CatalogError("no target has a list of needs")
    return {name: tuple(sorted(set(listed) - _TOOLS)) for name, listed in needs.items()}


def _limited(source: bytes) -> str:
    if len(source) > _LARGEST_FILE:
        raise CatalogError(f"{len(source)} bytes; the limit is {_LARGEST_FILE}")
    return source.decode("utf-8")


def _is(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def unknown_tags(catalog: Catalog, table: ComponentTable) -> list[str]:
    """The tags of PBS in a catalog that are newer than the bundled table and not learned, the newest first."""
    newest = max(table.tags)
    builds = (build for version in catalog.versions("cpython") for build in catalog.builds("cpython", version))
    tags = {build for build in builds if re.fullmatch(r"[0-9]{8}", build, re.ASCII) and build > newest}
    return sorted(tags - set(table.learned), reverse=True)


def learn_tag(tag: str, *, get: HttpGet, commit: str = "", files: str = FILES) -> LearnedTag:
    """Read both files at a tag, or at the commit that it was built from, as a tag can be moved.

    Raises `NetworkError`, and `CatalogError` if one has another form.
    """
    read: list[Any] = []
    for file, reader in ((_VERSIONS_FILE, read_versions), (_NEEDS_FILE, read_needs)):
        url = f"{files}/{commit or tag}/{file}"
        body = request_document(get, url).body
        try:
            read.append(reader(body))
        except (CatalogError, UnicodeDecodeError) as error:
            raise CatalogError(f"{url}: {error}") from error
    versions, needs = read
    return LearnedTag(versions=versions, needs=needs)


def known_table(cache_dir: Path) -> ComponentTable:
    """The bundled table, with what was read since from PBS's files and release notes."""
    table = bundled_table()
    learned = _load(cache_dir)
    noted = read_notes_of_tags(load_texts(cache_dir), after=max(table.tags))
    return replace(table, learned=learned, partial={**noted, **table.partial}) if learned or noted else table


def save_learned(cache_dir: Path, learned: Mapping[str, LearnedTag]) -> None:
    """Add tags to those that were learned before; raises `StoreError`."""
    save_catalog(cache_dir / _CACHE_FILE, _format({**_load(cache_dir), **learned}))


def learned_file(cache_dir: Path, tags: Collection[str]) -> bytes:
    """The file of what was learned, with some tags only, for the cache of another machine; empty if it has none."""
    learned = {tag: row for tag, row in _load(cache_dir).items() if tag in tags}
    return _format(learned) if learned else b""


def _format(learned: Mapping[str, LearnedTag]) -> bytes:
    tags = {tag: {"versions": row.versions, "needs": row.needs} for tag, row in sorted(learned.items())}
    return json.dumps({"version": 1, "tags": tags}, indent=1).encode()


def save_attested_commits(cache_dir: Path, commits: Mapping[str, str]) -> None:
    """Keep the commits that verified attestations name, by tag; raises `StoreError`.

    Commits that only a lock file names are not among them: its author could name any commit that GitHub serves for PBS.
    """
    before = attested_commits(cache_dir)
    known = {**before, **commits}
    if known != before:
        save_catalog(cache_dir / _COMMITS_FILE, json.dumps({"version": 1, "commits": known}, sort_keys=True).encode())


def attested_commits(cache_dir: Path) -> dict[str, str]:
    """The commits that were kept, by tag; nothing if the file is missing or damaged."""
    try:
        document = json.loads(read_small_file(cache_dir / _COMMITS_FILE, _LARGEST_CACHE))
        commits = document["commits"].items() if document["version"] == 1 else ()
        return {tag: commit for tag, commit in commits if _COMMIT.fullmatch(commit)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _load(cache_dir: Path) -> dict[str, LearnedTag]:
    """What was learned; nothing if the file is missing or damaged: it saves requests only."""
    try:
        document = json.loads(read_small_file(cache_dir / _CACHE_FILE, _LARGEST_CACHE))
        if document["version"] != 1:
            return {}
        return {tag: _learned(row["versions"], row["needs"]) for tag, row in document["tags"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _learned(versions: Mapping[str, str], needs: Mapping[str, Iterable[str]]) -> LearnedTag:
    for name in (*versions, *versions.values(), *needs, *(name for names in needs.values() for name in names)):
        if not isinstance(name, str):
            raise TypeError("expected text")
    return LearnedTag(
        versions=dict(versions),
        needs={target: tuple(names) for target, names in needs.items()},
    )
