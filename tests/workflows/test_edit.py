"""`add` and `remove`: what they write, and that they write nothing when they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import ManifestError, ResolutionError
from provision.manifest.read import read_manifest
from provision.workflows.adopt import init
from provision.workflows.edit import add, remove
from provision.workflows.options import Options, parse_targets

TARGETS = parse_targets(["linux-x86_64"])


@pytest.fixture
def manifest(options: Options) -> Path:
    """A new manifest with an entry more."""
    path = init(options, TARGETS).path
    add(options, "one", {"version": "3.13"})
    return path


def test_added_entries_are_in_the_manifest_and_removed_ones_are_not(options: Options, manifest: Path) -> None:
    assert add(options, "two", {"version": "3.14", "freethreaded": True}).name == "two"
    assert [request.name for request in read_manifest(manifest).requests] == ["default", "one", "two"]
    assert read_manifest(manifest).requests[2].freethreaded
    assert remove(options, ["default", "two"]).name == "default, two"
    assert [request.name for request in read_manifest(manifest).requests] == ["one"]


def test_an_edit_that_fails_writes_nothing(options: Options, manifest: Path) -> None:
    before = manifest.read_bytes()
    with pytest.raises(ManifestError):
        add(options, "two", {"version": "3.14", "flavor": "tiny"})
    with pytest.raises(ManifestError):
        add(options, "one", {"version": "3.14"})
    with pytest.raises(ManifestError):
        remove(options, ["one", "missing"])
    assert manifest.read_bytes() == before


def test_an_invalid_manifest_is_not_edited(options: Options, manifest: Path) -> None:
    manifest.write_text("[pythons]\none = 3\n")
    with pytest.raises(ManifestError, match="one"):
        remove(options, ["one"])
    assert manifest.read_text() == "[pythons]\none = 3\n"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"version": "3.99"}, "no CPython 3.99 is known here"),
        ({"version": "3.14", "build": "yesterday"}, "no CPython 3.14 of build yesterday is known here"),
        ({"version": "3.12t"}, "free-threaded builds begin with 3.13"),
        ({"version": "3.13", "cpu": "v3", "targets": ["linux-aarch64"]}, "no v3 build of CPython 3.13"),
    ],
)
def test_an_entry_that_cannot_be_locked_is_refused_or_added_with_a_warning(
    manifest: Path, options: Options, spec: dict[str, object], said: str
) -> None:
    with pytest.raises(ResolutionError, match=r"^entry 'impossible' cannot be locked: ") as caught:
        add(options, "impossible", spec)
    assert said in caught.value.message
    assert (caught.value.hint or "").endswith("To add the entry before such a build exists, pass `--force`.")
    assert "impossible" not in manifest.read_text()
    (warning,) = add(options, "impossible", spec, force=True).warnings
    assert warning.startswith("entry 'impossible' cannot be locked: ")
    assert said in warning
    assert "impossible" in manifest.read_text()


def test_an_entry_that_can_be_locked_is_added_without_a_warning(manifest: Path, options: Options) -> None:
    added = add(options, "possible", {"version": "3.13.5", "build": "20250723"})
    assert added.warnings == ()
    assert added.python is not None
    assert (str(added.python.version), added.python.build, added.python.targets()) == ("3.13.5", "20250723", TARGETS)
    manifest.write_text('[settings]\ncatalogs = ["https://c.example/catalog.ndjson"]\n' + '[pythons]\none = "3.13"\n')
    added = add(options, "unknown", {"version": "3.99"})
    assert (added.warnings, added.python) == ((), None), "a catalog that is not at hand may know it"
