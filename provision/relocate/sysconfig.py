"""Owns `_sysconfigdata_*.py`: made to compute its values from where it is imported; their wording is `origin`'s."""

from __future__ import annotations

from collections.abc import Mapping

from provision.install.relocate.layout import up
from provision.install.relocate.origin import Origin
from provision.relocate.rewrite import Mender

# Stands for the prefix until the module is imported. Not `/`-led, so that no tool takes it for a real path.
PLACEHOLDER = "@PREFIX@"

HEADER = "# system configuration generated and used by the sysconfig module\n"
_ASSIGNMENT = "build_time_vars = "
_CODE = f'''

def _relocate(variables, levels):
    """Put this installation's prefix, as found from this file, where {PLACEHOLDER} stands."""
    import os
    import sys

    try:
        prefix = os.path.abspath(os.path.join(os.path.dirname(__file__), levels))
    except NameError:  # executed from a string, as some cross-building tools do
        prefix = sys.base_prefix
    for name, value in variables.items():
        if isinstance(value, str) and "{PLACEHOLDER}" in value:
            variables[name] = value.replace("{PLACEHOLDER}", prefix)


'''


def parse(text: str) -> dict[str, object] | None:
    """The variables of a generated module, relocated already or not; None for a module that computes them."""
    head, assignment, body = text.partition(_ASSIGNMENT)
    body = body.partition("\n\ndef _relocate(")[0]
    if not assignment or any(line.strip() and not line.startswith("#") for line in head.splitlines()):
        return None
    variables = _literal(body.strip())
    return variables if isinstance(variables, dict) else None


def relocate(text: str, path: str, config: str) -> tuple[str, Origin] | None:
    """The module as it should be, and what it tells of the build; None where there is nothing to mend.

    ``path`` is the module's own in the tree, ``config`` the Makefile's directory.
    """
    variables = parse(text)
    if variables is None:
        return None
    origin = Origin.of(variables)
    mender = Mender(origin, prefix=PLACEHOLDER, config=config)
    mended = {
        name: mender.variable(name, value) if isinstance(value, str) else value for name, value in variables.items()
    }
    call = f"_relocate(build_time_vars, {up(path)!r})\ndel _relocate\n"
    return HEADER + literal(mended) + _CODE + call, origin


def literal(variables: Mapping[str, object]) -> str:
    """The assignment that such a module consists of, one variable a line."""
    return "".join([_ASSIGNMENT, "{\n", *(f"    {name!r}: {value!r},\n" for name, value in variables.items()), "}\n"])


def _literal(text: str) -> object:
    """Evaluate a dict of constants without running it."""
    import json

    try:
        # PBS writes JSON, which reads twenty times faster and means the same where there are only strings and numbers.
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    import ast

    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
