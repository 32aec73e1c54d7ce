"""TOML of several tools: each key that names a version, with its line; other types count as missing."""

from __future__ import annotations

import pytest

from provision.adopt.files import Reader
from provision.adopt.mention import Reading
from provision.adopt.toml_files import read_hatch, read_mise, read_mise_lock, read_pyproject, read_tox, read_uv
from provision.errors import ManifestError
from tests.adopt.samples import found


@pytest.mark.parametrize(
    ("reader", "text", "requests"),
    [
        (read_pyproject, '[project]\nrequires-python = ">=3.9"', ["2 >=3.9 range"]),
        (read_pyproject, '[tool.poetry.dependencies]\npython = "~3.11"', ["2 3.11 range"]),
        (read_pyproject, '[tool.uv.pip]\npython-version = "3.12"', ["2 3.12 pin"]),
        (read_pyproject, '[tool.tox]\nenv_list = ["3.13", "lint", "py312-x"]', ["2 3.13 tested", "2 3.12 tested"]),
        (read_pyproject, '[tool.tox]\nlegacy_tox_ini = """\n[tox]\nenvlist = py312\n"""', ["4 3.12 tested"]),
        (read_uv, '[pip]\npython = "python3.11"', ["2 3.11 pin"]),
        (read_hatch, '[envs.default]\npython = "3.12"', ["2 3.12 pin"]),
        (
            read_hatch,
            '[[envs.t.matrix]]\npy = ["310"]\n[[envs.t.matrix]]\npython = ["39"]',
            ["2 3.10 tested", "4 3.9 tested"],
        ),
        (read_tox, 'env_list = [{ product = [["py39"], ["a"]] }]', ["1 3.9 tested"]),
        (
            read_tox,
            'env_list = [\n  { product = [{ prefix = "py3", start = 12, stop = 13 }] },\n]',
            ["2 3.12 tested", "2 3.13 tested"],
        ),
        (read_tox, '[env.docs]\nbase_python = ["python3.12"]\n[env_run_base]\nbase_python = "3.11"',
         ["4 3.11 tested", "2 3.12 tested"]),
        (read_mise, '[tools]\npython = "3.12"', ["2 3.12 pin"]),
        (read_mise, '[tools]\n"core:python" = ["3.12", "3.11"]', ["2 3.12 pin", "2 3.11 pin"]),
        (read_mise, '[tools.python]\nversion = "3.12"\nvirtualenv = ".venv"', ["2 3.12 pin"]),
        (read_mise_lock, '[[tools.python]]\nversion = "3.12.5"', ["2 3.12.5 locked"]),
        (read_mise_lock, '[tools.python]\nversion = "3.12.5"', ["2 3.12.5 locked"]),
    ],
)  # fmt: skip
def test_keys_with_a_version_are_read(reader: Reader, text: str, requests: list[str]) -> None:
    reading = Reading("x.toml")
    reader(text, reading)
    assert found(reading) == requests
    assert reading.problems == []


@pytest.mark.parametrize("value", ["1", "true", "{}", "[[1]]", "[{}]", "{ a = 1 }", '""', "2020-01-01", "[]"])
@pytest.mark.parametrize(
    ("reader", "key"),
    [
        (read_pyproject, "project.requires-python"),
        (read_pyproject, "project"),
        (read_pyproject, "tool.hatch.envs"),
        (read_pyproject, "tool.tox"),
        (read_uv, "pip.python"),
        (read_uv, "dependency-groups.dev"),
        (read_hatch, "envs.x.matrix"),
        (read_tox, "env_list"),
        (read_tox, "env.x.base_python"),
        (read_mise, "tools.python"),
        (read_mise_lock, "tools.python"),
    ],
)
def test_values_of_other_types_are_ignored(reader: Reader, key: str, value: str) -> None:
    reading = Reading("x.toml")
    reader(f"{key} = {value}", reading)
    assert (reading.mentions, reading.problems) == ([], [])


def test_templates_are_reported_and_not_evaluated() -> None:
    reading = Reading("mise.toml")
    read_mise('[tools]\npython = "{{ env.PY }}"', reading)
    assert [str(problem) for problem in reading.problems] == [
        "mise.toml:2: tools.python: '{{ env.PY }}' is evaluated only when the tool runs; add the version by hand"
    ]


def test_a_broken_file_is_an_error_with_its_place() -> None:
    with pytest.raises(ManifestError, match=r"^mise.toml:2:5: not valid TOML") as caught:
        read_mise("[tools]\na = \n", Reading("mise.toml"))
    assert caught.value.place is not None
