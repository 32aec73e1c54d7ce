"""Owns the trial of a packed interpreter: started from another place, and watched for what it takes from its origin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provision.errors import IntegrityError, ProvisionError
from provision.model.asset import Asset
from provision.pack.interpreter import Interpreter

# Imports every extension module there is, then tells what is in memory (on Linux) and where things were found.
_QUESTIONS = """\
import importlib, json, os, sys, sysconfig, warnings
warnings.simplefilter('ignore')
failed = {}
dynload = next((path for path in sys.path if path.endswith('lib-dynload')), None)
names = sorted({name.split('.')[0] for name in os.listdir(dynload)}) if dynload and os.path.isdir(dynload) else []
for name in names:
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed[name] = str(error)
try:
    with open('/proc/self/maps') as maps:
        mapped = sorted({line.split(None, 5)[5].strip() for line in maps if ' /' in line})
except OSError:
    mapped = []
json.dump({
    'prefix': sys.prefix, 'stdlib': os.path.dirname(os.__file__), 'path': sys.path, 'mapped': mapped, 'failed': failed,
    'variables': [str(value) for value in sysconfig.get_config_vars().values()],
}, sys.stdout)
"""
_TIMEOUT = 120


def prove(tree: Path, asset: Asset, interpreter: Interpreter) -> tuple[str, ...]:
    """Run the relocated copy in ``tree``, whose original is still there, and say what of it the copy uses.

    One that does not run at all is a finding, too: it may yet run where what it lacks is there.
    """
    from provision.install.probe import probe

    try:
        probe(tree, asset)
        answers = _ask(tree, asset)
    except ProvisionError as error:
        return (error.message,)
    return tuple(_findings(answers, tree.resolve(), interpreter))


def _ask(tree: Path, asset: Asset) -> dict[str, Any]:
    import json
    import subprocess

    from provision.store.layout import executable

    done = subprocess.run(
        [str(executable(tree, asset)), "-I", "-B", "-c", _QUESTIONS],
        capture_output=True,
        check=False,
        env={},
        timeout=_TIMEOUT,
    )
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise IntegrityError(f"it breaks when its extension modules are imported: {last or done.returncode}")
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def _findings(answers: dict[str, Any], tree: Path, interpreter: Interpreter) -> Iterator[str]:
    for name, reason in answers["failed"].items():
        yield f"the module {name} cannot be imported: {reason}"
    for what in ("prefix", "stdlib"):
        if not Path(answers[what]).resolve().is_relative_to(tree):
            yield f"its {what} is {answers[what]}, outside of its own tree"
    origin = (f"{interpreter.stdlib}/", f"{interpreter.platstdlib}/")
    for place in answers["path"]:
        if place.startswith(origin):
            yield f"it imports from {place}, where it was packed from"
    shared = Path(interpreter.variables.get("LIBDIR", "")) / interpreter.variables.get("INSTSONAME", "libpython")
    for place in answers["mapped"]:
        own = Path(place).resolve().is_relative_to(tree)
        if not own and (place.startswith(_private(interpreter)) or place == str(shared)):
            yield f"it loads {place}, where it was packed from"


def _private(interpreter: Interpreter) -> tuple[str, ...]:
    """Where only this Python's files are; below a prefix such as /usr, only its standard library."""
    from provision.relocate.rewrite import SHARED

    prefix = str(interpreter.prefix)
    return (f"{interpreter.stdlib}/",) if prefix in SHARED else (f"{prefix}/",)
