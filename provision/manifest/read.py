"""Finding `pythons.toml`, and reading it into a `Manifest` or a `Policy`.

Keys are checked one by one by `manifest.keys`, and here against each other. All problems of a file are raised at once.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from provision.errors import ManifestError, Place, raise_all, reason_of
from provision.host.files import FileTooLargeError, NotRegularFileError, exists, is_directory, read_small_file
from provision.host.repository import display_path
from provision.manifest.keys import ENTRY, POLICY, SETTINGS, VERSION, EntryTable, ManifestSettings, Policy
from provision.manifest.kinds import ProblemList, described
from provision.manifest.manifest import Manifest, Request, check_name
from provision.manifest.toml import MAX_TOML_SIZE, load_toml, manifest_too_large
from provision.text import KeyPath, dotted, quoted

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_NAME = "pythons.toml"
_TABLES = ("settings", "pythons", "policy")
_INIT = "Run `provision init` to create it."


class NoManifestError(ManifestError):
    """There is no `pythons.toml` in a directory or above it."""


def find_manifest(start: Path) -> Path:
    """The nearest `pythons.toml` in ``start`` or above it, up to the root of its repository; else `NoManifestError`.

    Outside a repository the search goes up to the root of the file system, but skips world-writable directories: a
    manifest in ``/tmp`` may come from anyone.
    """
    start = start.resolve()
    if not os.access(start, os.X_OK):
        raise ManifestError(f"cannot search {start}: permission denied", hint="Pass the manifest with `--manifest`.")
    for folder in (start, *start.parents):
        candidate = folder / MANIFEST_NAME
        if exists(candidate) and (folder == start or not _is_public(folder)):
            return candidate
        if exists(folder / ".git"):
            above = "" if folder == start else f" or its parent directories up to {folder}"
            raise NoManifestError(f"no {MANIFEST_NAME} in {start}{above}", hint=_INIT)
    raise NoManifestError(f"no {MANIFEST_NAME} in {start} or its parent directories", hint=_INIT)


def read_manifest(path: Path, file: str = "") -> Manifest:
    """Read and check a manifest; raises a `ManifestError` for each problem, all at once.

    ``file`` is its name in errors, by default its path in its repository.
    """
    return parse_manifest(read_manifest_text(path, file), path, file)


def read_manifest_text(path: Path, file: str = "") -> str:
    """A manifest's text; raises `ManifestError` if it is not a file, cannot be read, is too large or not UTF-8."""
    file = file or display_path(path)
    try:
        content = read_small_file(path, MAX_TOML_SIZE)
    except FileNotFoundError:
        raise ManifestError("does not exist", place=Place(file), hint=_INIT) from None
    except NotRegularFileError:
        raise not_a_file(path, file) from None
    except FileTooLargeError:
        raise manifest_too_large(file) from None
    except (OSError, ValueError) as error:  # ValueError: NUL in a path
        raise ManifestError(f"cannot be read: {reason_of(error)}", place=Place(file)) from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        message = f"not valid UTF-8: unexpected byte 0x{content[error.start]:02x}"
        raise ManifestError(message, place=Place(file, line, column), hint="Save the file as UTF-8.") from None


def not_a_file(path: Path, file: str) -> ManifestError:
    """The error for a directory, device, pipe or socket in the place of a manifest."""
    kind = "a directory" if is_directory(path) else "not a regular file"
    return ManifestError(f"is {kind}; expected a manifest", place=Place(file))


def parse_manifest(text: str, path: Path, file: str = "") -> Manifest:
    """Check a manifest's text. Raises the errors of `read_manifest`."""
    file = file or display_path(path)
    data = load_toml(text, file)
    problems = ProblemList()
    for key in data:
        if key not in _TABLES:
            home = _home_of(key, data[key])
            word = "" if home else key
            problems.add((key,), f"{quoted(key)} is not a table of the manifest", home, word=word, known=_TABLES)
    settings = SETTINGS.read(data.get("settings", {}), ("settings",), problems) or ManifestSettings()
    requests = _requests(data, settings, problems, file, text)
    policy = POLICY.read(data.get("policy", {}), ("policy",), problems)
    raise_problems(problems, file, text)
    return Manifest(path=path, settings=settings, requests=requests, policy=policy if data.get("policy") else None)


def _home_of(key: str, value: object) -> str:
    """The hint for a key at the top of the file that belongs into a table; empty for others."""
    if key in SETTINGS.keys:
        return f"Move `{key}` into the table [settings]."
    if key in POLICY.keys:
        return f"Move `{key}` into the table [policy]."
    is_entry = isinstance(value, str) or (isinstance(value, dict) and "version" in value)
    return f"Move `{key}` into the table [pythons], which has the entries." if is_entry else ""


def read_policy(path: Path) -> Policy:
    """Read the ``[policy]`` table of a file, which may be a manifest; the rest of the file is ignored.

    A manifest without that table has the default policy. Raises `ManifestError` if the table is missing in any other
    file, and for each of its problems, all at once.
    """
    file = display_path(path)
    if not exists(path):
        raise ManifestError("does not exist", place=Place(file), hint="Pass a file with a [policy] table.")
    text = read_manifest_text(path)
    data = load_toml(text, file)
    if "policy" not in data and "pythons" in data:
        return Policy()
    if "policy" not in data:
        hint = 'Add a table [policy] to the file, for example with cooldown = "1 week".'
        raise ManifestError("no [policy] table", place=Place(file), hint=hint)
    problems = ProblemList()
    policy = POLICY.read(data["policy"], ("policy",), problems)
    raise_problems(problems, file, text)
    return policy or Policy()


def _requests(
    data: dict[str, Any], settings: ManifestSettings, problems: ProblemList, file: str, text: str
) -> tuple[Request, ...]:
    entries = data.get("pythons")
    if entries is None:
        if not problems:  # otherwise it is probably misspelled
            problems.add((), "no [pythons] table", 'Add a table [pythons] with an entry, for example default = "3.14".')
        return ()
    if not isinstance(entries, dict):
        problems.add(("pythons",), f"expected the [pythons] table; got {described(entries)}")
        return ()
    requests = []
    for name, value in entries.items():
        path = ("pythons", name)
        _check_name(name, entries, problems)
        request = read_entry(name, value, settings, problems, path=path, place=LazyPlace(file, text, path))
        if request is not None:
            requests.append(request)
    first, *others = [request.name for request in requests if request.default] or [""]
    for name in others:
        problems.add(("pythons", name, "default"), f"only one entry can be the default; {first!r} already is")
    return tuple(requests)


def _check_name(name: str, names: dict[str, Any], problems: ProblemList) -> None:
    lower = name.lower()
    if lower != name and lower in names:
        problems.add(("pythons", name), f"this name differs from {lower!r} only in case")
        return
    try:
        check_name(name)
    except ValueError as error:
        problems.add(("pythons", name), str(error))


def read_entry(
    name: str,
    value: object,
    settings: ManifestSettings,
    problems: ProblemList,
    *,
    path: KeyPath,
    place: Place | None = None,
) -> Request | None:
    """Make a request from an entry's value; add every problem to the list, and return None if there is one."""
    before = len(problems)
    given: EntryTable | None = None
    if isinstance(value, str):
        parsed = VERSION.read(value, path, problems)
        given = None if parsed is None else EntryTable(version=parsed)
    elif isinstance(value, dict):
        given = ENTRY.read(value, path, problems)
    else:
        hint = "Put the value in quotes." if isinstance(value, int | float) and not isinstance(value, bool) else None
        problems.add(path, f'expected a version such as "3.14", or a table; got {described(value)}', hint)
    if given is None:
        return None
    _check_agreement(given, path, problems)
    _check_own_archives(given, path, problems)
    return Request.of(name, given, settings, place) if len(problems) == before else None


def _check_agreement(given: EntryTable, path: KeyPath, problems: ProblemList) -> None:
    """Add a problem for each key that contradicts the text of the version."""
    parsed = given.version
    listed = given.build_options or ()
    for option, own, requested in (
        ("freethreaded", given.freethreaded, parsed.freethreaded),
        ("debug", given.debug, parsed.debug),
    ):
        if own is False and (requested or option in listed):
            source = f"`version` ({parsed})" if requested else "`build-options`"
            problems.add((*path, option), f"false contradicts {source}, which requests a {option} build")
    if parsed.cpu and given.cpu and given.cpu != parsed.cpu:
        problems.add((*path, "cpu"), f'"{given.cpu}" contradicts `version`, which names {parsed.cpu} ({parsed})')
    if parsed.target and given.targets and given.targets != (parsed.target,):
        problems.add((*path, "targets"), f"these contradict `version`, which names {parsed.target}")
    if parsed.build and given.build and given.build != parsed.build:
        problems.add((*path, "build"), f'"{given.build}" contradicts `version`, which names {parsed.build} ({parsed})')
    if given.prereleases is False and parsed.version.allows_prerelease:
        problems.add((*path, "prereleases"), f"false contradicts `version`, which names a prerelease ({parsed})")


def _check_own_archives(given: EntryTable, path: KeyPath, problems: ProblemList) -> None:
    """Add a problem for each key that ``url`` requires: an archive does not show what it is or that it is genuine."""
    if given.url is None:
        if given.attestation is not None:
            problems.add(
                (*path, "attestation"), "`attestation` requires `url`, as only custom archives have one in the manifest"
            )
        return
    parsed = given.version
    hashed = {target for target, _ in given.sha256 or ()}
    for target, _ in given.url:
        if target not in hashed:
            hint = f'Add sha256 = {{ {target} = "…" }}.'
            problems.add((*path, "url"), f"sha256 for {target} is missing; each URL requires one", hint)
    targets = {target for target, _ in given.url}
    requested = {parsed.target} if parsed.target else set(given.targets or targets)
    if requested != targets:
        there, wanted = (", ".join(sorted(str(target) for target in each)) for each in (targets, requested))
        problems.add((*path, "url"), f"the URLs are for {there}, but the entry is for {wanted}")
    if parsed.version.exact is None:
        message = f"a custom archive requires one full version such as 3.13.5; got {parsed}"
        problems.add((*path, "version"), message)


class LazyPlace(Place):
    """The place of a valid key: its position is looked up only if an error shows it, which is rare."""

    __slots__ = ("_path", "_text")

    def __init__(self, file: str, text: str, path: KeyPath) -> None:
        self.file, self.key = file, dotted(path)
        self._text, self._path = text, path

    def __getattr__(self, name: str) -> int | None:
        # Called only while the slots of `line` and `column` are empty.
        if name not in {"line", "column"}:
            raise AttributeError(name)
        from provision.manifest.positions import positions_of

        self.line, self.column = positions_of(self._text).find(self._path) or (None, None)
        return self.line if name == "line" else self.column


def raise_problems(problems: ProblemList, file: str, text: str) -> None:
    """Raise a `ManifestError` for each problem, all at once, in the order of the file; return if there is none."""
    if not problems.found:
        return
    from provision.manifest.positions import Positions

    positions = Positions(text)
    errors = []
    for problem in sorted(problems.found, key=lambda problem: positions.offset(problem.path) or 0):
        line, column = positions.find(problem.path) or (None, None)
        place = Place(file, line, column, dotted(problem.path))
        errors.append(ManifestError(problem.message, place=place, hint=problem.hint))
    if problems.more:
        errors.append(ManifestError(f"and {problems.more} more problems", place=Place(file)))
    raise_all(errors)


def _is_public(folder: Path) -> bool:
    return os.name == "posix" and bool(folder.stat().st_mode & stat.S_IWOTH)
