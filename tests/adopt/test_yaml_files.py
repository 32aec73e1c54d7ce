"""Workflows and pnpm's file: texts as written, endless aliases, and errors of a broken file."""

from __future__ import annotations

import pytest

from provision.adopt.mention import LineError, Reading
from provision.adopt.yaml_files import read_pnpm_workspace, read_workflow
from tests.adopt.samples import found

STEP = "- uses: actions/setup-python@v6\n        with:"


def read(text: str) -> Reading:
    reading = Reading("ci.yml")
    read_workflow(text, reading)
    return reading


def job(version: str, more: str = "") -> Reading:
    return read(f"jobs:\n  a:\n    {more or 'x: y'}\n    steps:\n      {STEP} {{ python-version: {version} }}\n")


@pytest.mark.parametrize(
    ("version", "requests"),
    [
        ("'3.12'", ["3.12"]),
        ("3.12", ["3.12"]),
        ("['3.12', '3.13t']", ["3.12", "3.13t"]),
        ("3.x", ["3"]),
        ("'>=3.9 <3.12'", [">=3.9,<3.12"]),
        ("pypy-3.10-v7.3.15", ["pypy3.10+7.3.15"]),
        ("'${{ matrix.python }}'", ["3.11", "3.12", "3.13"]),
        ("'${{matrix.os.py}}'", ["3.9"]),
        ("'${{ env.PY }}'", ["3.8"]),
    ],
)
def test_versions_of_a_step_are_read(version: str, requests: list[str]) -> None:
    matrix = "{ python: ['3.11', '3.12'], os: [{ py: '3.9' }], include: [{ python: '3.13' }, { x: 1 }] }"
    reading = job(version, f"env: {{ PY: '3.8' }}\n    strategy: {{ matrix: {matrix} }}")
    assert [line.split()[1] for line in found(reading)] == requests
    assert reading.problems == []


@pytest.mark.parametrize("version", ["1:20.0", "3_.0", "!!float abc0"])
def test_values_that_are_numbers_only_in_yaml_1_1_are_text(version: str) -> None:
    reading = job(version)
    assert found(reading) == []
    assert [problem.line for problem in reading.problems] == [6]
    assert "float" not in reading.problems[0].message


def test_a_number_that_loses_its_zero_is_read_as_intended_and_reported() -> None:
    reading = job("3.10")
    assert found(reading) == ["6 3.10 tested"]
    assert [problem.message for problem in reading.problems] == [
        "job a: 3.10 has no quotes; GitHub reads the number 3.1"
    ]


@pytest.mark.parametrize("version", ["'${{ inputs.x }}'", "'${{ matrix.none }}'", "\"${{ fromJSON('[]') }}\""])
def test_expressions_that_only_github_can_evaluate_are_reported(version: str) -> None:
    (problem,) = job(version).problems
    assert "is evaluated only when the tool runs" in problem.message


def test_steps_of_other_actions_and_files_without_such_steps_are_ignored() -> None:
    assert read("jobs: [ # not YAML").mentions == []
    text = "jobs:\n  a:\n    steps:\n      - uses: x/actions/setup-python@v1\n        with: { python-version: '3.9' }\n"
    assert read(text).mentions == []


def test_aliases_that_expand_to_many_steps_are_limited() -> None:
    steps = f"x: &s\n  {STEP.replace('        ', '    ')} {{ python-version: '3.12' }}\n"
    many = steps + "y: &m { steps: [" + "*s, " * 50 + "] }\njobs:\n" + "".join(f"  j{n}: *m\n" for n in range(100))
    nested = read(many.replace("[" + "*s, " * 50 + "]", "*s"))
    assert len(nested.mentions) == 100
    flat = "x: &s { uses: actions/setup-python@v6, with: { python-version: '3.12' } }\ny: &m { steps: ["
    reading = read(flat + "*s, " * 50 + "] }\njobs:\n" + "".join(f"  j{n}: *m\n" for n in range(100)))
    assert [problem.message for problem in reading.problems] == ["has more than 2000 steps; the rest is left out"]


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: [", 1), ("a: b: c", 1), ("\ta: 1", 1), ("a: *b", 1), ("a: !!python/object/apply:os.system [x]\nb: [", 2)],
)
def test_a_broken_file_is_an_error_with_its_line(text: str, line: int) -> None:
    with pytest.raises(LineError, match="not valid YAML") as caught:
        read(f"{text} # actions/setup-python")
    assert caught.value.line == line


def test_deeply_nested_files_are_refused() -> None:
    with pytest.raises(ValueError, match="not valid YAML"):
        read("# actions/setup-python\n" + "[" * 10_000)


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        ("python: { enabled: true, executable: python3.12 }", ["1 3.12 pin"]),
        ("packages: [a]\npython:\n  enabled: true\n", []),
        ("packages: [a]\n", []),
        ("python: yes", []),
    ],
)
def test_pnpm_names_an_executable_or_nothing(text: str, requests: list[str]) -> None:
    reading = Reading("pnpm-workspace.yaml")
    read_pnpm_workspace(text, reading)
    assert found(reading) == requests
