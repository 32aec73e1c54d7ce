"""Interpreter names and scripts in `bin/`: links, first lines, `python3-config`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from provision.model.asset import Asset
from provision.model.tree import TreeEntry
from provision.relocate.rewrite import BuildPaths, PrefixRewriter
from provision.store.layout import interpreter_names


def executable_name(asset: Asset, entries: Mapping[str, TreeEntry]) -> str | None:
    """The real interpreter's name in ``bin/``: ``python3.13td``, ``pypy3.11``, ``graalpy``."""
    series = asset.version.series
    match asset.implementation:
        case "cpython":
            # Debug builds before 3.13 have no suffix, and newer builds that are not PBS's may have none either.
            candidates = [f"python{series}{asset.options.abi_suffix}", f"python{series}", f"python{series}m", "python3"]
        case implementation:
            candidates = [
                f"{implementation}{series}",
                f"{implementation}3",
                implementation,
                f"python{series}",
                "python3",
            ]
    return next((name for name in candidates if _is_file(entries, f"bin/{name}")), None)


def missing_links(asset: Asset, entries: Mapping[str, TreeEntry]) -> Iterator[tuple[str, str]]:
    """(path, target) of each link to make: ``python``, ``python3`` and ``python3.13`` must exist in every Unix tree."""
    real = executable_name(asset, entries)
    if real is None:
        return
    for name in interpreter_names(asset):
        if f"bin/{name}" not in entries:
            yield f"bin/{name}", real


def missing_copy(asset: Asset, entries: Mapping[str, TreeEntry]) -> tuple[str, str] | None:
    """(path, source) of the one copy to make in a Windows tree, where links need permissions that users lack.

    The copy is `python.exe`, which early PyPy lacks. None is made for GraalPy, because its launcher finds its home by
    its name and path.
    """
    if asset.implementation == "graalpy" or _is_file(entries, "python.exe"):
        return None
    series, suffix = asset.version.series, asset.options.abi_suffix
    own = "python" if asset.implementation == "cpython" else asset.implementation
    candidates = (f"{own}{series}{suffix}.exe", f"{own}3.exe", f"{own}.exe")
    return next((("python.exe", name) for name in candidates if _is_file(entries, name)), None)


def _is_file(entries: Mapping[str, TreeEntry], path: str) -> bool:
    entry = entries.get(path)
    return entry is not None and entry.kind == "file"


# The script's real path, because it may be started through a link in another directory. Older macOS has no `realpath`,
# the oldest no `readlink -f`.
_REAL_PATH = '"$(realpath -- "$0" 2>/dev/null || readlink -f -- "$0" 2>/dev/null || echo "$0")"'

# `#!/install/bin/python3.13 -E`. `#!/usr/bin/env python3` has no path of an interpreter, and does not match.
_SHEBANG = re.compile(r"#![ \t]*+/(?>[^\n]*?/((?:python|pypy|graalpy)[\w.]*+))[ \t]*+([^\n]*+)\n")
# The forms that PBS has used over the years, and the form that this module writes.
_POLYGLOT = re.compile(
    r"#!/bin/sh\n"
    r"(?:'''exec'|\"exec\")[^\n]*?/((?:python|pypy|graalpy)[\w.]*)\"((?: -\w+)*) \"\$0\" \"\$@\"\n"
    r"(?:' '''\n)?"
)


def relocate_script(text: str, path: str, interpreters: frozenset[str], fallback: str) -> str:
    """Make a script start the interpreter in this tree's ``bin/``: from anywhere, through links, with spaces in paths.

    ``interpreters`` are the names in ``bin/``; ``fallback`` is the name of the real interpreter, used if the script
    names none of them.
    """
    match = _POLYGLOT.match(text) or _SHEBANG.match(text)
    if match is None:
        return text
    name = match[1] if match[1] in interpreters else fallback
    to_bin = "" if path.startswith("bin/") else "../" * path.count("/") + "bin/"
    flags = f" {match[2].strip()}" if match[2].strip() else ""
    # For sh, an empty string and 'exec' are one word, and the second line is never reached, because exec does not
    # return. For Python, both lines are one string, the docstring.
    return (
        f"#!/bin/sh\n'''exec' \"$(dirname -- {_REAL_PATH})/{to_bin}{name}\"{flags} \"$0\" \"$@\"\n' '''\n"
        f"{text[match.end() :]}"
    )


_SHELL_FUNCTION = re.compile(r"^exit_with_usage \(\)$", re.MULTILINE)
_FUNCTION = re.compile(
    r"# Returns the actual prefix[^\n]*+\ninstalled_prefix \(\)\n\{\n(?>(?:(?!# Returns )[^\n]*+\n)*?\}\n)\n?"
)
_CALL = re.compile(r'^prefix_real=\$\(installed_prefix "\$0"\)$', re.MULTILINE)
_SUBSTITUTION = re.compile(r'\$\(echo "([^"\n]*)" \| sed "s#\^?\$(?:exec_)?prefix#\$(?:exec_)?prefix_real#"\)')
_PREFIX = re.compile(r'^prefix="([^"\n]*)"$', re.MULTILINE)


def relocate_config_script(text: str, path: str, build: BuildPaths, config_directory: str) -> str:
    """Make `python3-config` determine its prefix when it runs, also through links and with spaces in the path.

    Only if it is a shell script; on macOS it is a Python script, for which `relocate_script` is enough. PBS's builds of
    20210724 to 20220630 start the shell script with Python, because their `fix_shebangs.py` gave every script in `bin/`
    the same first lines; the original first line is restored.
    """
    if not text.startswith("#!/bin/sh"):
        return text
    if (wrong := _POLYGLOT.match(text)) and _SHELL_FUNCTION.search(text):
        text = f"#!/bin/sh\n{text[wrong.end() :]}"
    text = _CALL.sub(lambda _: f'prefix_real=$(cd -- "$(dirname -- {_REAL_PATH})/.." && pwd -P)', text)
    text = _FUNCTION.sub("", text)
    text = _PREFIX.sub(lambda match: 'prefix="${prefix_real}"' if match[1] == build.prefix else match[0], text)
    text = _SUBSTITUTION.sub(lambda match: f'"{match[1]}"', text)
    return PrefixRewriter(build, prefix="${prefix}", config_directory=config_directory).rewrite(text)
