"""Owns the installed Makefile: made to find its prefix by itself, and still readable by `sysconfig`'s own parser."""

from __future__ import annotations

import re

from provision.install.relocate.layout import up
from provision.install.relocate.origin import Origin
from provision.install.relocate.toolchain import VARIABLES
from provision.relocate.rewrite import Mender

# `sysconfig._parse_makefile` passes over `:=`: it reads `prefix` as empty, or as what the environment has by this name.
_SELF = "provision_prefix"
_PREFIX_LINE = re.compile(r"^(prefix[ \t]*=[ \t]*)(.*)$", re.MULTILINE)
_NAMED = re.compile(rf"^({'|'.join(VARIABLES)}|CONFIG_ARGS)([ \t]*=[ \t]*)(.*)$", re.MULTILINE)


def relocate(text: str, path: str, origin: Origin, config: str) -> str:
    """Let ``prefix`` follow from where make read this file, and every other path from ``prefix``."""
    mender = Mender(origin, prefix="$(prefix)", config=config)
    text = _NAMED.sub(lambda match: match[1] + match[2] + mender.variable(match[1], match[3]), text)
    if f"\n{_SELF} :=" not in text:
        text = _PREFIX_LINE.sub(lambda match: _own_prefix(match, path, origin), text, count=1)
    return mender.text(text)


def _own_prefix(match: re.Match[str], path: str, origin: Origin) -> str:
    if match[2].strip() != origin.prefix:
        return match[0]
    return (
        "# Known from where this file is: `:=`, as the last makefile read is another one once this one is included.\n"
        f"{_SELF} := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/{up(path)})\n"
        f"{match[1]}$({_SELF})"
    )
