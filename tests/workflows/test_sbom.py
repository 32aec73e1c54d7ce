"""`sbom` and `licenses`, run as a user runs them."""

from __future__ import annotations

import ensurepip
import json
import pyexpat
import sqlite3
import ssl
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from provision.catalog.cache import save_texts
from provision.catalog.components import LearnedTag
from provision.catalog.learned_components import save_learned
from provision.errors import FAILURE, ProvisionError, UsageError
from provision.host.distribution import install_command
from provision.lock.read import parse_lock
from provision.lock.write import format_lock
from provision.model.value import replace
from provision.store.layout import Store, executable
from provision.workflows.audit import audit
from provision.workflows.diff import diff
from provision.workflows.options import Options, parse_targets
from provision.workflows.sbom import SBOM_FORMATS, licences, sbom, sboms_beside_receipts
from tests.advisories.corpus import encoded
from tests.lock.samples import digest, python
from tests.review.samples import lock
from tests.review.test_audit_advisories import NEW_OPENSSL
from tests.sbom.samples import LOCKED
from tests.sbom.test_spdx import objections as spdx_objections
from tests.store.samples import ASSET, Choice, install
from tests.support.project import Project

MANIFEST = """\
[pythons]
default = { version = "3.13.13", build = "20260602", targets = ["linux-x86_64", "macos-aarch64"] }
other = { version = "3.12.11", build = "20250612", targets = ["windows-x86_64"] }
"""
EXAMPLES = Path(__file__).parents[2] / "examples"
STATED = {
    "licenses": ["Python-2.0", "CNRI-Python"],
    "build_info": {
        "extensions": {
            "_ssl": [{"licenses": ["Apache-2.0"]}],
            "_sqlite3": [{"licenses": [], "license_public_domain": True}],
            "_csv": [{"name": "default"}],
            "_odd": [7],
        }
    },
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.write(MANIFEST)
    project.run("lock", "--offline")
    return project


@pytest.mark.parametrize("style", ["cyclonedx", "spdx"])
def test_stdout_and_the_file_are_the_same_in_every_run(project: Project, style: str) -> None:
    printed = project.run("sbom", "--format", style, PYTHONHASHSEED="1", PYTHONIOENCODING="utf-16")
    assert printed.err == ""
    written = project.run("sbom", "-f", style, "-o", "sbom.json", PYTHONHASHSEED="2")
    assert (written.out, written.err) == ("", "wrote sbom.json: 3 archives\n")
    assert (project.directory / "sbom.json").read_text() == printed.out


@pytest.mark.parametrize("style", ["spdx", pytest.param("cyclonedx", marks=pytest.mark.slow)])
def test_sboms_of_the_example_are_valid_and_the_same_in_every_run(tmp_path: Path, style: str) -> None:
    project = Project(tmp_path / "example")
    for file in (project.manifest, project.lock):
        file.write_bytes((EXAMPLES / file.name).read_bytes())
    options = Options.of({}, home=project.home, cache=project.cache, manifest=project.manifest)
    made = sbom(options, style=style)
    assert project.run("sbom", "-f", style, PYTHONHASHSEED="7", TZ="Asia/Tokyo").out == f"{made.text}\n"
    if style == "spdx":
        assert spdx_objections(json.loads(made.text)) == []
    else:
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made.text) is None
    locked = parse_lock(project.lock.read_text(), "").lock
    assert made.archives == len({asset.sha256 for each in locked.pythons for asset in each.assets}) > 20


def spdx(project: Project, *names: str, targets: tuple[str, ...] = (), epoch: str | None = None) -> Any:
    environ = {} if epoch is None else {"SOURCE_DATE_EPOCH": epoch}
    options = Options.of(environ, home=project.home, cache=project.cache, manifest=project.manifest)
    return sbom(options, names, parse_targets(targets), style="spdx").document


def test_entries_and_targets_are_selected(project: Project) -> None:
    def versions(*names: str, targets: tuple[str, ...] = ()) -> list[str]:
        packages = spdx(project, *names, targets=targets)["packages"]
        return [each["versionInfo"] for each in packages if each["name"] == "python"]

    assert versions() == ["3.12.11", "3.13.13", "3.13.13"]
    assert versions("other") == ["3.12.11"]
    assert versions(targets=("linux-x86_64",)) == ["3.13.13"]
    assert versions(targets=("windows-x86_64", "macos-aarch64")) == ["3.12.11", "3.13.13"]
    assert versions(targets=("all",)) == versions()


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("--target", "linux-riscv64"), 4, "linux-riscv64"),
        (("other", "--target", "linux-x86_64"), 4, "'other'"),
        (("default", "other", "--target", "linux-x86_64"), 4, "'other'"),
        (("nobody",), 2, "'nobody'"),
        (("--target", "amiga"), 2, "--target: expected a target"),
        (("--format", "spdxx"), 2, "--format: expected one of cyclonedx, spdx"),
        (("-o", "no/such/folder/x.json"), 1, "cannot write"),
    ],
)
def test_an_invalid_selection_or_output_is_one_error(
    project: Project, words: tuple[str, ...], code: int, expected: str
) -> None:
    ended = project.run("sbom", *words, expect=code)
    assert ended.out == ""
    assert expected in ended.err


def test_the_time_is_source_date_epoch(project: Project) -> None:
    assert spdx(project, epoch="1790000000")["creationInfo"]["created"] == "2026-09-21T14:13:20Z"
    assert spdx(project, epoch="")["creationInfo"]["created"].startswith("2026-06-")
    for epoch in ("yesterday", "-1", "253402300800", "1.5", "\u0661"):
        with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH: expected seconds since 1970; got"):
            spdx(project, epoch=epoch)
    assert "SOURCE_DATE_EPOCH: expected" in project.run("sbom", SOURCE_DATE_EPOCH="today", expect=2).err


def test_without_a_lock_file_the_command_is_an_error(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    project.write(MANIFEST)
    for command in ("sbom", "licenses"):
        assert "provision lock" in project.run(command, expect=4).err


@pytest.mark.parametrize("missing", ["cyclonedx", "packageurl"])
def test_without_the_library_the_error_has_the_command_to_install_it(project: Project, missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from provision.cli.entry import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "sbom"],
        cwd=project.directory,
        env=project.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (FAILURE, "")
    assert done.stderr.startswith("error: the format cyclonedx requires the package cyclonedx-python-lib")
    assert f"Run `{install_command('sbom')}`, or pass `--format spdx`" in done.stderr


def test_entries_with_the_same_licences_share_a_row(project: Project) -> None:
    lines = [line.split("  ") for line in project.run("licenses").out.splitlines()]
    rows = {(cells[0], cells[-1].strip()) for cells in lines}
    assert ("mpdecimal", "default, other") not in rows
    assert ("bzip2", "default, other") in rows
    assert ("uuid", "default") in rows
    document = project.run("licenses", "other", "--json").document()
    (entry,) = document["pythons"]
    licences = {each["name"]: each for each in entry["components"]}
    assert licences["python"] == {
        "name": "python",
        "version": "3.12.11",
        "license": "PSF-2.0",
        "source": "python.org",
        "targets": ["windows-x86_64"],
    }
    assert licences["expat"]["version"] == "inside CPython 3.12.11"


def test_licences_of_an_installed_full_archive_are_read_from_it(tmp_path: Path, options: Options) -> None:
    full = replace(LOCKED.assets[0], flavor="full")
    store = Store(options.home)
    (tmp_path / "pythons.lock").write_text(format_lock(lock(python(full, ASSET))))
    before = licences(options)
    assert {row.source for row in before.rows if row.component == "python"} == {"python.org"}

    install(store, full, extras=True)
    metadata = store.extras(Choice(name="any", asset=full).key) / "PYTHON.json"
    metadata.chmod(0o644)
    metadata.write_text(json.dumps(STATED))
    rows = licences(options).rows
    assert {row.licence for row in rows if row.component == "pip"} == {"MIT"}
    stated = {(row.component, row.licence) for row in rows if row.source == "PYTHON.json"}
    assert stated == {
        ("python", "Python-2.0 AND CNRI-Python"),
        ("_ssl (extension)", "Apache-2.0"),
        ("_sqlite3 (extension)", "LicenseRef-public-domain"),
    }


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_unreadable_metadata_is_skipped(tmp_path: Path, options: Options, text: str) -> None:
    full = replace(ASSET, flavor="full")
    store = Store(options.home)
    (tmp_path / "pythons.lock").write_text(format_lock(lock(python(full))))
    install(store, full, extras=True)
    metadata = store.extras(Choice(name="any", asset=full).key) / "PYTHON.json"
    metadata.chmod(0o644)
    metadata.write_text(text)
    assert [(row.component, row.licence, row.source) for row in licences(options).rows] == [
        ("python", "PSF-2.0", "python.org"),
        ("libraries", "", ""),
    ]


def test_all_commands_use_the_components_of_catalog_update(tmp_path: Path) -> None:
    """PBS's files of one tag, and the release notes of another, are read by `diff`, `audit`, `sbom` and `licenses`."""
    project = Project(tmp_path / "project")
    manifest = '[pythons]\ndefault = {{ version = "{}", build = "{}", targets = ["linux-x86_64"] }}\n'
    project.write(manifest.format("3.14.8", "20261013"))
    project.run("lock", "--offline")
    (tmp_path / "old.lock").write_bytes(project.lock.read_bytes())
    project.write(manifest.format("3.14.9", "20261021"))
    project.run("lock", "--offline")
    directory = project.cache / "catalog"
    learned = LearnedTag(versions={"openssl-3.5": "3.5.7"}, needs={"x86_64-unknown-linux-gnu": ("openssl-3.5",)})
    save_learned(directory, {"20261021": learned})
    save_texts(directory, {"20261013": "## What's Changed\n* Bump OpenSSL 3.5.5 -> 3.5.6 by @a in https://b\n"})
    (tmp_path / "new.json").write_bytes(encoded(NEW_OPENSSL))

    options = Options.of(project.environ(), manifest=project.manifest)
    old = str(tmp_path / "old.lock")
    compared = diff(options, old, str(project.lock), advisories=(tmp_path / "new.json",))
    assert "openssl 3.5.6 → 3.5.7" in {f"{each.names} {each.versions}" for each in compared.components}
    assert [(each.effect, each.versions) for each in compared.advisories] == [("closes", "openssl 3.5.6 → 3.5.7")]
    components: Any = sbom(options, style="spdx").document["packages"]
    assert "3.5.7" in {each["versionInfo"] for each in components if each["name"] == "openssl"}
    assert ("openssl", "3.5.7") in {(row.component, row.version) for row in licences(options).rows}
    judged = partial(audit, options, today=date(2026, 11, 1), advisories=(tmp_path / "new.json",))
    assert [each.code for each in judged().audit.findings if each.code == "PV029"] == []
    assert [each.code for each in judged(lock=Path(old)).audit.findings if each.code == "PV029"] == ["PV029"]


def test_installed_interpreters_state_the_versions_of_their_libraries(tmp_path: Path, options: Options) -> None:
    gnu, mac = (next(each for each in LOCKED.assets if each.target.os == system) for system in ("linux", "macos"))
    own = replace(ASSET, sha256=digest("own"))  # of another publisher: not in the table of components
    pythons = (replace(LOCKED, assets=(gnu, mac)), python(own, name="own"), python(ASSET, name="absent"))
    (tmp_path / "pythons.lock").write_text(format_lock(lock(*pythons)))
    with pytest.raises(ProvisionError, match="no locked interpreter is installed here"):
        sbom(options, style="spdx", installed=True)
    store = Store(options.home)
    for asset in (gnu, own):
        install(store, asset)
        program = executable(store.tree(Choice(name="any", asset=asset).key), asset)
        program.chmod(0o755)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    with pytest.raises(ProvisionError, match="not installed here: absent"):
        sbom(options, ("absent", "own"), style="spdx", installed=True)

    def versions(*names: str, installed: bool = True) -> dict[str, str]:
        made: Any = sbom(options, names, style="spdx", installed=installed).document
        return {each["name"]: each.get("versionInfo", "") for each in made["packages"]}

    stated = versions("default")
    assert (stated["sqlite"], stated["expat"]) == (sqlite3.sqlite_version, pyexpat.EXPAT_VERSION.removeprefix("expat_"))
    assert stated["openssl"] == ssl.OPENSSL_VERSION.split()[1]
    assert stated["pip (in ensurepip)"] == ensurepip.version()
    assert stated["bzip2"] == versions("default", installed=False)["bzip2"]  # which no interpreter states
    assert versions("default", installed=False)["sqlite"] == "3.53.1"
    assert "mpdecimal" not in versions("own")
    assert versions("own")["sqlite"] == sqlite3.sqlite_version
    install(store, mac)
    assert sbom(options, style="spdx", installed=True).archives == 3  # that of macOS cannot be started


def test_each_installed_tree_has_an_sbom_next_to_its_receipt(tmp_path: Path, options: Options) -> None:
    gnu, mac = (next(each for each in LOCKED.assets if each.target.os == system) for system in ("linux", "macos"))
    pythons = (replace(LOCKED, assets=(gnu, mac)), replace(LOCKED, name="twin", assets=(gnu,)))
    (tmp_path / "pythons.lock").write_text(format_lock(lock(*pythons, python(ASSET, name="absent"))))
    store = Store(options.home)
    with pytest.raises(ProvisionError, match="no locked interpreter is installed here"):
        sboms_beside_receipts(options, style="spdx")
    for asset in (gnu, mac):
        install(store, asset)
    with pytest.raises(ProvisionError, match="not installed here: absent"):
        sboms_beside_receipts(options, ("absent",), style="spdx")
    keys = [Choice(name="any", asset=asset).key for asset in (gnu, mac)]
    written = {style: sboms_beside_receipts(options, style=style) for style in SBOM_FORMATS}
    for style, paths in written.items():
        assert sorted(paths) == sorted(store.sbom(key, style) for key in keys)
        before = [path.read_bytes() for path in paths]
        assert sboms_beside_receipts(options, ("twin",), style=style) == (store.sbom(keys[0], style),)
        assert [path.read_bytes() for path in paths] == before  # whichever entry it was asked for
    document = json.loads(store.sbom(keys[0], "spdx").read_text())
    assert document["name"] == keys[0]
    assert [each["versionInfo"] for each in document["packages"] if each["name"] == "python"] == ["3.13.13"]
    assert "default" not in json.dumps(document)
    assert sboms_beside_receipts(options, targets=(mac.target,), style="spdx") == (store.sbom(keys[1], "spdx"),)


def test_sboms_next_to_receipts_are_written_to_the_own_store_only(project: Project) -> None:
    ended = project.run("sbom", "--beside-receipts", "-o", "x.json", expect=2)
    assert "`--beside-receipts` cannot be combined with `--output`" in ended.err
    ended = project.run("sbom", "--beside-receipts", expect=FAILURE)
    assert "Run `provision sync`" in ended.err
    store = Store(project.home)
    locked = parse_lock(project.lock.read_text(), "").lock.pythons[0].assets[0]
    install(store, locked)
    ended = project.run("sbom", "--beside-receipts", "-f", "spdx")
    (line,) = ended.out.splitlines()
    assert line.endswith(".spdx.json")
    assert Path(line).parent == store.receipts
    assert ended.err == "wrote 1 SBOM beside receipts\n"
