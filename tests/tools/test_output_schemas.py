"""The JSON schemas of command output: as committed, and correct for each command, successful or not."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer

from provision.cli import streams
from provision.cli.app import make_app
from provision.cli.entry import _run
from tests.conftest import Golden
from tests.support.builds import write_catalog
from tests.support.project import Project
from tests.support.schemas import SCHEMAS
from tests.support.small import small_build
from tools.manifest_schema import schema_text
from tools.output_schemas import ELSEWHERE, output_schemas

OUTPUTS = output_schemas()
FAILURE = jsonschema.Draft202012Validator(OUTPUTS["output-error"])

# In this order, in one project; what needs Windows, Sigstore or a whole CPython has its line in other tests.
SUCCESSES = (
    "init", "import --dry-run", "add two ENTRY", "remove two", "lock", "lock --check", "plan", "prefetch", "sync",
    "list", "status", "which one", "env", "verify", "roots", "prune --dry-run", "cache dir", "cache size",
    "catalog list --limit 2", "catalog show BUILD", "catalog show ASSET", "catalog page -o page.html",
    "audit", "outdated", "explain one", "feed",
    "licenses", "sbom --format spdx", "sbom --format spdx --beside-receipts",
    "export uv", "export uv -o uv.json", "hook bash", "trust", "trust --list", "trust --revoke", "doctor --offline",
    *(["image -o image"] if sys.platform == "linux" else []),
    "pre-commit check pythons.toml", "pre-commit audit pythons.lock", "pre-commit lock pythons.toml", "cache clean",
    "verify --store", "plan --frozen", "bundle create -o bundle.tar", "bundle verify bundle.tar",
    "bundle diff bundle.tar bundle.tar", "mirror push MIRROR", "mirror list MIRROR", "mirror check MIRROR",
)  # fmt: skip
# Each fails in a directory without a project.
FAILURES = (
    "init --target nothing", "import nothing.txt", "add x 3.14", "remove x", "lock", "plan", "sync", "list", "status",
    "which x", "run --json x", "env", "verify", "prune --forget nothing", "roots nothing", "cache dir nothing",
    "cache size nothing", "cache clean --unused", "catalog update --url nothing:", "catalog list nothing",
    "catalog show nothing", "catalog page nothing", "diff", "audit", "outdated", "explain x",
    "feed --implementation nothing", "attest", "sbom", "licenses", "export nothing", "register", "pack nothing",
    "schema nothing", "pre-commit nothing x", "hook nothing", "trust", "doctor --nothing", "bundle create",
    "prefetch", "bundle verify nothing", "bundle diff nothing nothing", "mirror push file:///nothing",
    "mirror check nothing", "mirror list s3://x",
    "image -o nothing",
)  # fmt: skip


def commands() -> Iterator[str]:
    """Every command that takes ``--json``, with the words of its group: ``catalog-list``."""
    groups = [("", typer.main.get_command(make_app()))]
    while groups:
        prefix, found = groups.pop()
        for name, command in getattr(found, "commands", {}).items():
            groups.append((f"{prefix}{name}-", command))
            if any("--json" in parameter.opts for parameter in command.params):
                yield f"{prefix}{name}"


def command_of(words: str) -> str:
    """``catalog-list`` for ``catalog list --limit 2``."""
    first, second, *_ = [*words.split(), ""]
    return f"{first}-{second}" if first in {"catalog", "cache", "bundle", "mirror"} else first


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """A function that runs a command in this process and gives its exit code and its document."""
    project = Project(tmp_path / "project")
    for name in os.environ.keys() - project.environ().keys():
        monkeypatch.delenv(name)
    for name, value in project.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project.directory)

    def run_here(words: str) -> tuple[int, Any]:
        monkeypatch.setattr(streams, "document_written", False)
        code = _run([*words.split(), *(() if "--json" in words else ("--json",))])
        out, err = capsys.readouterr()
        assert out, err
        return code, json.loads(out)

    return run_here


def test_the_committed_schemas_are_up_to_date(golden: Golden) -> None:
    for name, schema in OUTPUTS.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        golden(SCHEMAS / f"{name}.schema.json", schema_text(schema))
    assert {path.name for path in SCHEMAS.glob("output-*")} == {f"{name}.schema.json" for name in OUTPUTS}


def test_every_command_that_takes_json_has_a_schema() -> None:
    assert {name.removeprefix("output-") for name in OUTPUTS} | set(ELSEWHERE) == {*commands(), "error"}


def test_the_output_of_commands_matches_their_schemas(run: Any, tmp_path: Path) -> None:
    build = small_build(tmp_path / "builds")
    catalog = write_catalog(tmp_path / "builds", [build])
    checked, failed = set(), list[Any]()
    replaced = {
        "BUILD": build.name.build,
        "ASSET": build.archive.name,
        "ENTRY": str(build.name.version),
        "MIRROR": (tmp_path / "mirror").as_uri(),
    }
    for words in SUCCESSES:
        if words == "import --dry-run":
            text = f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\none = {build.entry}\n'
            Path("pythons.toml").write_text(text)
        code, document = run(" ".join(replaced.get(word, word) for word in words.split()))
        if "error" in document:
            failed.append((words, document["error"]))
            continue
        assert code in {0, 1, 4, 5}, words
        schema = OUTPUTS[f"output-{command_of(words)}"]
        errors = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)]
        failed.extend((words, error) for error in errors)
        checked.add(command_of(words))
    assert not failed
    elsewhere = {"attest", "catalog-update", "pack", "register"}  # `check_document` in their own tests
    assert checked | elsewhere | set(ELSEWHERE) == set(commands())


def test_every_command_that_fails_prints_the_document_of_failures(run: Any) -> None:
    for words in FAILURES:
        code, document = run(words)
        FAILURE.validate(document)
        assert code == document["error"]["exit-code"] > 0, words
    assert {command_of(words) for words in FAILURES} == set(commands())
