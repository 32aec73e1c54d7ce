"""The recipe on real interpreters: trees work under two prefixes, and after they were moved."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from provision.model.tree import TreeOptions, tree_digest
from provision.model.value import replace
from provision.relocate.recipe import PIP_SETTINGS_TEXT
from provision.store.hashing import compare_tree, scan_tree
from tests.support.interpreters import Installed, install

# This machine's Pythons must not help, and the trees are shared by tests.
ENVIRON = {"PATH": os.environ["PATH"], "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


def run(
    *command: str | Path, cwd: Path | None = None, environ: Mapping[str, str] | None = None, **variables: str
) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**(environ or {}), **ENVIRON, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _bytecode_outside_of_the_trees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trees are shared by tests and must not change; without any bytecode, pip takes seconds to start."""
    ENVIRON["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("bytecode"))
    yield
    del ENVIRON["PYTHONPYCACHEPREFIX"]


@pytest.fixture(scope="module")
def moved(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A tree that was renamed after it was installed."""
    directory = tmp_path_factory.mktemp("elsewhere")
    before = install(archive, directory / "before")
    return replace(before, tree=before.tree.rename(directory / "after"))


@pytest.fixture(scope="module")
def spaced(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A tree under another home, whose path has spaces in it."""
    return install(archive, tmp_path_factory.mktemp("home") / "a home with spaces" / "tree")


@pytest.fixture(scope="module", params=["one prefix", "another prefix", "moved"])
def installed(request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The interpreter unchanged, installed again elsewhere, and moved from where it was installed."""
    if request.param == "another prefix":
        return install(archive, tmp_path_factory.mktemp("another") / "a" / "deeper" / "directory")
    found: Installed = request.getfixturevalue("moved" if request.param == "moved" else "interpreter")
    return found


def test_all_extension_modules_import(installed: Installed) -> None:
    script = (
        "import importlib, os, sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "dynload = next(path for path in sys.path if path.endswith('lib-dynload'))\n"
        "names = sorted({name.split('.')[0] for name in os.listdir(dynload)} | set(sys.builtin_module_names))\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names))\n"
    )
    assert int(run(installed.python, "-IB", "-c", script)) > 60


def test_sysconfig_returns_only_paths_of_the_tree(installed: Installed) -> None:
    script = "import json, sysconfig; print(json.dumps([sysconfig.get_paths(), sysconfig.get_config_vars()]))"
    paths, variables = json.loads(run(installed.python, "-IB", "-c", script))

    names = ("prefix", "exec_prefix", "LIBDIR", "INCLUDEPY", "BINDIR", "LIBPL", "DESTSHARED", "datarootdir")
    for name, path in (paths | {name: variables[name] for name in names}).items():
        assert Path(path).is_relative_to(installed.tree), name
    assert Path(variables["INCLUDEPY"], "Python.h").is_file()
    assert Path(variables["LIBPL"], "Makefile").is_file()
    assert f"--prefix={installed.tree}'" in variables["CONFIG_ARGS"]
    assert shlex.split(variables["CC"])[0] == "cc"
    assert shlex.split(variables["LDSHARED"])[0] == "cc"
    assert variables["AR"] == "ar"


def test_a_virtual_environment_works_and_finds_its_base(installed: Installed, tmp_path: Path) -> None:
    run(installed.python, "-m", "venv", "--without-pip", tmp_path / "venv")
    script = (
        "import json, sys, sysconfig; v = sysconfig.get_config_var;"
        "print(json.dumps([sys.prefix, sys.base_prefix, v('INCLUDEPY'), v('LIBDIR'), sysconfig.get_path('purelib')]))"
    )
    prefix, base, include, libraries, site = json.loads(run(tmp_path / "venv/bin/python", "-IB", "-c", script))
    assert (prefix, base) == (str(tmp_path / "venv"), str(installed.tree))
    assert include.startswith(f"{base}/include/")
    assert libraries.startswith(f"{base}/lib")
    assert site.startswith(f"{prefix}/lib/")


@needs_compiler
def test_a_c_extension_builds_with_sysconfigs_variables(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "spam.c").write_text(EXTENSION)
    names = ("CC", "CFLAGS", "CCSHARED", "LDSHARED", "EXT_SUFFIX", "INCLUDEPY")
    script = f"import json, sysconfig; print(json.dumps(sysconfig.get_config_vars(*{names})))"
    cc, cflags, ccshared, ldshared, suffix, include = json.loads(run(installed.python, "-IB", "-c", script))

    flags = [*shlex.split(cflags), *shlex.split(ccshared), "-I", include]
    run(*shlex.split(cc), *flags, "-c", "spam.c", "-o", "spam.o", cwd=tmp_path)
    run(*shlex.split(ldshared), "spam.o", "-o", f"spam{suffix}", cwd=tmp_path)

    assert run(installed.python, "-c", "import spam; print(spam.answer())", cwd=tmp_path) == "42\n"


@needs_compiler
def test_a_c_program_embeds_python_through_python3_config(installed: Installed, tmp_path: Path) -> None:
    config = installed.tree / "bin" / "python3-config"
    options = ["--cflags", "--ldflags", "--embed"]
    flags = shlex.split(run(config, *options))
    (tmp_path / "embed.c").write_text(EMBEDDING)
    libraries = installed.tree / "lib"
    run("cc", "embed.c", "-o", "embed", *flags, f"-Wl,-rpath,{libraries}", cwd=tmp_path)

    done = run(tmp_path / "embed", PYTHONHOME=str(installed.tree))
    assert done == f"{installed.tree} {installed.asset.version}\n"


@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="needs pkg-config")
def test_pkg_config_finds_the_headers(installed: Installed) -> None:
    folder = next(path.parent for path in installed.tree.glob("lib/**/python3-embed.pc"))  # Debian: one level deeper
    cflags = run("pkg-config", "--cflags", "python3-embed", PKG_CONFIG_PATH=str(folder)).strip()
    include = Path(cflags.removeprefix("-I")).resolve()
    assert include == installed.tree / "include" / f"python{installed.name}"
    assert (include / "Python.h").is_file()


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_finds_the_prefix_from_the_path_of_the_makefile(installed: Installed, tmp_path: Path) -> None:
    makefile = next(installed.tree.glob("lib/python*/config-*/Makefile"))
    user = tmp_path / "Makefile"
    user.write_text(f"include {makefile}\n.PHONY: show\nshow:\n\t@echo $(LIBPL) $(CC)\n")
    libpl, cc, *_ = run("make", "-s", "-f", user, "show").split()
    assert Path(libpl) == makefile.parent
    assert cc == "cc"


def test_pip_installs_a_pure_wheel_but_not_into_the_tree_itself(moved: Installed, tmp_path: Path) -> None:
    pip, wheel = moved.tree / "bin" / "pip3", write_wheel(tmp_path)
    needs_pip(moved)
    run(pip, "install", "--no-index", "--target", tmp_path / "site", wheel)
    assert run(moved.python, "-c", HELLO, PYTHONPATH=str(tmp_path / "site")) == "hi\n"

    done = subprocess.run(
        [pip, "install", "--no-index", wheel],
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "externally-managed-environment" in done.stderr
    assert "managed by provision" in done.stderr


@pytest.mark.slow
def test_the_settings_for_an_old_pip_refuse_packages_in_the_tree_and_nowhere_else(
    archive: Path, tmp_path: Path
) -> None:
    """Today's pip obeys the same settings in the same file."""
    found = install(archive, tmp_path / "tree", TreeOptions(externally_managed=False))
    needs_pip(found)
    (found.tree / "pip.conf").write_text(PIP_SETTINGS_TEXT)
    wheel = write_wheel(tmp_path)
    for command in (["install", "--no-index", wheel], ["uninstall", "-y", "pip"]):
        done = subprocess.run(
            [found.tree / "bin/pip3", *command], env=ENVIRON, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "activated virtualenv (required)" in done.stderr) == (3, True), done.stderr

    run(found.python, "-m", "venv", tmp_path / "environment")
    run(tmp_path / "environment/bin/pip", "install", "--no-index", wheel)
    assert run(tmp_path / "environment/bin/python", "-c", HELLO) == "hi\n"


def test_scripts_work_through_links_and_with_spaces_in_the_path(spaced: Installed, tmp_path: Path) -> None:
    scripts, series = spaced.tree / "bin", spaced.asset.version.series
    for script in (f"pydoc{series}", "python3-config"):
        (tmp_path / script).symlink_to(scripts / script)

    for way in (scripts, tmp_path):
        assert "class object" in run(way / f"pydoc{series}", "object", cwd=tmp_path)
        assert run(way / "python3-config", "--prefix") == f"{spaced.tree}\n"
        assert run(way / "python3-config", "--includes").startswith(f"-I{spaced.tree}/include/python")


def test_no_text_names_the_build_or_the_store(interpreter: Installed) -> None:
    foreign = foreign_paths(interpreter)
    for path, entry in interpreter.entries.items():
        if entry.kind != "file":
            continue
        content = (interpreter.tree / path).read_bytes()
        if b"\0" not in content[:8192]:
            assert foreign.findall(content) == [], path


def test_two_installs_are_equal_and_every_file_has_an_entry(interpreter: Installed, spaced: Installed) -> None:
    assert spaced.entries == interpreter.entries
    assert tree_digest(spaced.entries) == tree_digest(scan_tree(spaced.tree))
    assert compare_tree(scan_tree(spaced.tree), spaced.entries) == ()


@pytest.mark.slow
@needs_compiler
def test_pip_installs_wheels_and_builds_extensions_in_a_virtual_environment(
    installed: Installed, tmp_path: Path
) -> None:
    """With typical versions: ensurepip's pip, and setuptools from the index."""
    source = tmp_path / "spam"
    source.mkdir()
    (source / "spam.c").write_text(EXTENSION)
    (source / "setup.py").write_text(
        "from setuptools import Extension, setup\n"
        "setup(name='spam', version='1', ext_modules=[Extension('spam', ['spam.c'])])\n"
    )
    needs_pip(installed)
    run(installed.python, "-m", "venv", tmp_path / "venv")
    pip = tmp_path / "venv" / "bin" / "pip"
    # The caller's environment and pip's own files under HOME say how the index is reached.
    run(pip, "install", source, write_wheel(tmp_path), environ=dict(os.environ))
    assert run(tmp_path / "venv" / "bin" / "python", "-c", f"import spam; print(spam.answer()); {HELLO}") == "42\nhi\n"


def needs_pip(installed: Installed) -> None:
    if "bin/pip3" not in installed.entries:
        pytest.skip("packed from an installation without pip, as Debian's is")


def foreign_paths(interpreter: Installed) -> re.Pattern[bytes]:
    """Whole paths of PBS's builds and of this tree; packed ones also contain no path of their origin."""
    paths: Sequence[str] = ("/install", "/tools/deps", "/tmp/build", "/tmp/python-build", str(interpreter.tree))
    whole = "|".join(map(re.escape, paths))
    return re.compile(rf"(?:(?<![\w./@)}}~+:-])|(?<=-[LI]))(?:{whole})(?![\w+-])".encode())


def write_wheel(folder: Path) -> Path:
    wheel = folder / "hello-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("hello.py", "WORD = 'hi'\n")
        packed.writestr("hello-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: hello\nVersion: 1\n")
        packed.writestr(
            "hello-1.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(
            "hello-1.dist-info/RECORD", "hello.py,,\nhello-1.dist-info/METADATA,,\nhello-1.dist-info/WHEEL,,\n"
        )
    return wheel


HELLO = "import hello; print(hello.WORD)"

EXTENSION = """\
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "spam", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_spam(void) { return PyModuleDef_Init(&module); }
"""

EMBEDDING = """\
#include <Python.h>
int main(void)
{
    Py_Initialize();
    int failed = PyRun_SimpleString("import sys; print(sys.prefix, '%d.%d.%d' % sys.version_info[:3])");
    return Py_FinalizeEx() || failed;
}
"""
