"""Reader of `noxfile.py`: the literals that sessions are decorated with.

The file is parsed, and never executed.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import Any

from provision.adopt.mention import LineError, Reading

_MAX_DEPTH = 20  # of lists made of names of lists


class _NotStaticError(Exception):
    """The value is known only when nox runs; this exception does not leave the module."""


def read_noxfile(text: str, reading: Reading) -> None:
    """The ``python`` of each ``@nox.session``, and of ``@nox.parametrize("python", …)``. Raises `ValueError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except SyntaxError as error:
        raise LineError(f"not valid Python: {error.msg}", error.lineno) from None
    except (RecursionError, MemoryError):
        raise ValueError("not valid Python: nested too deeply") from None
    names = _constants(module)
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for value in _pythons(node):
                _add(value, names, node.name, reading)


def _constants(module: ast.Module) -> dict[str, ast.expr]:
    """The values of module-level names; names that are assigned twice depend on what runs."""
    found: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for node in module.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                twice |= {target.id} & found.keys()
                found[target.id] = value
    return {name: value for name, value in found.items() if name not in twice}


def _pythons(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """The expressions that say which Pythons a session runs on."""
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        name = decorator.func.attr if isinstance(decorator.func, ast.Attribute) else getattr(decorator.func, "id", "")
        arguments = decorator.args
        if name == "session":
            yield from (keyword.value for keyword in decorator.keywords if keyword.arg in {"python", "py"})
        elif name == "parametrize" and len(arguments) > 1 and _is_python(arguments[0]):
            yield arguments[1]


def _is_python(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "python"


def _add(node: ast.expr, names: dict[str, ast.expr], session: str, reading: Reading) -> None:
    try:
        value = _value(node, names, _MAX_DEPTH)
    except (_NotStaticError, RecursionError):
        reading.not_static(f"session {session}", ast.unparse(node)[:80], node.lineno)
        return
    for version in value if isinstance(value, list) else [value]:
        if isinstance(version, str):  # `False` and `None` mean the Python that runs nox
            reading.add(version, "tested", key=f"session {session}", line=node.lineno)


def _value(node: ast.expr, names: dict[str, ast.expr], depth: int) -> Any:
    """The value of literals, names, sums, elements and slices of lists; raises `_NotStaticError` for all others."""
    if depth == 0:
        raise _NotStaticError
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple() | ast.Set():
            items: list[Any] = []
            for element in node.elts[:1000]:
                inner = element.value if isinstance(element, ast.Starred) else element
                value = _value(inner, names, depth - 1)
                items += _as_list(value) if isinstance(element, ast.Starred) else [value]
            return items[:1000]
        case ast.Name() if node.id in names:
            return _value(names[node.id], names, depth - 1)
        case ast.BinOp(op=ast.Add()):
            joined = _as_list(_value(node.left, names, depth - 1)) + _as_list(_value(node.right, names, depth - 1))
            return joined[:1000]
        case ast.Subscript():
            try:
                return _as_list(_value(node.value, names, depth - 1))[_index(node.slice)]
            except (IndexError, TypeError, ValueError):
                raise _NotStaticError from None
    raise _NotStaticError


def _as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _NotStaticError
    return value


def _index(node: ast.expr) -> Any:
    if isinstance(node, ast.Slice):
        return slice(
            *(None if part is None else ast.literal_eval(part) for part in (node.lower, node.upper, node.step))
        )
    return ast.literal_eval(node)
