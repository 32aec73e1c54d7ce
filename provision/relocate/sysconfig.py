"""`_sysconfigdata`, its JSON twins, Makefile, `*.pc` and `Setup`, relocated."""

from __future__ import annotations

import re
from collections.abc import Mapping

from provision.relocate.rewrite import VARIABLES, BuildPaths, PrefixRewriter
from provision.relocate.workspace import up

# FOLD provision.relocate.sysconfig
#   Owns `_sysconfigdata_*.py`: made to compute its values from where it is imported; their wording is `origin`'s.


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


def relocate_sysconfigdata(text: str, path: str, config: str) -> tuple[str, BuildPaths] | None:
    """The module as it should be, and what it tells of the build; None where there is nothing to mend.

    ``path`` is the module's own in the tree, ``config`` the Makefile's directory.
    """
    variables = parse(text)
    if variables is None:
        return None
    origin = BuildPaths.of(variables)
    mender = PrefixRewriter(origin, prefix=PLACEHOLDER, config=config)
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


# FOLD provision.relocate.sysconfig
#   Owns the JSON twins of `_sysconfigdata` (3.14+): JSON cannot compute, so their paths are made relative.


def relocate_variables(text: str, path: str, origin: BuildPaths, config: str) -> str:
    """`_sysconfig_vars_*.json`, whose paths become relative to its own directory, as PEP 739 has it for its file.

    CPython writes this file for other tools and never reads it. ``userbase`` is the home of whoever built it.
    """
    variables = _parse(text)
    if variables is None:
        return text
    mender = PrefixRewriter(origin, prefix=up(path), config=config)
    mended = {
        name: mender.variable(name, value) if isinstance(value, str) else value
        for name, value in variables.items()
        if name != "userbase"
    }
    return text if mended == variables else _format(mended)


def relocate_details(text: str, path: str, origin: BuildPaths, config: str) -> str:
    """`build-details.json`: ``base_prefix`` relative to the file, every other path to ``base_prefix`` (PEP 739)."""
    details = _parse(text)
    if details is None or details.get("base_prefix") != origin.prefix:
        return text
    mended = {name: _relative(value, origin.prefix) for name, value in details.items()}
    return _format(mended | {"base_prefix": up(path)})


def _relative(value: object, prefix: str) -> object:
    match value:
        case str() if value.startswith(f"{prefix}/"):
            return "." + value.removeprefix(prefix)
        case dict():
            return {name: _relative(member, prefix) for name, member in value.items()}
        case list():
            return [_relative(member, prefix) for member in value]
        case _:
            return value


def _parse(text: str) -> dict[str, object] | None:
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _format(value: dict[str, object]) -> str:
    import json

    return json.dumps(value, indent=2) + "\n"


# FOLD provision.relocate.sysconfig
#   Owns the installed Makefile: made to find its prefix by itself, and still readable by `sysconfig`'s own parser.


# `sysconfig._parse_makefile` passes over `:=`: it reads `prefix` as empty, or as what the environment has by this name.
_SELF = "provision_prefix"
_PREFIX_LINE = re.compile(r"^(prefix[ \t]*=[ \t]*)(.*)$", re.MULTILINE)
_NAMED = re.compile(rf"^({'|'.join(VARIABLES)}|CONFIG_ARGS)([ \t]*=[ \t]*)(.*)$", re.MULTILINE)


def relocate_makefile(text: str, path: str, origin: BuildPaths, config: str) -> str:
    """Let ``prefix`` follow from where make read this file, and every other path from ``prefix``."""
    mender = PrefixRewriter(origin, prefix="$(prefix)", config=config)
    text = _NAMED.sub(lambda match: match[1] + match[2] + mender.variable(match[1], match[3]), text)
    if f"\n{_SELF} :=" not in text:
        text = _PREFIX_LINE.sub(lambda match: _own_prefix(match, path, origin), text, count=1)
    return mender.text(text)


def _own_prefix(match: re.Match[str], path: str, origin: BuildPaths) -> str:
    if match[2].strip() != origin.prefix:
        return match[0]
    return (
        "# Known from where this file is: `:=`, as the last makefile read is another one once this one is included.\n"
        f"{_SELF} := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/{up(path)})\n"
        f"{match[1]}$({_SELF})"
    )


# FOLD provision.relocate.sysconfig
#   Owns the small texts of flags and paths, `*.pc`, `Setup*`, `fooConfig.sh`; what is wrong in them, `mender` knows.


_PC_PREFIX_LINE = re.compile(r"^prefix[ \t]*=[ \t]*(\S+)[ \t]*$", re.MULTILINE)


def relocate_pkgconfig(text: str, path: str, origin: BuildPaths, config: str) -> str:
    """``prefix`` from ``pcfiledir``, the one variable that tells where the file is, as PBS does since 20250205."""
    own = f"prefix=${{pcfiledir}}/{up(path)}"
    text = _PC_PREFIX_LINE.sub(lambda match: own if match[1] in {origin.prefix, "/tools/deps"} else match[0], text)
    return PrefixRewriter(origin, prefix="${prefix}", config=config).text(text)


def relocate_setup(text: str, path: str, origin: BuildPaths, config: str) -> str:
    """`Setup.local`, which makesetup reads in the terms of the Makefile."""
    return PrefixRewriter(origin, prefix="$(prefix)", config=config).text(text)


def relocate_shell_config(text: str, path: str, origin: BuildPaths, config: str) -> str:
    """`itclConfig.sh` and its like, which a script sources after it has set ``prefix``, as configure scripts do."""
    return PrefixRewriter(origin, prefix="${prefix}", config=config).text(text.replace("/tools/deps", origin.prefix))
