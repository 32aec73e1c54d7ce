"""Relocating `_sysconfigdata`, its JSON twins, Makefile, `*.pc` and `Setup`.

The functions take a file's text, its path in the tree, the build's paths and the Makefile's directory
(``lib/python3.13/config-…``), and return the new text, or the old one if nothing has to be changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from provision.relocate.rewrite import TOOL_VARIABLES, BuildPaths, PrefixRewriter
from provision.relocate.workspace import path_to_root

# The placeholder of the prefix until the module is imported. It has no `/`, so that no tool takes it for a path.
_PLACEHOLDER = "@PREFIX@"

_HEADER = "# system configuration generated and used by the sysconfig module\n"
_ASSIGNMENT = "build_time_vars = "
_RELOCATING_CODE = f'''

def _relocate(variables, levels):
    """Put this installation's prefix, as found from this file, where {_PLACEHOLDER} stands."""
    import os
    import sys

    try:
        prefix = os.path.abspath(os.path.join(os.path.dirname(__file__), levels))
    except NameError:  # executed from a string, as some cross-building tools do
        prefix = sys.base_prefix
    for name, value in variables.items():
        if isinstance(value, str) and "{_PLACEHOLDER}" in value:
            variables[name] = value.replace("{_PLACEHOLDER}", prefix)


'''


# _sysconfigdata_*.py: computes its values from its own path when it is imported


def relocate_sysconfigdata(text: str, path: str, config_directory: str) -> tuple[str, BuildPaths] | None:
    """The relocated module and the paths of its build; None for a module that computes its values."""
    variables = parse_sysconfigdata(text)
    if variables is None:
        return None
    build = BuildPaths.from_variables(variables)
    rewriter = PrefixRewriter(build, prefix=_PLACEHOLDER, config_directory=config_directory)
    call = f"_relocate(build_time_vars, {path_to_root(path)!r})\ndel _relocate\n"
    return format_sysconfigdata(rewriter.rewrite_variables(variables)) + _RELOCATING_CODE + call, build


def parse_sysconfigdata(text: str) -> dict[str, object] | None:
    """The variables of a generated module, relocated already or not; None for a module that computes them."""
    head, assignment, body = text.partition(_ASSIGNMENT)
    body = body.partition("\n\ndef _relocate(")[0]
    if not assignment or any(line.strip() and not line.startswith("#") for line in head.splitlines()):
        return None
    return _flat(_evaluate_literal(body.strip()))


def _flat(variables: object) -> dict[str, object] | None:
    """The variables if all are strings and numbers; None otherwise, for example for lists a thousand levels deep."""
    if isinstance(variables, dict) and not any(
        isinstance(value, dict | list | tuple | set) for value in variables.values()
    ):
        return variables
    return None


def format_sysconfigdata(variables: Mapping[str, object]) -> str:
    """A module with one assignment, one variable per line."""
    lines = (f"    {name!r}: {value!r},\n" for name, value in variables.items())
    return "".join([_HEADER, _ASSIGNMENT, "{\n", *lines, "}\n"])


def _evaluate_literal(text: str) -> object:
    """The value of a dict of constants, without executing the text; None for anything else."""
    import json

    try:
        # PBS writes JSON, which has the same meaning for strings and numbers, and is read in a twentieth of the time.
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    import ast

    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


# The JSON twins (3.14+): JSON cannot compute values, so their paths are made relative


def relocate_sysconfig_vars(text: str, path: str, build: BuildPaths, config_directory: str) -> str:
    """`_sysconfig_vars_*.json`: paths relative to its own directory, as in PEP 739 for `build-details.json`.

    CPython writes this file for other tools and never reads it. ``userbase`` is removed: it is a directory in the home
    of the build machine's user.
    """
    variables = _flat(_parse_json_object(text))
    if variables is None:
        return text
    rewriter = PrefixRewriter(build, prefix=path_to_root(path), config_directory=config_directory)
    rewritten = rewriter.rewrite_variables(variables)
    rewritten.pop("userbase", None)
    return text if rewritten == variables else _format_json(rewritten)


def relocate_build_details(text: str, path: str, build: BuildPaths, config_directory: str) -> str:
    """`build-details.json`: ``base_prefix`` relative to the file, every other path to ``base_prefix`` (PEP 739)."""
    details = _parse_json_object(text)
    if details is None or details.get("base_prefix") != build.prefix:
        return text
    try:
        relative = {name: _relative_to(value, build.prefix) for name, value in details.items()}
        return _format_json(relative | {"base_prefix": path_to_root(path)})
    except RecursionError:  # hundreds of levels deep, where PEP 739 has three: no tool would read it
        return text


def _relative_to(value: object, prefix: str) -> object:
    match value:
        case str() if value.startswith(f"{prefix}/"):
            return "." + value.removeprefix(prefix)
        case dict():
            return {name: _relative_to(member, prefix) for name, member in value.items()}
        case list():
            return [_relative_to(member, prefix) for member in value]
        case _:
            return value


def _parse_json_object(text: str) -> dict[str, object] | None:
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _format_json(value: dict[str, object]) -> str:
    import json

    return json.dumps(value, indent=2) + "\n"


# The installed Makefile: determines its prefix itself, and can still be read by the parser of `sysconfig`

# `sysconfig._parse_makefile` ignores `:=`: for it, `prefix` is empty, or the environment variable of this name.
_OWN_PREFIX = "provision_prefix"
_PREFIX_LINE = re.compile(r"^(prefix[ \t]*=[ \t]*)(.*)$", re.MULTILINE)
_TOOL_LINE = re.compile(rf"^({'|'.join(TOOL_VARIABLES)}|CONFIG_ARGS)([ \t]*=[ \t]*)(.*)$", re.MULTILINE)


def relocate_makefile(text: str, path: str, build: BuildPaths, config_directory: str) -> str:
    """Derive ``prefix`` from the path from which make reads this file, and all other paths from ``prefix``."""
    rewriter = PrefixRewriter(build, prefix="$(prefix)", config_directory=config_directory)
    text = _TOOL_LINE.sub(lambda match: match[1] + match[2] + rewriter.rewrite_variable(match[1], match[3]), text)
    if f"\n{_OWN_PREFIX} :=" not in text:
        text = _PREFIX_LINE.sub(lambda match: _own_prefix_lines(match, path, build), text, count=1)
    return rewriter.rewrite(text)


def _own_prefix_lines(match: re.Match[str], path: str, build: BuildPaths) -> str:
    if match[2].strip() != build.prefix:
        return match[0]
    return (
        "# Known from where this file is: `:=`, as the last makefile read is another one once this one is included.\n"
        f"{_OWN_PREFIX} := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/{path_to_root(path)})\n"
        f"{match[1]}$({_OWN_PREFIX})"
    )


# Small files of flags and paths: `*.pc`, `Setup*`, `fooConfig.sh`

_PKGCONFIG_PREFIX_LINE = re.compile(r"^prefix[ \t]*=[ \t]*(\S+)[ \t]*$", re.MULTILINE)


def relocate_pkgconfig(text: str, path: str, build: BuildPaths, config_directory: str) -> str:
    """Derive ``prefix`` from ``pcfiledir``, the variable for the file's directory, as PBS does since 20250205."""
    own = f"prefix=${{pcfiledir}}/{path_to_root(path)}"
    replaced = {build.prefix, "/tools/deps"}
    text = _PKGCONFIG_PREFIX_LINE.sub(lambda match: own if match[1] in replaced else match[0], text)
    return PrefixRewriter(build, prefix="${prefix}", config_directory=config_directory).rewrite(text)


def relocate_setup(text: str, path: str, build: BuildPaths, config_directory: str) -> str:
    """`Setup.local`, in which makesetup accepts the variables of the Makefile."""
    return PrefixRewriter(build, prefix="$(prefix)", config_directory=config_directory).rewrite(text)


def relocate_shell_config(text: str, path: str, build: BuildPaths, config_directory: str) -> str:
    """`itclConfig.sh` and similar files, which scripts such as configure source after they have set ``prefix``."""
    text = text.replace("/tools/deps", build.prefix)
    return PrefixRewriter(build, prefix="${prefix}", config_directory=config_directory).rewrite(text)
