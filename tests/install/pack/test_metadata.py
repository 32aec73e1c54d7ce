from __future__ import annotations

import json
from pathlib import Path

from provision.install.pack.metadata import license_of, python_json
from tests.pack.samples import make_installation
from tests.relocate.samples import asset


def test_python_json_says_what_an_installation_knows(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path)
    described = json.loads(python_json(interpreter, asset(options="noopt", version="3.12.1"), "lib/python3.12"))
    assert described["version"] == "8"
    assert described["target_triple"] == "x86_64-unknown-linux-gnu"
    assert described["build_options"] == "noopt"
    assert described["python_version"] == "3.12.1"
    assert described["python_exe"] == "install/bin/python3.12"
    assert described["python_paths"] == {"stdlib": "install/lib/python3.12"}


def test_the_licence_is_cpythons_own(tmp_path: Path) -> None:
    interpreter = make_installation(tmp_path)
    path = license_of(interpreter)
    assert path is not None
    assert path.read_text() == "PSF\n"
    path.unlink()
    assert license_of(interpreter) is None
