"""The text that `lock` writes, and when a lock depends on this machine."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from provision.catalog.snapshot import bundled_catalog
from provision.cli.console import Console
from provision.cli.present.lock import present_locked
from provision.host.detect import detect_host
from provision.lock.lock import Upgrade
from provision.manifest.read import parse_manifest
from provision.workflows.diff import diff
from provision.workflows.lock import host_target, lock
from provision.workflows.options import Options
from tests.catalog.samples import custom_line
from tests.support.project import Project

SPELLINGS: dict[str, Callable[[str], str]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "byte order mark": lambda text: "\ufeff" + text,
    "both": lambda text: "\ufeff" + text.replace("\n", "\r\n"),
    "no comment": lambda text: "\ufeff" + re.sub("^# Written.*\n", "", text),
}
MANIFEST = '[settings]\ntargets = ["linux-x86_64"]\n[pythons]\none = "{}"\n'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.write(MANIFEST.format("3.13"))
    project.run("lock")
    return project


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_layout_of_the_existing_lock_file_is_kept(spelling: str, project: Project) -> None:
    plain, spell = project.lock.read_text(), SPELLINGS[spelling]
    spelled = spell(plain).encode()
    project.lock.write_bytes(spelled)
    project.manifest.write_bytes(spell(project.manifest.read_text()).encode())
    project.run("lock", "--check")
    project.run("audit")
    if spelling != "no comment":
        project.run("lock")
        assert project.lock.read_bytes() == spelled
    (project.directory / "plain.lock").write_text(plain)
    project.run("diff", "plain.lock", "pythons.lock", "--exit-code")
    project.manifest.write_bytes(spell(MANIFEST.format("3.12")).encode())
    project.run("lock")
    changed = project.lock.read_bytes()
    assert b"3.12" in changed
    assert changed.startswith(b"\xef\xbb\xbf") is spelled.startswith(b"\xef\xbb\xbf")
    assert changed.count(b"\n") == len(changed.splitlines())
    assert changed.count(b"\r\n") == (changed.count(b"\n") if b"\r\n" in spelled else 0)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_lock_file_of_a_revision_or_with_a_conflict_is_read_in_any_layout(spelling: str, project: Project) -> None:
    spell = SPELLINGS[spelling]

    def git(*words: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.autocrlf=false")
        subprocess.run(["git", *identity, *words], cwd=project.directory, check=True, capture_output=True)

    plain = project.lock.read_text()
    project.lock.write_bytes(spell(plain).encode())
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "locked")
    project.lock.write_text(plain)
    project.run("diff", "HEAD", "--exit-code")
    conflict = f"<<<<<<< ours\n{plain}=======\n{plain}>>>>>>> theirs\n"
    project.lock.write_bytes(spell(conflict).encode())
    project.run("lock")
    assert project.lock.read_bytes().decode().removeprefix("\ufeff").replace("\r\n", "\n") == plain


def of_a_newer_format(text: str) -> str:
    return text.replace('"1.0"', '"1.7"').replace('cpu = "', 'signature = "x"\ncpu = "')


def test_a_lock_file_of_a_newer_format_is_unchanged_while_no_entry_changes(project: Project) -> None:
    newer = of_a_newer_format(project.lock.read_text())
    project.lock.write_text(newer)
    ended = project.run("lock")
    assert "signature is unknown to this version of provision; the key is ignored" in ended.err
    assert "unchanged" in ended.err
    assert project.lock.read_text() == newer


@pytest.mark.parametrize("words", ["lock", "sync", "lock --upgrade", "lock with a conflict"])
def test_keys_of_a_newer_format_are_not_lost(words: str, project: Project) -> None:
    newer = of_a_newer_format(project.lock.read_text())
    if "conflict" in words:
        newer = f"<<<<<<< ours\n{newer}=======\n{newer}>>>>>>> theirs\n"
    elif "upgrade" not in words:
        project.write(MANIFEST.format("3.12"))
    else:
        newer = re.sub(r"3\.13\.\d+", "3.13.1", newer)
    project.lock.write_text(newer)
    command = words.partition(" with")[0].split()
    ended = project.run(*command, expect=4)
    assert ended.err.endswith(
        "error: pythons.lock is not changed: this version of provision would remove keys that a newer version wrote "
        "(lock-version 1.7): python.asset.signature\n hint: Upgrade provision to the release that the project uses.\n"
    )
    assert project.lock.read_text() == newer


def test_a_changed_format_is_reported(project: Project) -> None:
    project.lock.write_text(project.lock.read_text().replace('"1.0"', '"1.7"'))
    project.run("lock")
    assert '"1.7"' in project.lock.read_text()
    project.write(MANIFEST.format("3.12"))
    ended = project.run("lock")
    assert "note: the format of the lock file changes from 1.7 to 1.0\n" in ended.err


def test_the_host_matters_only_if_an_entry_declares_no_targets() -> None:
    declared = '[settings]\ntargets = ["macos-aarch64"]\n[pythons]\none = "3.14"\n'
    some = '[pythons]\none = "3.14"\ntwo = { version = "3.14", targets = ["macos-aarch64"] }\n'
    assert host_target(parse_manifest(declared, Path("pythons.toml"))) is None
    assert host_target(parse_manifest(some, Path("pythons.toml"))) == detect_host().target


def own_catalog(*builds: str) -> str:
    """A custom catalog with builds whose age is only known from their tags."""
    url = "https://archives.example.com/{0}/cpython-3.13.99%2B{0}-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
    rows = [
        {"version": f"3.13.99+{build}", "artifacts": [{"url": url.format(build), "sha256": f"{build:0>64}"}]}
        for build in builds
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def test_the_cooldown_of_custom_builds_is_measured_from_the_newest_of_them(tmp_path: Path) -> None:
    day = date.fromisoformat(bundled_catalog().as_of[:10])
    early, late = (f"{day + timedelta(days=days):%Y%m%d}" for days in (1, 20))
    project = Project(tmp_path / "project")
    project.write(
        '[settings]\ntargets = ["linux-x86_64"]\ncatalogs = ["own.ndjson"]\ncooldown = "1 week"\n'
        '[pythons]\none = "3.13.99"\n'
    )
    catalog = project.directory / "own.ndjson"
    catalog.write_text(own_catalog(early))
    alone = project.run("lock", "--offline", expect=1).err
    assert f"measured against the catalog date, {day + timedelta(days=1)}" in " ".join(alone.split())
    assert "`provision catalog update`" in alone
    assert "shorten" not in alone
    catalog.write_text(own_catalog(early, late))
    project.run("lock", "--offline")
    assert f'build = "{early}"' in project.lock.read_text()
    catalog.write_text(own_catalog(early, "99999999"))  # a tag that names no day
    project.lock.unlink()
    project.run("lock", "--offline")


def test_a_plan_does_not_name_the_host_if_a_mirror_may_send_the_archive(tmp_path: Path) -> None:
    """A mirror may send the archive: which source does is known after the download only."""
    project = Project(tmp_path / "project")
    project.write('[settings]\ncatalogs = ["own.ndjson"]\n[pythons]\none = "3.13.99"\n')
    (project.directory / "own.ndjson").write_text(own_catalog("20261001"))
    project.run("lock", "--offline")
    shown = project.run("plan", PROVISION_MIRROR="https://mirror.example.com").out
    assert "(size unknown)" in shown
    assert "archives.example.com" not in shown


def test_github_gets_an_annotation_of_a_lock_that_is_out_of_date(project: Project) -> None:
    assert "::error" not in project.run("lock", "--check", GITHUB_ACTIONS="true").out
    project.write(MANIFEST.format("3.12"))
    shown = project.run("lock", "--check", expect=4, GITHUB_ACTIONS="true").out
    assert (
        "::error file=pythons.lock,line=1::pythons.lock is out of date: 1 entry; run `provision lock`%0Aone: " in shown
    )
    project.lock.unlink()
    shown = project.run("lock", "--check", expect=4, GITHUB_ACTIONS="true").err
    assert "::error file=pythons.lock,line=1::pythons.lock does not exist" in shown


def test_archives_that_no_other_machine_can_download_are_a_warning_once(tmp_path: Path) -> None:
    """A relative catalog, as `pack` writes it, makes `file://` URLs; so does a server on loopback for this machine."""
    project = Project(tmp_path / "project")
    names = [
        f"cpython-3.13.99+20270101-{target}-install_only.tar.gz"
        for target in ("x86_64-unknown-linux-gnu", "aarch64-apple-darwin")
    ]
    for number, base in enumerate(("", "http://127.0.0.1:9/", "https://example.com/")):
        rows: list[dict[str, object]] = [
            {
                "url": f"{base}{name}",
                "platform": name.split("-", 2)[2].removesuffix("-install_only.tar.gz"),
                "variant": "install_only",
            }
            for name in names
        ]
        (project.directory / f"{number}.ndjson").write_bytes(custom_line("3.13.99+20270101", *rows))
        project.write(
            f'[settings]\ncatalogs = ["{number}.ndjson"]\ntargets = ["linux-x86_64", "macos-aarch64"]\n'
            '[pythons]\ndefault = { version = "3.13.99", flavor = "install_only" }\n'
        )
        options = Options.of(project.environ(), manifest=project.manifest, offline=True)
        warnings = lock(options, Upgrade(everything=True)).warnings
        assert len(warnings) == (number < 2)
        assert all(each.startswith("pythons.lock: default: no other machine can download ") for each in warnings)
        assert all("and 1 more archive; to share the lock file" in each for each in warnings)
        assert lock(options).warnings == ()


@pytest.mark.parametrize("base", ["", "http://127.0.0.1:9/", "https://example.com/"])
def test_an_added_archive_that_no_other_machine_can_download_is_reported_once(tmp_path: Path, base: str) -> None:
    """Where `diff` has a notice of a new host, `lock` has the warning that says what to do about it."""
    project = Project(tmp_path / "project")
    name = "cpython-3.13.99+20270101-x86_64-unknown-linux-gnu-install_only.tar.gz"
    row: dict[str, object] = {"url": f"{base}{name}", "platform": "x86_64-unknown-linux-gnu", "variant": "install_only"}
    (project.directory / "own.ndjson").write_bytes(custom_line("3.13.99+20270101", row))
    options = Options.of(project.environ(), manifest=project.manifest, offline=True)
    manifest = '[settings]\ncatalogs = ["own.ndjson"]\ntargets = ["linux-x86_64"]\n[pythons]\nfirst = "3.13.5"\n'
    project.write(manifest)
    lock(options)
    before = project.lock.read_text()
    project.write(manifest + 'own = { version = "3.13.99", flavor = "install_only" }\n')
    answer = present_locked(lock(options), Console(environ={}))
    (tmp_path / "before.lock").write_text(before)
    seen = diff(options, str(tmp_path / "before.lock"), str(project.lock))
    (notice,) = [each for each in seen.notices if each.kind == "new-host"]
    told = [line for line in (*answer.warnings, *answer.lines) if "download" in line]
    if base.startswith("https:"):
        assert notice.message == "new download host example.com"
        assert told == ["warning: own, linux-x86_64: new download host example.com"]
    else:
        assert notice.message.startswith("no other machine can download from ")
        assert [line.partition(" download ")[0] for line in told] == ["pythons.lock: own: no other machine can"]


def test_different_archives_with_the_same_sha256_are_a_warning_once(tmp_path: Path) -> None:
    """One that was pasted for two targets of an entry, and for another entry; a copy on another server has one name."""
    project = Project(tmp_path / "project")

    def entry(name: str, version: str, triples: tuple[str, ...], digit: str, host: str = "example.com") -> str:
        files = {triple: f"cpython-{version}+20250612-{triple}-install_only.tar.gz" for triple in triples}
        urls = ", ".join(f'{triple} = "https://{host}/{file}"' for triple, file in files.items())
        digests = ", ".join(f'{triple} = "{digit * 64}"' for triple in triples)
        return f'{name} = {{ version = "{version}", url = {{ {urls} }}, sha256 = {{ {digests} }} }}\n'

    linux, mac = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin"
    fine = f"[pythons]\n{entry('a', '3.13.5', (linux,), 'a')}{entry('copy', '3.13.5', (linux,), 'a', 'other.example')}"
    options = Options.of(project.environ(), manifest=project.manifest, offline=True)
    project.write(fine)
    assert lock(options).warnings == ()
    project.write(fine + entry("b", "3.12.5", (linux, mac), "a") + entry("c", "3.11.5", (linux, mac), "c"))
    own, other = lock(options).warnings
    assert own == (
        f"pythons.lock: a, b: different archives have the same sha256, {'a' * 64}: "
        f"cpython-3.13.5+20250612-{linux}-install_only.tar.gz, cpython-3.12.5+20250612-{mac}-install_only.tar.gz, "
        f"cpython-3.12.5+20250612-{linux}-install_only.tar.gz; compare it with the publisher's"
    )
    assert other.startswith(f"pythons.lock: c: different archives have the same sha256, {'c' * 64}: ")
    assert lock(options).warnings == ()
    audited = project.run("audit", expect=5).out
    assert audited.count("error PV018") == 3
    assert "PV018: Compare the sha256 with the publisher's, correct it in pythons.toml" in audited
