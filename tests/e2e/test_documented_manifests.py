"""The manifests of README, docs and examples: locked, planned and synced on every kind of machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provision.model.target import Target
from tests.support.hosts import HOSTS, run_on, serve_stand_ins
from tests.support.project import Project
from tests.support.server import Server
from tests.support.variants import variants

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = "examples/pythons.toml"
FOUR = 'targets = ["linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"]\n'


def readme() -> str:
    """The entries of the table in the README, as one manifest; those with an ellipsis are no complete entries."""
    table = (ROOT / "README.md").read_text().partition("| in `pythons.toml` |\n")[2].partition("\n\n")[0]
    spans = [span for row in table.splitlines()[1:] for span in re.findall(r"`([^`]*)`", row.split("|")[2])]
    complete = [span for span in spans if "…" not in span and "=" in span]
    settings = [span for span in complete if span.startswith("cooldown")]
    entries = [span if span[0] != "{" else f"entry{number} = {span}" for number, span in enumerate(complete)]
    assert len(entries) > 12
    lines = "\n".join(entry for entry in entries if entry not in settings)
    return "[settings]\n" + FOUR + "\n".join(settings) + f"\n[pythons]\n{lines}\n"


def documented() -> dict[str, str]:
    """Every manifest, by its file; lines with an ellipsis are left out."""
    found = {"README.md": readme(), EXAMPLE: (ROOT / EXAMPLE).read_text()}
    for page in sorted((ROOT / "docs").glob("*.md")):
        for number, text in enumerate(re.findall(r"^```toml\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)):
            if "[pythons]" in text:
                lines = (line for line in text.splitlines(keepends=True) if "…" not in line)
                found[f"{page.name} {number}"] = "".join(lines)
    return found


MANIFESTS = documented()
CASES = [(where, host) for where in MANIFESTS for host in HOSTS]


@pytest.mark.parametrize("case", variants(CASES, quick=[(EXAMPLE, "linux-x86_64")]), ids=" on ".join)
def test_each_manifest_of_the_docs_is_synced_on_each_machine(
    case: tuple[str, str], project: Project, server: Server
) -> None:
    where, host = case
    project.write(MANIFESTS[where])
    run_on(host, project, "lock", "--offline")
    lock = serve_stand_ins(project.lock, server.root, server.url)
    run_on(host, project, "plan")
    away = [python.name for python in lock.pythons if Target.parse(host) not in python.targets()]
    said = run_on(host, project, "sync", "--locked").err.splitlines()
    assert (f"note: {', '.join(away)}: not for {host}" in said) == bool(away)
    assert said[-1].startswith(f"{len(lock.pythons) - len(away)} interpreter")
    states = {row["name"]: row["state"] for row in run_on(host, project, "list", "--json").document()["pythons"]}
    assert states == {
        python.name: "not for this machine" if python.name in away else "installed" for python in lock.pythons
    }
