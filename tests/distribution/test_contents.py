"""The contents of the sdist and of the wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from typer._completion_shared import get_completion_script

from tests.cli.test_help import commands
from tests.distribution.conftest import Distributions
from tests.integrations.projects import ROOT
from tests.run import build
from tools.manual import manual_page
from tools.references import addresses

SHARED = (
    "share/bash-completion/completions/provision",
    "share/fish/vendor_completions.d/provision.fish",
    "share/man/man1/provision.1",
    "share/zsh/site-functions/_provision",
)


def test_the_sdist_has_the_files_of_the_repository() -> None:
    """Tests name files of all folders; a file that is missing from the sdist would only fail them there."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a repository of git")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    files = {Path(file.relative_path).as_posix() for file in SdistBuilder(str(ROOT)).recurse_included_files()}
    assert [name for name in listed if name not in files and (ROOT / name).exists()] == []


@pytest.mark.slow
def test_the_wheel_is_the_same_from_the_sdist_and_from_the_repository(
    distributions: Distributions, tmp_path: Path
) -> None:
    assert build(ROOT, "wheel", tmp_path).read_bytes() == distributions.wheel.read_bytes()


@pytest.mark.slow
def test_the_wheel_has_the_package_completions_and_manual(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as wheel:
        names = wheel.namelist()
    data = "pyprovision-0.1.0.data/data/"
    assert {name.partition("/")[0] for name in names} == {
        "provision", "pyprovision-0.1.0.data", "pyprovision-0.1.0.dist-info"
    }  # fmt: skip
    assert sorted(name.removeprefix(data) for name in names if name.startswith(data)) == sorted(SHARED)


@pytest.mark.slow
def test_the_page_of_the_package_index_links_to_this_version(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        metadata = Parser().parsestr(wheel.read(name).decode())
    links = re.findall(r"\]\(([^)]+)\)", str(metadata.get_payload()))
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    assert f"{addresses().repository}/blob/v{metadata['Version']}/docs/manifest.md" in links
    assert f"Repository, {addresses().repository}" in metadata.get_all("Project-URL", [])


@pytest.mark.parametrize(("shell", "file"), [("bash", "provision.bash"), ("fish", "provision.fish")])
def test_completions_equal_those_of_typer(shell: str, file: str) -> None:
    text = (ROOT / "completions" / file).read_text(encoding="utf-8")
    assert text.strip() == _script(shell)


def test_the_completion_of_zsh_is_the_body_of_the_function_that_typer_prints() -> None:
    """Loaded by name, the file is the function: a definition in it would complete nothing the first time."""
    (line,) = re.findall(r"^  (eval .*)$", _script("zsh"), re.MULTILINE)
    first, _, last = (ROOT / "completions" / "_provision").read_text(encoding="utf-8").splitlines()
    assert (first, last) == ("#compdef provision", line)


def _script(shell: str) -> str:
    return get_completion_script(prog_name="provision", complete_var="_PROVISION_COMPLETE", shell=shell).strip()


def test_the_manual_has_every_command_and_prints_without_a_warning(tmp_path: Path) -> None:
    page = manual_page()
    for words in commands():
        if words:
            assert f".SS provision {' '.join(words)}".replace("-", "\\-") in page
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff")
    done = subprocess.run(
        [groff, "-man", "-ww", "-Tutf8", "-P-c"], input=page, check=True, capture_output=True, encoding="utf-8"
    )
    assert done.stderr == ""
    text = re.sub(".\b", "", done.stdout)
    assert re.search(r"^ {3}provision sync\n {7}provision sync \[OPTIONS\]", text, re.MULTILINE)
    assert text.count("Directory of installed trees.") == 1
