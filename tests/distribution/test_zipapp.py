"""`provision.pyz`: everything in one file, run by a Python with nothing installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provision.host.distribution import DISTRIBUTION
from tests.distribution.conftest import Distributions, run
from tests.distribution.test_installing import first_five_minutes
from tests.integrations.projects import ROOT
from tests.integrations.tools import install_python_tool
from tests.run import SERIES, find
from tests.support.builds import write_catalog
from tests.support.project import Project
from tests.support.small import small_build

pytestmark = pytest.mark.slow


def test_the_zip_application_runs_all_commands(distributions: Distributions, tmp_path: Path) -> None:
    python = install_python_tool("shiv", tmp_path / "tools").with_name("python")
    printed = run(python, "-m", "tools.pyz", tmp_path, distributions.wheel, cwd=ROOT)
    pyz = Path(printed.strip().splitlines()[-1])
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    program = (tmp_path / "venv" / "bin" / "python", pyz)
    home: dict[str, object] = {"SHIV_ROOT": tmp_path / "shiv"}
    first_five_minutes(program, tmp_path / "readme")

    build = small_build(tmp_path)
    project = Project(tmp_path / "project")
    (tmp_path / "served").mkdir()
    catalog = write_catalog(tmp_path / "served", [build])
    project.write(f'[settings]\ncatalogs = ["{catalog}"]\n\n[pythons]\ndefault = {build.entry}\n')
    environ: dict[str, object] = {**home, "PROVISION_HOME": project.home, "PROVISION_CACHE_DIR": project.cache}
    environ["PROVISION_MIRROR"] = f"file://{tmp_path / 'served'}"
    run(*program, "sync", cwd=project.directory, **environ)
    assert Path(run(*program, "which", "default", cwd=project.directory, **environ).strip()).exists()

    command = (*program, "sbom", "--format", "cyclonedx")
    missing = subprocess.run([str(word) for word in command], cwd=project.directory, check=False, capture_output=True)
    assert f"Run `pipx install '{DISTRIBUTION}[sbom]'`" in missing.stderr.decode()

    others = (find(series) for series in SERIES if not sys.version.startswith(series))
    other = next((python for python in others if python), None)
    if other is None:
        pytest.skip("no other series of Python is at hand")
    refused = subprocess.run([other, pyz, "--version"], check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "this file was made for another Python or platform" in refused.stderr
