"""Advisory databases on disk: OSV JSON 1.x and CVE JSON 5.x.

A database is a file, a directory of files or a zip file. The formats: https://ossf.github.io/osv-schema/ and
https://cveproject.github.io/cve-schema/. Records on components that no build contains are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from provision.advisories.records import (
    AdvisoryRecord,
    Basis,
    Interval,
    Statement,
    Verdict,
    component_of_package,
    component_of_product,
    component_of_repository,
)
from provision.advisories.versions import VersionKey, version_key
from provision.errors import UsageError, reason_of
from provision.host.files import FileTooLargeError, exists, is_directory, is_file, open_regular, read_small_file
from provision.manifest.keys import ADVISORY_SEVERITIES, AdvisorySeverity
from provision.model.value import frozen

# Far above what databases have: OSV's export of Bitnami is 40 MB.
_LARGEST_RECORD = 4 << 20
_LARGEST_DATABASE = 512 << 20
_MOST_RECORDS = 300_000
_is_id = re.compile("[!-~]{1,100}").fullmatch
_MOST_SHOWN = 3  # zip files in a hint

_WORDS: Mapping[str, AdvisorySeverity] = {
    **{word: word for word in ADVISORY_SEVERITIES},
    "moderate": "medium",
    "important": "high",
}


@frozen
class AdvisoryDatabase:
    """The records read from one path. ``skipped`` counts JSON files that are no advisory or cannot be read."""

    path: str
    records: tuple[AdvisoryRecord, ...]
    skipped: int = 0


def read_database(path: Path) -> AdvisoryDatabase:
    """Read a JSON file, a directory of them, or a zip file; raises `UsageError` if it has no advisory."""
    if not exists(path):
        raise UsageError(f"{path} does not exist", hint="Name a JSON file, a directory or a zip file of advisories.")
    records, seen, skipped = [], 0, 0
    for name, data in _documents(path):
        found = read_record(data, database=path.name)
        seen += found is not None
        skipped += found is None
        if found is not None and found.statements:
            records.append(found)
        if seen + skipped > _MOST_RECORDS:
            raise UsageError(f"{path} has more than {_MOST_RECORDS} records, the last read is {name}")
    if not seen:
        raise UsageError(
            f"{path} holds no advisory: expected OSV JSON 1.x or CVE JSON 5.x",
            hint=_hint_on_zip_files(path) or "Name a JSON file, a directory or a zip file of advisories.",
        )
    return AdvisoryDatabase(path=str(path), records=tuple(records), skipped=skipped)


def _hint_on_zip_files(path: Path) -> str:
    """For a directory of databases in the place of one."""
    found = sorted(path.glob("*.zip")) if is_directory(path) else []
    passed = " ".join(f"--advisories {file}" for file in found[:_MOST_SHOWN])
    return f"Pass each zip file of the directory: `{passed}{' …' if found[_MOST_SHOWN:] else ''}`." if found else ""


def _documents(path: Path) -> Iterator[tuple[str, bytes]]:
    import zipfile

    if is_directory(path):
        files = (file for file in sorted(path.rglob("*.json")) if is_file(file))
        yield from _limited(((str(file), _read(file)) for file in files), str(path))
        return
    with _file_failures(path), open_regular(path):  # not a FIFO, which would block
        is_zip = zipfile.is_zipfile(path)
    yield from zip_members(path, str(path)) if is_zip else [(str(path), _read(path))]


@contextmanager
def _file_failures(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {reason_of(error)}", hint="Name a JSON file, a directory or a zip file of advisories."
        ) from error


def zip_members(
    file: Path | BytesIO, label: str, *, chosen: Callable[[str], bool] = lambda _: True
) -> Iterator[tuple[str, bytes]]:
    """The selected JSON files in a zip file, by name, within the limits for databases.

    Raises `UsageError` for a damaged or too large one, with ``label`` as its name.
    """
    yield from _limited(_zip_members(file, label, chosen), label)


def _zip_members(file: Path | BytesIO, label: str, chosen: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    import lzma
    import struct
    import zipfile
    import zlib

    damages = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError, EOFError)
    try:
        with zipfile.ZipFile(file) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith(".json") and chosen(name):
                    with archive.open(name) as member:
                        yield name, member.read(_LARGEST_RECORD)
    except OSError as error:
        raise UsageError(f"{label} cannot be read: {reason_of(error)}") from error
    except (*damages, RuntimeError, ValueError) as error:
        raise UsageError(f"{label} is a damaged zip file: {reason_of(error)}") from error


def _limited(documents: Iterable[tuple[str, bytes]], label: str) -> Iterator[tuple[str, bytes]]:
    left = _LARGEST_DATABASE
    for name, data in documents:
        left -= len(data)
        if left < 0:
            raise UsageError(f"{label} is larger than {_LARGEST_DATABASE >> 20} MiB, the limit for advisories")
        yield name, data


def _read(path: Path) -> bytes:
    """The content of a file; empty if it is too large for a record."""
    with _file_failures(path):
        try:
            return read_small_file(path, _LARGEST_RECORD)
        except FileTooLargeError:
            return b""


def read_record(data: bytes, *, database: str) -> AdvisoryRecord | None:
    """Read one record; None for JSON that is no advisory, and for a rejected or withdrawn one."""
    try:
        document = json.loads(data)
        if not isinstance(document, dict):
            return None
        if document.get("dataType") == "CVE_RECORD":
            return _read_cve(document, database)
        return _read_osv(document, database) if isinstance(document.get("affected"), list) else None
    except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
        return None  # a record that violates its schema is ignored


# OSV.


def _read_osv(document: Mapping[str, Any], database: str) -> AdvisoryRecord | None:
    if document.get("withdrawn"):
        return None
    affected = document["affected"]
    return AdvisoryRecord(
        id=_id(document["id"]),
        aliases=frozenset(map(_id, document.get("aliases") or ())),
        database=database,
        modified=str(document.get("modified", "")),
        severity=_severity(_osv_severities(document)),
        summary=_first_sentence(document.get("summary") or document.get("details") or ""),
        statements=tuple(statement for package in affected for statement in _osv_statements(package)),
    )


def _osv_severities(document: Mapping[str, Any]) -> Iterator[object]:
    for part in (document, *document["affected"]):
        for name in ("database_specific", "ecosystem_specific"):
            yield (part.get(name) or {}).get("severity")


def _osv_statements(affected: Mapping[str, Any]) -> Iterator[Statement]:
    package = affected.get("package") or {}
    versions = [str(version) for version in affected.get("versions") or ()]
    ranges = affected.get("ranges") or []
    named = component_of_package(
        str(package.get("ecosystem", "")), str(package.get("name", "")), str(package.get("purl", ""))
    )
    ordered = [each for each in ranges if each.get("type") in ("SEMVER", "ECOSYSTEM")]
    if named is not None and (ordered or versions):
        yield _ranges(named, ordered, versions)
    for each in ranges:
        if each.get("type") == "GIT":
            component = component_of_repository(str(each.get("repo", "")))
            if component is not None and component != named:
                yield _git(component, each, versions)


def _ranges(component: str, ranges: Iterable[Mapping[str, Any]], versions: Iterable[str]) -> Statement:
    affected: list[Interval] = []
    for each in ranges:
        intervals = _walk(component, each["events"])
        if intervals is None:
            return Statement(component=component, basis="range", problem="a version of the record cannot be compared")
        affected += intervals
    listed = (version_key(component, version) for version in versions)
    affected += (Interval(low=key, high=key, inclusive=True) for key in listed if key is not None)
    return Statement(component=component, basis="range", affected=tuple(affected))


# In the order in which events of one version count: `last_affected` may be the version that introduced it.
_EVENTS = ("fixed", "introduced", "last_affected")


def _walk(component: str, events: Iterable[Mapping[str, Any]]) -> list[Interval] | None:
    """The intervals of a range's events, which may come in any order; None if one cannot be placed in the order."""
    placed: list[tuple[VersionKey, int, str, str]] = []
    for event in events:
        for kind, text in event.items():
            key = version_key(component, str(text))
            if key is None:
                return None
            if kind in _EVENTS:
                placed.append((key, _EVENTS.index(kind), kind, str(text)))
    found: list[Interval] = []
    low: VersionKey | None = None
    for key, _, kind, text in sorted(placed):
        if kind == "introduced":
            low = key if low is None else low
        elif low is not None:
            inclusive = kind == "last_affected"
            found.append(Interval(low=low, high=key, inclusive=inclusive, fixed="" if inclusive else text))
            low = None
    if low is not None:
        found.append(Interval(low=low))
    return found


def _git(component: str, git: Mapping[str, Any], versions: Iterable[str]) -> Statement:
    """Commits cannot be ordered without the repository; the releases that OSV lists next to them can."""
    listed = [version_key(component, _tag_version(version)) for version in versions]
    keys = tuple(key for key in listed if key is not None)
    if not keys:
        return Statement(component=component, basis="git", problem="the record has commits only, no versions")
    has_fix = any("fixed" in event for event in git["events"])
    return Statement(component=component, basis="git-versions", listed=keys, has_fix=has_fix)


def _tag_version(tag: str) -> str:
    return re.sub(r"\A(?:v|V|openssl-|OpenSSL[_-]|R_|version-)(?=\d)", "", tag).replace("_", ".")


# CVE.


def _read_cve(document: Mapping[str, Any], database: str) -> AdvisoryRecord | None:
    metadata, containers = document["cveMetadata"], document["containers"]
    if metadata.get("state") == "REJECTED":
        return None
    cna, adps = containers["cna"], containers.get("adp") or []
    statements = list(_cve_statements(cna, "cna"))
    if not statements:  # MITRE's own part has n/a, and CISA's has the range
        statements = [statement for adp in adps for statement in _cve_statements(adp, "adp")]
    return AdvisoryRecord(
        id=_id(metadata["cveId"]),
        aliases=frozenset(),
        database=database,
        modified=str(metadata.get("dateUpdated") or cna.get("datePublic") or ""),
        severity=_severity(word for part in (cna, *adps) for word in _cve_severities(part)),
        summary=_first_sentence(cna.get("title") or next(iter(cna.get("descriptions") or [{}])).get("value", "")),
        statements=tuple(statements),
    )


def _cve_severities(container: Mapping[str, Any]) -> Iterator[object]:
    for metric in container.get("metrics") or ():
        for name, value in metric.items():
            if name.startswith("cvss"):
                yield value.get("baseSeverity")
            elif name == "other":
                content = value.get("content") or {}
                yield content.get("text") if isinstance(content, dict) else content


def _cve_statements(container: Mapping[str, Any], basis: Basis) -> Iterator[Statement]:
    for affected in container.get("affected") or ():
        component = component_of_product(str(affected.get("vendor", "")), str(affected.get("product", "")))
        if component is None:
            component = component_of_repository(str(affected.get("repo", "")))
        if component is not None and affected.get("versions"):
            yield _cve_statement(component, basis, affected)


def _cve_statement(component: str, basis: Basis, affected: Mapping[str, Any]) -> Statement:
    found: dict[str, list[Interval]] = {"affected": [], "unaffected": []}
    for version in affected["versions"]:
        if version.get("versionType") == "git" or version.get("status") not in found:
            return Statement(
                component=component, basis=basis, problem="the versions of the record are commits or unknown"
            )
        intervals = _cve_intervals(component, version)
        if intervals is None:
            return Statement(component=component, basis=basis, problem="a version of the record cannot be compared")
        found[version["status"]] += intervals
    defaults: Mapping[str, Verdict] = {"affected": "affected", "unaffected": "clean", "unknown": "unjudged"}
    # Many records omit the default; then the bounds say what is affected, as in `< 5.8.1`.
    default: Verdict = "clean" if found["affected"] else "unjudged"
    return Statement(
        component=component,
        basis=basis,
        affected=tuple(found["affected"]),
        unaffected=tuple(found["unaffected"]),
        otherwise=defaults.get(str(affected.get("defaultStatus", "")), default),
    )


_CONSTRAINT = re.compile(r"\s*(>=|<=|>|<|=)?\s*([^\s,<>=]+)\s*")


def _cve_intervals(component: str, version: Mapping[str, Any]) -> list[Interval] | None:
    """The interval of one entry of ``versions``: a version alone, one with an end, or ``>= 5.3.3alpha, < 5.8.1``."""
    text, below, to = str(version.get("version", "")), version.get("lessThan"), version.get("lessThanOrEqual")
    if below is None and to is None and re.search("[<>=,]", text):
        return _constraints(component, text)
    low = version_key(component, text)
    if low is None and text not in ("*", "unspecified", "-"):
        return None
    if below is None and to is None:
        return [Interval(low=low, high=low, inclusive=True)] if low is not None else [Interval()]
    end = str(below if below is not None else to)
    if end == "*":
        return [Interval(low=low)]
    high = version_key(component, end)
    if high is None:
        return None
    return [Interval(low=low, high=high, inclusive=below is None, fixed=end if below is not None else "")]


def _constraints(component: str, text: str) -> list[Interval] | None:
    low: VersionKey | None = None
    high: VersionKey | None = None
    inclusive, fixed = False, ""
    for part in text.split(","):
        match = _CONSTRAINT.fullmatch(part)
        key = version_key(component, match[2]) if match else None
        if match is None or key is None or match[1] == ">":
            return None
        match match[1]:
            case ">=":
                low = key
            case "<":
                high, fixed = key, match[2]
            case "<=":
                high, inclusive = key, True
            case _:
                low, high, inclusive = key, key, True
    return [Interval(low=low, high=high, inclusive=inclusive, fixed=fixed)]


def _severity(words: Iterable[object]) -> AdvisorySeverity:
    """The first word that is a severity; databases have it as a word, and a CVSS vector alone is not one."""
    for word in words:
        found = _WORDS.get(str(word).strip().lower())
        if found is not None and found != "unknown":
            return found
    return "unknown"


def _id(given: object) -> str:
    """An id, which is printed and compared; raises `ValueError` for anything else."""
    if not isinstance(given, str) or not _is_id(given):
        raise ValueError("expected an id of up to 100 printable ASCII characters")
    return given


def _first_sentence(text: object) -> str:
    line = " ".join(str(text).encode("utf-8", "replace").decode().split())  # JSON can escape half of a character
    first = line.partition(". ")[0]
    return first if len(first) <= 160 else f"{first[:159]}…"
