"""Owns `PYTHON.json` and the licence of a packed `full` archive, as far as an installation tells; PBS's format 8."""

from __future__ import annotations

import json
from pathlib import Path

from provision.model.asset import Asset
from provision.pack.interpreter import Interpreter


def python_json(interpreter: Interpreter, asset: Asset, stdlib: str) -> str:
    """What stands first in a full archive; what only a build knows (its objects, its extensions) is empty."""
    version = asset.version
    described = {
        "version": "8",
        "target_triple": str(asset.target),
        "build_options": str(asset.options),
        "python_tag": f"cp{version.major}{version.minor}",
        "python_version": str(version),
        "python_major_minor_version": version.series,
        "python_implementation_name": "cpython",
        "python_implementation_cache_tag": interpreter.cache_tag,
        "python_implementation_hex_version": interpreter.hexversion,
        "python_exe": f"install/bin/{interpreter.name}",
        "python_paths": {"stdlib": f"install/{stdlib}"},
        "python_config_vars": {
            name: interpreter.variables.get(name, "")
            for name in ("ABIFLAGS", "EXT_SUFFIX", "LDVERSION", "Py_DEBUG", "Py_GIL_DISABLED", "SOABI", "VERSION")
        },
        "python_extension_module_loading": ["builtin", "shared-library"],
        "libpython_link_mode": "shared" if interpreter.variables.get("Py_ENABLE_SHARED") == "1" else "static",
        "build_info": {"core": {}, "extensions": {}},
        "licenses": ["Python-2.0", "CNRI-Python"],
        "license_path": "licenses/LICENSE.cpython.txt",
    }
    return json.dumps(described, indent=4, sort_keys=True) + "\n"


def license_of(interpreter: Interpreter) -> Path | None:
    """CPython installs its licence into the standard library."""
    path = interpreter.stdlib / "LICENSE.txt"
    return path if path.is_file() else None
