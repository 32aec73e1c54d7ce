"""Readers of YAML: workflows of GitHub Actions, and `pnpm-workspace.yaml`.

YAML is read as a tree of nodes, whose scalars keep the text of the file: as a value, ``3.10`` would be the number 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from provision.adopt.mention import LineError, Reading
from provision.errors import reason_of

_ACTIONS = ("actions/setup-python", "astral-sh/setup-uv")
# YAML 1.1 also reads `1:20.0` as a number, GitHub does not.
_NUMBER = re.compile(r"[0-9]+\.[0-9]*0")
_EXPRESSION = re.compile(r"\$\{\{[ \t]*([a-z]+)\.([A-Za-z0-9_.-]+)[ \t]*\}\}")
# Aliases can expand one list to many, so the number of steps and jobs is limited.
_MAX_STEPS = 2000

_Mapping = dict[str, yaml.Node]


def read_workflow(text: str, reading: Reading) -> None:
    """A workflow: ``python-version`` of steps that set Python up, and of the matrix that they take it from.

    Raises `ValueError` if it is not YAML.
    """
    if not any(action in text for action in _ACTIONS):
        return
    workflow = _mapping(_compose(text))
    left = _MAX_STEPS
    for name, job in _mapping(workflow.get("jobs")).items():
        body = _mapping(job)
        for step in _items(body.get("steps")):
            left -= 1
            if left < 0:
                reading.problem(f"has more than {_MAX_STEPS} steps; the rest is left out")
                return
            _read_step(_mapping(step), (name, body), workflow, reading)


def read_pnpm_workspace(text: str, reading: Reading) -> None:
    """`pnpm-workspace.yaml`: ``python.executable``.

    pnpm has no other setting for a version: it uses `.python-version` and ``requires-python``.
    """
    if "python" not in text:
        return
    executable = _mapping(_mapping(_compose(text)).get("python")).get("executable")
    if isinstance(executable, yaml.ScalarNode) and executable.value:
        reading.add(executable.value, "pin", key="python.executable", line=executable.start_mark.line + 1)


def _compose(text: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise LineError(f"not valid YAML: {error.problem or error.context}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {reason_of(error)}") from None
    except RecursionError:
        raise ValueError("not valid YAML: nested too deeply") from None
    return node


def _mapping(node: yaml.Node | None) -> _Mapping:
    """The values of a mapping by key; empty for any other node."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _read_step(step: _Mapping, named: tuple[str, _Mapping], workflow: _Mapping, reading: Reading) -> None:
    uses = step.get("uses")
    if not isinstance(uses, yaml.ScalarNode) or uses.value.partition("@")[0] not in _ACTIONS:
        return
    name, job = named
    key = f"job {name}"
    inputs = _mapping(step.get("with"))
    free = inputs.get("freethreaded")
    freethreaded = isinstance(free, yaml.ScalarNode) and free.value == "true"
    for listed in _nodes(inputs.get("python-version")):
        for node in _scalars(listed, job, (step, job, workflow)):
            line = node.start_mark.line + 1
            if "${{" in node.value:
                reading.not_static(key, node.value, line)
                continue
            for text in filter(None, map(str.strip, node.value.split("\n"))):
                free_one = freethreaded and not text.endswith("t")
                reading.add(text, "tested", key=key, line=line, freethreaded=free_one)
            if node.tag.endswith(":float") and _NUMBER.fullmatch(node.value):
                number = float(node.value)
                reading.problem(f"{key}: {node.value} has no quotes; GitHub reads the number {number}", line)


def _nodes(node: yaml.Node | None) -> list[yaml.Node]:
    return [] if node is None else _items(node) or [node]


def _scalars(node: yaml.Node, job: _Mapping, scopes: tuple[_Mapping, ...]) -> list[yaml.ScalarNode]:
    """The values that a text can have: itself, the values of a matrix, or that of a variable."""
    if not isinstance(node, yaml.ScalarNode):
        return []
    expression = _EXPRESSION.fullmatch(node.value.strip())
    if expression is None:
        return [node]
    if expression[1] == "matrix":
        return list(_matrix(job, expression[2])) or [node]
    values = (_mapping(scope.get("env")).get(expression[2]) for scope in scopes)
    found = next((each for each in values if isinstance(each, yaml.ScalarNode)), node)
    return [found if expression[1] == "env" else node]


def _matrix(job: _Mapping, name: str) -> Iterator[yaml.ScalarNode]:
    """The scalars of one key of a job's matrix, ``include`` with it; ``a.b`` is the key b of mappings in a."""
    matrix = _mapping(_mapping(job.get("strategy")).get("matrix"))
    key, _, inner = name.partition(".")
    listed = matrix.get(key)
    included = [_mapping(each).get(key) for each in _items(matrix.get("include"))]
    for node in (*_nodes(listed), *included):
        found = _mapping(node).get(inner) if inner else node
        if isinstance(found, yaml.ScalarNode):
            yield found
