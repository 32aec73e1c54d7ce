"""Small files in the form of builds, in PBS's wording of several years, and a tree made from them."""

from __future__ import annotations

from pathlib import Path

from provision.model.asset import Asset, BuildOptions, Digest, Flavor
from provision.model.target import Target
from provision.model.tree import TreeEntry
from provision.model.version import Version
from provision.relocate.rewrite import BuildPaths
from provision.store.hashing import scan_tree

STDLIB = "lib/python3.13"
CONFIG = f"{STDLIB}/config-3.13-x86_64-linux-gnu"
BUILD = BuildPaths(workdirs=("/build/Python-3.13.5",))

SYSCONFIGDATA = """\
# system configuration generated and used by the sysconfig module
build_time_vars = {
    "AR": "/tools/llvm/bin/llvm-ar",
    "BINDIR": "/install/bin",
    "CC": "clang -pthread",
    "CFLAGS": "-O3 -I/tools/deps/include -I/tools/deps/include/ncursesw -Wall",
    "CONFIG_ARGS": "'--prefix=/install' '--with-openssl=/tools/deps' 'CC=clang' 'LDFLAGS=-L/tools/deps/lib -lm'",
    "CXX": "clang++ -pthread",
    "HAVE_FORK": 1,
    "INCLUDEPY": "/install/include/python3.13",
    "LDSHARED": "clang -pthread -shared -L/tools/deps/lib",
    "LIBDIR": "/install/lib",
    "RUNSHARED": "LD_LIBRARY_PATH=/build/Python-3.13.5",
    "VERSION": "3.13",
    "abs_builddir": "/build/Python-3.13.5",
    "prefix": "/install"
}"""

MAKEFILE = """\
VERSION=\t3.13
abs_builddir=\t/build/Python-3.13.5
CC=\t\tclang -pthread
LDSHARED=\t$(CC) -shared $(PY_LDFLAGS)
CONFIGURE_LDFLAGS=\t-L/tools/deps/lib -Wl,--exclude-libs,ALL
INSTALL=\t/usr/bin/install -c
prefix=\t\t/install
exec_prefix=\t${prefix}
LIBDIR=\t\t${exec_prefix}/lib
LIBPL=\t\t$(prefix)/lib/python3.13/config-3.13-x86_64-linux-gnu
CONFIG_ARGS=\t '--prefix=/install' '--with-openssl=/tools/deps'
libinstall:
\t$(INSTALL) $(srcdir)/install-sh $(DESTDIR)$(LIBPL)/install-sh
"""

PKGCONFIG = """\
# See: man pkg-config
prefix=/install
exec_prefix=${prefix}
libdir=${exec_prefix}/lib
includedir=${prefix}/include

Name: Python
Description: Embed Python into an application
Version: 3.13
Libs.private: -L/tools/deps/lib -ldl
Libs: -L${libdir} -lpython3.13
Cflags: -I${includedir}/python3.13
"""

CONFIG_SCRIPT = """\
#!/bin/sh

exit_with_usage ()
{
    exit $1
}

# Returns the actual prefix where this script was installed to.
installed_prefix ()
{
    RESULT=$(dirname $(cd $(dirname "$1") && pwd -P))
    echo $RESULT
}

prefix_real=$(installed_prefix "$0")

# Use sed to fix paths from their built-to locations to their installed-to
# locations.
prefix="/install"
exec_prefix="${prefix}"
exec_prefix_real=${prefix_real}
includedir=$(echo "${prefix}/include" | sed "s#$prefix#$prefix_real#")
libdir=$(echo "/install/lib" | sed "s#$prefix#$prefix_real#")
CFLAGS=$(echo "-I/tools/deps/include -O3" | sed "s#$prefix#$prefix_real#")
for ARG in "$@"
do
    case "$ARG" in
        --prefix) echo "$prefix_real" ;;
        --includes) echo "-I$includedir" ;;
        --libs) echo "-L$libdir" ;;
        --cflags) echo "$CFLAGS" ;;
    esac
done
"""

SCRIPT = "#!/install/bin/python3.13\nimport sys\nprint(sys.argv)\n"

DETAILS = """\
{
  "schema_version": "1.0",
  "base_prefix": "/install",
  "base_interpreter": "/install/bin/python3.14",
  "suffixes": {"source": [".py"]},
  "libpython": {"dynamic": "/install/lib/libpython3.14.so", "link_extensions": false},
  "c_api": {"headers": "/install/include/python3.14", "pkgconfig_path": "/install/lib/pkgconfig"}
}
"""

FILES = {
    f"{STDLIB}/os.py": "",
    f"{STDLIB}/_sysconfigdata__linux_x86_64-linux-gnu.py": SYSCONFIGDATA,
    f"{STDLIB}/_sysconfig_vars__linux_x86_64-linux-gnu.json": '{"LIBDIR": "/install/lib", "userbase": "/root/.local"}',
    f"{STDLIB}/build-details.json": DETAILS,
    f"{STDLIB}/__pycache__/os.cpython-313.pyc": "stale",
    f"{STDLIB}/site-packages/pip-25.1.dist-info/RECORD": (
        "../../../bin/pip3,sha256=old,3\n"
        "pip-25.1.dist-info/RECORD,,\n"
        "pip-25.1.dist-info/direct_url.json,sha256=old,3\n"
        "pip/__init__.py,sha256=kept,1\n"
    ),
    f"{STDLIB}/site-packages/pip-25.1.dist-info/direct_url.json": '{"url": "file:///build/pip.whl"}',
    f"{CONFIG}/Makefile": MAKEFILE,
    f"{CONFIG}/Setup.local": "_bz2 _bz2module.c -I/tools/deps/include -L/tools/deps/lib -lbz2\n",
    f"{CONFIG}/python-config.py": SCRIPT,
    "lib/pkgconfig/python-3.13-embed.pc": PKGCONFIG,
    "lib/itcl4.3/itclConfig.sh": "itcl_LIB_SPEC='-L/tools/deps/lib/itcl4.3 -litcl4.3'\n",
}
EXECUTABLES = {"bin/python3.13": "\x7fELF", "bin/pip3": SCRIPT, "bin/python3.13-config": CONFIG_SCRIPT}


def make_tree(root: Path) -> dict[str, TreeEntry]:
    """A tree with one file of each kind that the recipe edits."""
    for files, mode in ((FILES, 0o644), (EXECUTABLES, 0o755)):
        for path, text in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
            file.chmod(mode)
    return scan_tree(root)


def asset(
    *,
    options: str = "",
    target: str = "linux-x86_64",
    version: str = "3.13.5",
    build: str = "20261101",
    implementation: str = "cpython",
    flavor: Flavor = "install_only_stripped",
) -> Asset:
    return Asset(
        implementation=implementation,
        version=Version.parse(version),
        build=build,
        target=Target.parse(target),
        options=BuildOptions.parse(options),
        flavor=flavor,
        url="https://example.org/an-archive.tar.gz",
        sha256=Digest("0" * 64),
    )
