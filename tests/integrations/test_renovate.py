"""The Renovate preset: what it finds in a manifest, and how Renovate itself uses it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from provision.lock.read import read_lock
from provision.manifest.read import read_manifest
from provision.model.version import Version
from tests.integrations.projects import ROOT
from tests.integrations.tools import install_node, install_node_package
from tests.review.history import git
from tests.support.project import Project
from tests.support.server import Server

PRESET = ROOT / "renovate" / "pythons.json"
CONFIG: dict[str, Any] = json.loads(PRESET.read_text())


class Found(NamedTuple):
    """A dependency: an entry, its version, and its build or nothing."""

    entry: str
    version: str
    build: str | None = None


# Entries that the preset should keep current, with misleading text in comments.
MANIFEST = """\
# plain = "3.13.1"
[settings]
targets = ["linux-x86_64"]

[pythons]
default = "3.14"
plain = "3.13.5"
free = "3.14.1t" # not "3.14.0"
prefixed = 'cpython-3.12.4'
both = "3.14.1td"
range = ">=3.12.4,<3.14"
jit = "pypy3.11.13"
# old = "3.12.1"
inline = { version = "3.13.5", build = "20250708", cpu = "v3" }
backwards = { flavor = "install_only_stripped", build = "20250708", version = "3.13.5" }
alone = { cooldown = 0, version = "3.12.4" }
jit2 = { version = "pypy3.10.14", build = "7.3.17" }
own = { version = "3.13.5", build = "20250708", flavor = "install_only_stripped", url = URLS, sha256 = SHAS }

[pythons.table]
# the build is that of the version
version = "3.12.11"   # until the migration from 3.12.10
targets = [
  "linux-x86_64", # 3.12.11
]
build = "20250818" # not 20250819

# [pythons.gone]
# version = "3.12.11"

[pythons.reversed]
build = "20250708"
version = "3.13.5t"

[pythons.newest]
version = "3.11.9"

[pythons.mine]
version = "3.13.5"
build = "20250708"
flavor = "install_only_stripped"
url = URLS
sha256 = SHAS

[pythons.mine2]
version = "3.13.5"
build = "20250708"
flavor = "install_only_stripped"

[pythons.mine2.url]
linux-x86_64 = "URL"

[pythons.mine2.sha256]
linux-x86_64 = "SHA"

[pythons.series]
version = "3.13"
build = "20250708"

[pythons.jit3]
version = "pypy3.10.14"
build = "7.3.17"

[policy]
cooldown = "1 week"
"""
for _word, _text in {
    "URLS": '{ linux-x86_64 = "URL" }',
    "SHAS": '{ linux-x86_64 = "SHA" }',
    "URL": (
        "https://archives.example.com/cpython-3.13.5+20250708-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
    ),
    "SHA": "0" * 64,
}.items():
    MANIFEST = MANIFEST.replace(_word, _text)

EXPECTED = {
    Found("plain", "3.13.5"),
    Found("free", "3.14.1"),
    Found("prefixed", "3.12.4"),
    Found("both", "3.14.1"),
    Found("inline", "3.13.5", "20250708"),
    Found("backwards", "3.13.5", "20250708"),
    Found("alone", "3.12.4"),
    Found("table", "3.12.11", "20250818"),
    Found("reversed", "3.13.5", "20250708"),
    Found("newest", "3.11.9"),
}


def matches(expressions: list[str], text: str, groups: Mapping[str, str] = {}) -> Iterator[dict[str, str]]:
    """What Renovate's strategy ``recursive`` finds: each expression in what the one before it matched."""
    if not expressions:
        yield dict(groups)
        return
    for match in re.finditer(expressions[0].replace("(?<", "(?P<"), text):
        yield from matches(expressions[1:], match[0], {**groups, **match.groupdict()})


def found(text: str) -> list[Found]:
    searches = [
        search
        for manager in CONFIG["customManagers"]
        for search in (
            [manager["matchStrings"]]
            if manager.get("matchStringsStrategy") == "recursive"
            else [[expression] for expression in manager["matchStrings"]]
        )
    ]
    return [
        Found(groups["depName"], groups["currentValue"], groups.get("currentDigest"))
        for search in searches
        for groups in matches(search, text)
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_only_exact_versions_are_found_once_with_their_builds(line_end: str) -> None:
    assert sorted(found(MANIFEST.replace("\n", line_end)), key=str) == sorted(EXPECTED, key=str)


def test_found_versions_are_those_that_provision_reads(tmp_path: Path) -> None:
    """All exact versions of CPython without custom archives, in whatever form the manifest is written."""
    path = tmp_path / "pythons.toml"
    path.write_text(MANIFEST)
    requests = [
        Found(request.name, str(request.version.exact), request.build)
        for request in read_manifest(path).requests
        if request.implementation == "cpython" and request.version.exact is not None and not request.url
    ]
    assert set(requests) == EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        '[pythons]\nown.version = "3.13.5"\nown.url = "x"\n',
        '[pythons]\nx = { version = "3.13.5", sha256 = "00" }\n',
        '[pythons.x]\nsha256 = "00"\nversion = "3.13.5"\n',
        '[pythons.x]\nversion = "3.13.5"\nunknown = 1\n',
        '[pythons.x]\nversion = "3.13.5"\n[pythons.x.url]\nlinux-x86_64 = "x"\n',
        '[pythons.jit]\n# [pythons.x]\nversion = "pypy3.10.14"\n',
        '[pythons.jit]\nversion = "pypy3.10.14"\nbuild = "7.3.15"\n',
        '[other]\nversion = "3.13.5"\n',
        '[policy]\nx = "3.13.5"\n',
    ],
)
def test_custom_archives_and_unknown_syntax_are_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("path", ["pythons.toml", "tools/pythons.toml"])
def test_manifests_are_found_wherever_they_are(path: str) -> None:
    for manager in CONFIG["customManagers"]:
        (pattern,) = manager["managerFilePatterns"]
        assert re.search(pattern.strip("/"), path)
        assert not re.search(pattern.strip("/"), f"{path}.orig")


def test_the_lock_file_of_the_changed_manifest_is_updated() -> None:
    tasks = CONFIG["packageRules"][0]["postUpgradeTasks"]
    assert tasks["executionMode"] == "update"
    assert tasks["commands"][-1] == "provision lock --manifest {{{packageFile}}}"


@pytest.mark.slow
def test_renovate_runs_with_the_preset(tmp_path: Path, server: Server) -> None:
    """Its validator, its look-up in a feed, and what it writes; after that, `lock` succeeds."""
    node = install_node(tmp_path / "node")
    renovate = install_node_package("renovate@44", tmp_path / "bot") / "renovate" / "dist"
    validator: list[str | Path] = [node, renovate / "config-validator.js", "--strict", "--no-global", PRESET]
    done = subprocess.run(validator, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Config validated successfully" in done.stdout

    project = Project(tmp_path / "project")
    shutil.rmtree(project.directory / ".git")
    project.write(MANIFEST)
    project.run("feed", "-o", server.root / "feed.json")
    config = PRESET.read_text().replace("{{arg0}}", f"{server.url}/feed.json")
    (project.directory / "renovate.json").write_text(config)
    git(project.directory, "init", "--quiet")
    git(project.directory, "add", ".")
    git(project.directory, "commit", "--quiet", "--message", "Declare")
    report = tmp_path / "report.json"
    environ = {"RENOVATE_BASE_DIR": tmp_path / "base", "RENOVATE_REPORT_TYPE": "file", "RENOVATE_REPORT_PATH": report}
    environ_of_bot = {**os.environ, **{name: str(value) for name, value in environ.items()}, "LOG_LEVEL": "warn"}
    looked_up = subprocess.run(
        [node, renovate / "renovate.js", "--platform=local"],
        cwd=project.directory, env=environ_of_bot, check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert looked_up.returncode == 0, looked_up.stdout + looked_up.stderr
    (repository,) = json.loads(report.read_text())["repositories"].values()
    dependencies = [each for file in repository["packageFiles"]["regex"] for each in file["deps"]]
    assert {
        Found(each["depName"], each["currentValue"], each.get("currentDigest")) for each in dependencies
    } == EXPECTED
    branches = [update["branchName"] for each in dependencies for update in each["updates"]]
    assert len(branches) == len(set(branches))
    releases = [
        tuple(one["version"].split("+")) for one in json.loads((server.root / "feed.json").read_text())["releases"]
    ]
    for each in dependencies:
        assert not each["warnings"]
        updates = {update["updateType"]: update for update in each["updates"]}
        patch, version = Version.parse(updates["patch"]["newValue"]), Version.parse(each["currentValue"])
        assert (patch.series, patch.prerelease) == (version.series, "")
        assert patch > version
        assert updates["minor"]["newValue"].startswith("3.")
        if "currentDigest" in each:
            for update in (updates["patch"], updates["minor"], updates["digest"]):
                builds = [build for release, build in releases if release == update["newValue"]]
                assert update["newDigest"] == max(builds)
        else:
            assert "digest" not in updates

    project.run("lock", "--offline")
    for kind in ("digest", "patch"):
        project.write(MANIFEST)
        words: list[str | Path] = [
            node,
            ROOT / "tests/integrations/renovate_apply.mjs",
            renovate,
            report,
            project.directory,
            kind,
        ]
        subprocess.run(words, check=True, capture_output=True)
        assert found(project.manifest.read_text()) != found(MANIFEST)
        project.run("lock", "--offline")
        locked = {python.name: python for python in read_lock(project.lock).lock.pythons}
        for each in dependencies:
            for update in each["updates"]:
                if update["updateType"] == kind:
                    python = locked[each["depName"]]
                    assert str(python.version) == update["newValue"]
                    assert update.get("newDigest") in (None, python.build)
        changed = set(MANIFEST.splitlines()) - set(project.manifest.read_text().splitlines())
        assert changed
        assert not [line for line in changed if "example.com" in line or "pypy" in line or line.startswith("#")]
