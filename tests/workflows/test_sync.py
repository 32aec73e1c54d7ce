"""When a sync may change the lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import LockFileError
from provision.protocols import NoProgress
from provision.workflows.options import Options, Scope
from provision.workflows.sync import may_relock, sync


@pytest.mark.parametrize(
    ("ci", "lock_exists", "locked", "allowed"),
    [
        ("", True, None, True),
        ("", False, None, True),
        ("true", True, None, False),
        ("true", False, None, True),
        ("false", True, None, True),
        ("", True, True, False),
        ("", False, True, False),
        ("true", True, False, True),
    ],
)
def test_a_lock_is_changed_unless_forbidden_or_in_ci(
    ci: str, lock_exists: bool, locked: bool | None, allowed: bool
) -> None:
    assert may_relock({"CI": ci}, lock_exists=lock_exists, locked=locked) is allowed


def test_a_project_without_entries_is_locked_and_in_sync(options: Options, tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").write_text("[pythons]\n")
    with pytest.raises(LockFileError, match=r"pythons\.lock does not exist"):
        sync(options, Scope(), NoProgress(), locked=True)
    synced = sync(options, Scope(), NoProgress())
    assert synced.relocked is not None
    assert synced.planned.plan.is_empty
    assert (tmp_path / "pythons.lock").exists()
    assert sync(options, Scope(), NoProgress(), locked=True).relocked is None
