"""`outdated --security` with databases of advisories, run as a user runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.advisories.corpus import COOKIES, encoded
from tests.review.test_audit_advisories import NEW_OPENSSL
from tests.support.project import Project
from tests.support.schemas import check_document

OLD = '{ version = "3.13.13", build = "20260602", targets = ["linux-x86_64", "macos-aarch64"] }'
NEW = '{ version = "3.13.14", build = "20260610", targets = ["linux-x86_64"] }'
# The locked OpenSSL and all later ones: older builds are free of it, and none of them is an upgrade.
NEVER_FIXED: dict[str, Any] = {
    "id": "TEST-1",
    "modified": "2026-11-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "", "name": "openssl", "purl": "pkg:generic/openssl"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "3.5.6"}]}],
        }
    ],
}


def locked(tmp_path: Path, entries: str, *documents: dict[str, Any], policy: str = "") -> tuple[Project, Path]:
    """A locked project, and a directory with the documents as a database."""
    project = Project(tmp_path / "project")
    project.write(f"[pythons]\n{entries}\n{policy}")
    project.run("lock")
    database = tmp_path / "database"
    database.mkdir()
    for number, document in enumerate(documents):
        (database / f"{number}.json").write_bytes(encoded(document))
    return project, database


def test_an_entry_is_listed_with_the_build_that_closes_the_advisory(tmp_path: Path) -> None:
    project, database = locked(tmp_path, f"old = {OLD}\nnew = {NEW}", NEW_OPENSSL, COOKIES)
    ended = project.run("outdated", "--security", "--advisories", database, "--exit-code", expect=3)
    (heads, row) = ended.out.splitlines()
    assert heads.startswith("NAME  LOCKED ")
    assert "FIXED BY" in heads
    assert row.startswith("old ")
    assert "CVE-2026-1" in row
    assert "closes 1 advisory in 1 entry: old" in ended.err
    assert "no newer build is allowed for old; change the version in pythons.toml to upgrade" in ended.err
    project.write(project.manifest.read_text().replace('version = "3.13.13", build = "20260602"', 'version = "3.13"'))
    after = project.run("outdated", "--security", "--advisories", database).err
    assert "run `provision lock --upgrade old`" in after
    assert "is allowed for" not in after
    project.write(f"[pythons]\nold = {OLD}\nnew = {NEW}\n")
    document = project.run("outdated", "--security", "--advisories", database, "--json").document()
    check_document("outdated", document)
    (update,) = document["updates"]
    assert (update["name"], update["locked"], update["target"]) == ("old", "3.13.13+20260602", "all")
    assert update["advisory"]["id"] == "CVE-2026-1"
    assert update["advisory"]["fixing-build"].startswith("3.13.")
    # An upgrade of an entry that names its build changes nothing: both are in sight.
    assert update["newest-allowed"] == update["locked"]


def test_only_the_named_entries_are_listed(tmp_path: Path) -> None:
    project, database = locked(tmp_path, f"old = {OLD}\nnew = {NEW}", NEW_OPENSSL)
    ended = project.run("outdated", "new", "--security", "--advisories", database, "--exit-code")
    assert ended.out == ""
    assert "no known build closes an advisory on a locked entry" in ended.err


def test_advisories_that_no_later_build_closes_are_counted(tmp_path: Path) -> None:
    project, database = locked(tmp_path, f"default = {OLD}", NEVER_FIXED)
    ended = project.run("outdated", "--security", "--advisories", database, "--exit-code")
    assert "1 applicable advisory is closed by no judged build" in ended.err
    assert f"`provision audit --advisories {database} --verbose` lists all" in ended.err


def test_an_upgrade_to_a_build_without_known_components_is_reported(tmp_path: Path) -> None:
    """The newest builds are later than the component list: what they contain is not known."""
    project, database = locked(tmp_path, f"default = {OLD}", NEW_OPENSSL)
    old = project.lock.read_text()
    tmp_path.joinpath("old.lock").write_text(old)
    newer = '[pythons]\ndefault = { version = "3.13.18", targets = ["linux-x86_64", "macos-aarch64"] }\n'
    project.write(newer)
    project.run("lock")
    why = "build 20261110 is newer than the component list of 20260814"
    ended = project.run("audit", "--advisories", database, "--strict", expect=5)
    assert "warning PV030 default, all: CVE-2026-1 on openssl cannot be judged: " + why in ended.out
    assert "PV030: Run `provision catalog update`" in ended.out
    ended = project.run("diff", "--advisories", database, tmp_path / "old.lock", "pythons.lock")
    assert f"warning: default: 1 advisory on openssl can no longer be judged: {why}" in " ".join(ended.out.split())
    lines = " ".join(ended.out.split())
    assert "openssl 3.5.6, " in lines
    assert "known → not known" in lines
    ended = project.run("outdated", "--security", "--advisories", database)
    as_json = project.run("outdated", "--security", "--advisories", database, "--json").document()
    check_document("outdated", as_json)
    assert as_json["gaps"] == [f"default, all: CVE-2026-1 on openssl cannot be judged: {why}"]
    assert "no known build closes" not in ended.err
    assert why in ended.err


def test_newer_builds_without_known_components_are_named(tmp_path: Path) -> None:
    project, database = locked(tmp_path, f"default = {OLD}", NEVER_FIXED)
    ended = project.run("outdated", "--security", "--advisories", database)
    assert "newer builds cannot be judged (3.13.18+20261110); run `provision catalog update`" in ended.err
    assert "1 applicable advisory is closed by no judged build" in ended.err


def test_advisories_that_the_policy_ignores_are_not_listed(tmp_path: Path) -> None:
    rule = '{ code = "CVE-2026-1", reason = "no QUIC here", until = 2099-01-01 }'
    project, database = locked(tmp_path, f"old = {OLD}", NEW_OPENSSL, policy=f"[policy]\nignore = [{rule}]\n")
    assert project.run("outdated", "--security", "--advisories", database, "--exit-code").out == ""


def test_a_policy_that_turns_advisories_off_is_named(tmp_path: Path) -> None:
    project, database = locked(tmp_path, f"old = {OLD}", NEW_OPENSSL, policy='[policy]\nadvisories = "off"\n')
    ended = project.run("outdated", "--security", "--advisories", database, expect=2)
    assert 'the policy in pythons.toml has `advisories = "off"`' in ended.err


def test_a_database_without_security_is_an_error(tmp_path: Path) -> None:
    project, database = locked(tmp_path, f"old = {OLD}", NEW_OPENSSL)
    assert "`--advisories` requires `--security`" in project.run("outdated", "--advisories", database, expect=2).err
