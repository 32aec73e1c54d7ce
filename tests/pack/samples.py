"""Installations without a Python: programs that print what an interpreter would, and the files around them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from provision.pack.interpreter import Interpreter, inspect_interpreter


def answers(prefix: Path, **changes: Any) -> dict[str, Any]:
    """What a 3.12 in ``prefix`` answers when it is inspected."""
    stdlib = prefix / "lib" / "python3.12"
    return {
        "implementation": "cpython",
        "version": "3.12.1",
        "abiflags": "",
        "platform": "linux",
        "machine": "x86_64",
        "prefix": str(prefix),
        "executable": str(prefix / "bin" / "python3.12"),
        "paths": {
            "stdlib": str(stdlib),
            "platstdlib": str(stdlib),
            "purelib": str(stdlib / "site-packages"),
            "include": str(prefix / "include" / "python3.12"),
        },
        "variables": {"LIBDIR": str(prefix / "lib"), "LIBPC": str(prefix / "lib" / "pkgconfig"), "VERSION": "3.12"},
        "tag": "cpython-312",
        "hexversion": "0x30c01f0",
    } | changes


def make_program(prefix: Path, answered: dict[str, Any]) -> Path:
    """A program in ``prefix`` that prints these answers, whatever its arguments."""
    program = prefix / "bin" / "python3"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(answered)}\nEND\n")
    program.chmod(0o755)
    return program


def make_installation(prefix: Path, **changes: Any) -> Interpreter:
    """A prefix with a few files of each kind, some of which do not belong to the interpreter."""
    files = {
        "bin/python3.12": "\x7fELF",
        "bin/pip3.12": f"#!{prefix}/bin/python3.12\nimport pip\n",
        "bin/pydoc3.12": f"#!{prefix}/bin/python3.12\nimport pydoc\n",
        "bin/python3.12-config": f'#!/bin/sh\nprefix="{prefix}"\n',
        "bin/black": f"#!{prefix}/bin/python3.12\n",
        "include/python3.12/Python.h": "",
        "lib/libpython3.12.so.1.0": "\x7fELF",
        "lib/libpython3.12.a": "",
        "lib/libssl.so": "",
        "lib/pkgconfig/python-3.12.pc": f"prefix={prefix}\n",
        "lib/pkgconfig/openssl.pc": f"prefix={prefix}\n",
        "lib/python3.12/os.py": "",
        "lib/python3.12/LICENSE.txt": "PSF\n",
        "lib/python3.12/sitecustomize.py": "",
        "lib/python3.12/EXTERNALLY-MANAGED": "",
        "lib/python3.12/__pycache__/os.cpython-312.pyc": "",
        "lib/python3.12/_sysconfigdata__linux_x86_64-linux-gnu.py": f"build_time_vars = {{'prefix': '{prefix}'}}\n",
        "lib/python3.12/config-3.12-x86_64-linux-gnu/Makefile": f"prefix=\t{prefix}\n",
        "lib/python3.12/config-3.12-x86_64-linux-gnu/libpython3.12.a": "",
        "lib/python3.12/lib-dynload/_testcapi.so": "",
        "lib/python3.12/test/test_os.py": "",
        "lib/python3.12/tkinter/test/support.py": "",
        "lib/python3.12/site-packages/README.txt": "",
        "lib/python3.12/site-packages/numpy/__init__.py": "",
        "lib/python3.12/site-packages/a.pth": "import os\n",
        "lib/python3.12/site-packages/pip/__init__.py": "",
        "lib/python3.12/site-packages/pip/stray.py": "",
        "lib/python3.12/site-packages/pip-25.dist-info/RECORD": (
            "../../../bin/pip3.12,sha256=x,1\npip/__init__.py,sha256=x,0\npip/__pycache__/__init__.cpython-312.pyc,,\n"
            "pip-25.dist-info/RECORD,,\n"
        ),
        "share/man/man1/python3.12.1": "",
        "share/doc/other": "",
    }
    for name, text in files.items():
        file = prefix / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755 if name.startswith("bin/") else 0o644)
    (prefix / "lib" / "libpython3.12.so").symlink_to("libpython3.12.so.1.0")
    (prefix / "bin" / "pydoc3").symlink_to("pydoc3.12")
    (prefix / "lib" / "pkgconfig" / "python3.pc").symlink_to("python-3.12.pc")
    answered = answers(prefix, **changes)
    names = {"INSTSONAME": "libpython3.12.so.1.0", "LDLIBRARY": "libpython3.12.so", "LIBRARY": "libpython3.12.a"}
    answered["variables"] = answered["variables"] | names
    return inspect_interpreter(make_program(prefix, answered))


def elf_header(machine: int, *, bits: int = 64, flags: int = 0, loader: str = "/lib/ld-linux.so") -> bytes:
    """A program of one segment, which names its loader."""
    ident = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9)
    text = loader.encode() + b"\0"
    if bits == 64:
        header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, flags, 64, 56, 1, 0, 0, 0)
        segment = struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(text), len(text), 1)
    else:
        header = struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, 0, 52, 0, flags, 52, 32, 1, 0, 0, 0)
        segment = struct.pack("<IIIIIIII", 3, 84, 0, 0, len(text), len(text), 4, 1)
    return ident + header + segment + text
