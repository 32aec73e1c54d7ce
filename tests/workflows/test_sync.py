"""When a sync may change the lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import LockFileError
from provision.protocols import NoProgress
from provision.workflows.options import Options, Scope
from provision.workflows.sync import may_relock, sync


@pytest.mark.parametrize(
    ("ci", "locked", "allowed"),
    [
        ("", None, True),
        ("true", None, False),
        ("false", None, True),
        ("", True, False),
        ("true", True, False),
        ("true", False, True),
    ],
)
def test_a_lock_is_written_unless_forbidden_or_in_ci(ci: str, locked: bool | None, allowed: bool) -> None:
    assert may_relock({"CI": ci}, locked=locked) is allowed


def test_a_project_without_entries_is_locked_and_in_sync(options: Options, tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").write_text("[pythons]\n")
    with pytest.raises(LockFileError, match=r"pythons\.lock does not exist"):
        sync(options, Scope(), NoProgress(), locked=True)
    synced = sync(options, Scope(), NoProgress())
    assert synced.relocked is not None
    assert synced.planned.plan.is_empty
    assert (tmp_path / "pythons.lock").exists()
    assert sync(options, Scope(), NoProgress(), locked=True).relocked is None
