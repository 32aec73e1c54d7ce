"""`Provision`, the plugin by which virtualenv and tox find the interpreters.

It is selected by ``--discovery provision`` or ``VIRTUALENV_DISCOVERY=provision``. virtualenv loads the plugins of all
distributions whenever it runs, so this module imports nothing of provision at the top.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from virtualenv.discovery.builtin import Builtin, get_interpreter
from virtualenv.discovery.py_info import PythonInfo
from virtualenv.discovery.py_spec import PythonSpec

if TYPE_CHECKING:
    from provision.workflows.discover import InterpreterSpec


class Provision(Builtin):  # type: ignore[misc]
    """Finds entries of the nearest ``pythons.toml``, by name or version; otherwise behaves like virtualenv itself.

    If the lock file has what is requested and it cannot be used, no other Python is used instead: the log says why.
    """

    def run(self) -> Any:
        """The first interpreter that one of the requests finds, or None."""
        return next((found for text in self.python_spec if (found := self._find(text))), None)

    def _find(self, text: str) -> Any:
        from provision.workflows.discover import NotUsable, discover
        from provision.workflows.options import Options

        environ = getattr(self, "_env", os.environ)
        match discover(Options.of(os.environ), text, _interpreter_spec(text)):
            case None:
                return get_interpreter(text, self.try_first_with, app_data=self.app_data, env=environ)
            case NotUsable() as found:
                logging.error("entry %r of the lock file: %s. %s", found.name, found.error, found.error.hint or "")
                return None
            case path:
                return PythonInfo.from_exe(str(path), self.app_data, env=environ, resolve_to_host=False)


def _interpreter_spec(text: str) -> InterpreterSpec:
    """A spec as virtualenv reads it; older ones lack some of its attributes."""
    from provision.workflows.discover import InterpreterSpec

    spec = PythonSpec.from_string_spec(text)
    specifier = getattr(spec, "version_specifier", None)
    if spec.path is not None:
        return InterpreterSpec()
    return InterpreterSpec(
        numbers=(spec.major, spec.minor, spec.micro),
        accepts=specifier.contains if specifier is not None else None,
        implementation=(spec.implementation or "").lower(),
        freethreaded=bool(getattr(spec, "free_threaded", False)),
        debug=bool(getattr(spec, "debug", False)),
        bits=spec.architecture,
        machine=getattr(spec, "machine", None) or "",
    )
