"""Owns the prefix in a packed Python's text: put back to PBS's `/install`, so that the recipe finds what it knows."""

from __future__ import annotations

import re

from provision.model.value import frozen
from provision.relocate import sysconfig
from provision.relocate.rewrite import INSTALL, SHARED, whole_path

# Where other software lives too (`/usr`), a path means this Python only in the variables that configure derives from
# the prefix; `-I/usr/include/uuid` does not.
_DERIVED = (
    *("prefix", "exec_prefix", "datarootdir", "BINDIR", "BINLIBDEST", "CONFINCLUDEDIR", "CONFINCLUDEPY", "DESTDIRS"),
    *("DESTLIB", "DESTSHARED", "EXENAME", "INCLDIRSTOMAKE", "INCLUDEDIR", "INCLUDEPY", "LIBDEST", "LIBDIR", "LIBPC"),
    *("LIBPL", "MACHDESTLIB", "MANDIR", "SCRIPTDIR", "WASM_ASSETS_DIR", "WASM_STDLIB", "libdir", "includedir"),
)
_DERIVED_LINE = re.compile(rf"^(?:{'|'.join(_DERIVED)})[ \t]*=.*$", re.MULTILINE)
_CONFIGURED = re.compile(r"(?<='--)(?:(?:exec-)?prefix|(?:lib|bin|include|man|dataroot)dir)=[^']*(?=')")


@frozen(kw_only=False)
class Places:
    """Rewrites what names ``prefix``, each in the way its kind of file allows."""

    prefix: str

    @property
    def shared(self) -> bool:
        return self.prefix in SHARED

    def text(self, text: str) -> str:
        """A Makefile, a `*.pc`, a shell script: whole paths everywhere, or in what derives from a shared one."""
        if not self.shared:
            return self._paths(text)
        text = _DERIVED_LINE.sub(lambda match: self._paths(match[0]), text)
        return _CONFIGURED.sub(lambda match: self._paths(match[0]), text)

    def variables(self, text: str) -> str:
        """`_sysconfigdata_*.py`: as text, or value by value."""
        values = sysconfig.parse(text) if self.shared else None
        if values is None:
            return self._paths(text)
        mended = {name: self._value(name, value) for name, value in values.items()}
        return sysconfig.HEADER + sysconfig.literal(mended)

    def script(self, text: str) -> str:
        """A script whose first line names the interpreter in the prefix."""
        first, newline, rest = text.partition("\n")
        return f"{self._paths(first)}{newline}{rest}" if first.startswith("#!") else text

    def _value(self, name: str, value: object) -> object:
        if not isinstance(value, str):
            return value
        if name == "CONFIG_ARGS":
            return _CONFIGURED.sub(lambda match: self._paths(match[0]), value)
        return self._paths(value) if name in _DERIVED else value

    def _paths(self, text: str) -> str:
        return INSTALL.join(re.split(whole_path(self.prefix), text))
