from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provision.install.relocate.scripts import relocate

NAMES = frozenset({"python3.13", "python3.13t", "python"})
BODY = "from __future__ import annotations\nimport sys\nprint(sys.argv[1:])\n"
SHELL = f'#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")/python3.13" "$0" "$@"\n\' \'\'\'\n{BODY}'


def test_a_script_runs_with_the_interpreter_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "a tree" / "bin" / "hello"
    place.parent.mkdir(parents=True)
    place.write_text(relocate(f"#!/install/bin/python3.13\n{BODY}", "bin/hello", NAMES, "python3.13"))
    place.chmod(0o755)
    (place.parent / "python3.13").symlink_to(sys.executable)
    link = tmp_path / "elsewhere"
    link.symlink_to(place)

    for command in ([str(place)], [str(link)], ["sh", "a tree/bin/hello"], [sys.executable, str(place)]):
        done = subprocess.run([*command, "a b", "$c"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == "['a b', '$c']\n"


@pytest.mark.parametrize(
    "first",
    [
        "#!/install/bin/python3.13\n",
        "#! /install/bin/python3.13\n",
        "#!/opt/a place/bin/python3.13\n",
        '#!/bin/sh\n"exec" "$(dirname $0)/python3.13" "$0" "$@"\n',  # PBS until 2024
        '#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")/python3.13" "$0" "$@"\n\' \'\'\'\n',  # since
    ],
)
def test_every_wording_of_a_build_becomes_the_same(first: str) -> None:
    expected = relocate(f"#!/install/bin/python3.13\n{BODY}", "bin/x", NAMES, "python3.13")
    assert relocate(first + BODY, "bin/x", NAMES, "python3.13") == expected
    assert relocate(expected, "bin/x", NAMES, "python3.13") == expected


def test_flags_of_the_interpreter_are_kept() -> None:
    relocated = relocate("#!/install/bin/python3.13 -Es\npass\n", "bin/x", NAMES, "python3.13")
    assert '/python3.13" -Es "$0" "$@"' in relocated
    assert relocate(relocated, "bin/x", NAMES, "python3.13") == relocated


def test_an_interpreter_that_is_not_there_is_replaced_by_the_real_one() -> None:
    assert '/python3.13t" "$0"' in relocate("#!/install/bin/python3.9\n", "bin/x", NAMES, "python3.13t")


def test_a_script_outside_of_bin_goes_there_first() -> None:
    path = "lib/python3.13/config-3.13/python-config.py"
    assert '/../../../bin/python3.13" "$0"' in relocate("#!/install/bin/python3.13\n", path, NAMES, "python3.13")


@pytest.mark.parametrize(
    "text",
    ["#!/usr/bin/env python3\npass\n", "#!/bin/sh\nexec true\n", "#!/usr/bin/perl\n", "import sys\n", ""],
)
def test_other_scripts_stay(text: str) -> None:
    assert relocate(text, "bin/x", NAMES, "python3.13") == text
