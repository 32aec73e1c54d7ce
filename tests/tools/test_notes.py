"""The notes of a release."""

from __future__ import annotations

import pytest

from provision import __version__
from tools.notes import release_notes
from tools.references import addresses

CHANGELOG = f"""# Changelog

## [Unreleased]

## [{__version__}] – 2026-11-28

### Added

- It.

## [0.0.1]

- Old.
"""


def test_the_notes_have_the_changes_of_the_version_and_how_to_pin_it() -> None:
    notes = release_notes(CHANGELOG, f"v{__version__}", "a" * 40)
    assert notes.startswith("### Added\n\n- It.\n\n## Install\n")
    assert f"uses: {addresses().slug}@{'a' * 40} # v{__version__}" in notes
    assert "Old" not in notes


@pytest.mark.parametrize(
    ("changelog", "tag", "problem"),
    [(CHANGELOG, "v9.9.9", "the tag is v9.9.9"), ("# Changelog\n", f"v{__version__}", "has no part for")],
)
def test_a_tag_that_does_not_match_the_version_is_refused(changelog: str, tag: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        release_notes(changelog, tag, "a" * 40)
