"""Owns the small texts of flags and paths, `*.pc`, `Setup*`, `fooConfig.sh`; what is wrong in them, `mender` knows."""

from __future__ import annotations

import re

from provision.install.relocate.layout import up
from provision.install.relocate.origin import Origin
from provision.relocate.rewrite import Mender

_PREFIX_LINE = re.compile(r"^prefix[ \t]*=[ \t]*(\S+)[ \t]*$", re.MULTILINE)


def relocate_pkgconfig(text: str, path: str, origin: Origin, config: str) -> str:
    """``prefix`` from ``pcfiledir``, the one variable that tells where the file is, as PBS does since 20250205."""
    own = f"prefix=${{pcfiledir}}/{up(path)}"
    text = _PREFIX_LINE.sub(lambda match: own if match[1] in {origin.prefix, "/tools/deps"} else match[0], text)
    return Mender(origin, prefix="${prefix}", config=config).text(text)


def relocate_setup(text: str, path: str, origin: Origin, config: str) -> str:
    """`Setup.local`, which makesetup reads in the terms of the Makefile."""
    return Mender(origin, prefix="$(prefix)", config=config).text(text)


def relocate_shell_config(text: str, path: str, origin: Origin, config: str) -> str:
    """`itclConfig.sh` and its like, which a script sources after it has set ``prefix``, as configure scripts do."""
    return Mender(origin, prefix="${prefix}", config=config).text(text.replace("/tools/deps", origin.prefix))
