from __future__ import annotations

import subprocess
from pathlib import Path

from provision.install.relocate.configscript import relocate
from tests.relocate.samples import CONFIG, CONFIG_SCRIPT, ORIGIN, SCRIPT

PATH = "bin/python3.13-config"


def ask(script: Path, *options: str) -> list[str]:
    done = subprocess.run([str(script), *options], cwd=script.parent, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_script_finds_its_prefix_from_anywhere_through_links_and_with_spaces(tmp_path: Path) -> None:
    prefix = tmp_path / "a tree"
    script = prefix / PATH
    script.parent.mkdir(parents=True)
    script.write_text(relocate(CONFIG_SCRIPT, PATH, ORIGIN, CONFIG))
    script.chmod(0o755)
    link = tmp_path / "python3-config"
    link.symlink_to(script)

    for way in (script, link):
        assert ask(way, "--prefix", "--includes", "--libs", "--cflags") == [
            str(prefix),
            f"-I{prefix}/include",
            f"-L{prefix}/lib",
            "-O3",
        ]


def test_no_path_of_the_build_is_left() -> None:
    relocated = relocate(CONFIG_SCRIPT, PATH, ORIGIN, CONFIG)
    assert "/install" not in relocated
    assert "/tools" not in relocated
    assert "exit_with_usage" in relocated
    assert relocate(relocated, PATH, ORIGIN, CONFIG) == relocated


def test_the_variant_in_python_is_left_to_the_scripts_step() -> None:
    assert relocate(SCRIPT, PATH, ORIGIN, CONFIG) == SCRIPT
