"""What the code does not contain: no shell, no evaluation, no format that runs code when read, no unchecked TLS."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import provision

ROOT = Path(provision.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

_IMPORTS = {"pickle", "marshal", "shelve", "dill", "yaml", "code", "codeop", "runpy", "imp", "pty", "commands"}
# Read as a tree of nodes, of which no value is made: see `test_yaml_is_read_without_constructing_values`.
_NODES_ONLY = {("adopt/yaml_files.py", "yaml")}
_CALLS = {
    "eval", "exec", "os.system", "os.popen", "os.startfile", "subprocess.getoutput", "subprocess.getstatusoutput",
    "tempfile.mktemp", "os.tempnam", "asyncio.create_subprocess_shell", "ssl._create_unverified_context",
    "pickle.loads", "marshal.loads", "xml.etree.ElementTree.parse",
}  # fmt: skip
# Source that the module itself generates: an initialiser from the names of a class's fields, as dataclasses do.
_GENERATED = {("model/value.py", "exec")}
# Functions of Typer that take the name of a shell, for its completion.
_NAMED_SHELLS = {("cli/app.py", "get_completion_script"), ("cli/app.py", "install")}
_START_CALLS = ("subprocess.", "os.exec", "os.spawn", "os.posix_spawn", "os.fork")
# The modules that start processes, and which.
_STARTED = {
    "fetch/docker_config.py": "a credential helper of docker, for a registry that the user named",
    "host/execute.py": "the command of `provision run`",
    "install/forks.py": "itself, forked, to fetch and to make trees beside itself",
    "install/bytecode.py": "the tree's own interpreter, if asked to compile",
    "install/probe.py": "an interpreter that was just unpacked, once its hash was right",
    "pack/interpreter.py": "the Python that is packed, to inspect it, and the packed copy, to see that it runs",
    "pack/stage.py": "strip, on the copy that is packed",
    "review/libraries.py": "an interpreter that was probed before, for `diff --details`",
    "review/revisions.py": "git cat-file",
}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_executes_what_it_reads(path: Path) -> None:
    tree = ast.parse(path.read_bytes())
    module = path.relative_to(ROOT).as_posix()
    found = {name.partition(".")[0] for name in names(tree)} & _IMPORTS
    assert {(module, name) for name in found} <= _NODES_ONLY
    for name, call in calls(tree):
        if (path.relative_to(ROOT).as_posix(), name) not in _GENERATED:
            assert name not in _CALLS, f"{path}:{call.lineno}: {name}"
        for keyword in call.keywords:
            value = ast.unparse(keyword.value)
            if (path.relative_to(ROOT).as_posix(), name) not in _NAMED_SHELLS:
                assert keyword.arg != "shell", f"{path}:{call.lineno}: shell={value}"
            assert (keyword.arg, value) != ("verify", "False"), f"{path}:{call.lineno}"
            assert (keyword.arg, value) != ("check_hostname", "False"), f"{path}:{call.lineno}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"CERT_NONE", "CERT_OPTIONAL"}, f"{path}:{node.lineno}"


@pytest.mark.parametrize(("module", "name"), sorted(_NODES_ONLY))
def test_yaml_is_read_without_constructing_values(module: str, name: str) -> None:
    found = [call for called, call in calls(ast.parse((ROOT / module).read_bytes())) if called.startswith(f"{name}.")]
    assert [ast.unparse(call) for call in found] == ["yaml.compose(text, Loader=yaml.SafeLoader)"]


def test_processes_are_started_in_few_places() -> None:
    found = set()
    for path in MODULES:
        tree = ast.parse(path.read_bytes())
        if any(name.startswith(_START_CALLS) for name, _ in calls(tree)) or "subprocess" in set(names(tree)):
            found.add(path.relative_to(ROOT).as_posix())
    assert found == set(_STARTED)


def test_processes_are_started_with_lists_of_arguments_only() -> None:
    for path in MODULES:
        for name, call in calls(ast.parse(path.read_bytes())):
            if name in {"subprocess.run", "subprocess.Popen", "Popen"}:
                assert call.args, f"{path}:{call.lineno}"
                assert not isinstance(call.args[0], ast.Constant | ast.JoinedStr), f"{path}:{call.lineno}"


def test_only_predicates_of_paths_that_cannot_raise_are_used() -> None:
    """Before Python 3.14 the methods of `Path` raise for a directory of another user: see `provision.host.files`."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords:
                raising = {"exists", "is_file", "is_dir", "is_symlink", "is_mount", "is_junction"}
                assert node.func.attr not in raising or ast.unparse(node.func.value) == "os.path", (
                    f"{path}:{node.lineno}: {ast.unparse(node)}"
                )
