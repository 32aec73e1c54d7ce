""" """

from __future__ import annotations

import pytest

from provision.relocate.rewrite import BuildPaths, PrefixRewriter, generic, without_sysroot

# FOLD tests.relocate.test_rewrite


@pytest.fixture
def mender() -> PrefixRewriter:
    return PrefixRewriter(
        BuildPaths(workdirs=("/build/Python-3.13.5",)), prefix="$(prefix)", config="lib/python3.13/config"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/install", "$(prefix)"),
        ("/install/lib /install/bin", "$(prefix)/lib $(prefix)/bin"),
        ("'--prefix=/install'", "'--prefix=$(prefix)'"),
        ("-L/install/lib -Wl,-rpath,/install/lib", "-L$(prefix)/lib -Wl,-rpath,$(prefix)/lib"),
        ("./install/lib/os.py", ".$(prefix)/lib/os.py"),
        ("a\n/install/x\nb", "a\n$(prefix)/x\nb"),
        ("LD_LIBRARY_PATH=/build/Python-3.13.5 ./python", "LD_LIBRARY_PATH=$(prefix)/lib/python3.13/config ./python"),
    ],
)
def test_paths_of_the_build_become_paths_of_the_tree(mender: PrefixRewriter, text: str, expected: str) -> None:
    assert mender.text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "/usr/bin/install -c",
        "$(srcdir)/install-sh $(DESTDIR)$(LIBPL)/install-sh",
        "pip/_internal/operations/install/wheel.py",
        "../install",
        "/installer /install-only",
        "/build/Python-3.13.55",
        "",
    ],
)
def test_what_only_looks_like_it_stays(mender: PrefixRewriter, text: str) -> None:
    assert mender.text(text) == text


def test_a_variable_of_compilers_is_made_generic_and_left_without_loose_ends(mender: PrefixRewriter) -> None:
    assert mender.variable("LDSHARED", "clang -shared -L/tools/deps/lib") == "cc -shared"
    assert mender.variable("LIBS", "-ldl ") == "-ldl "


def test_mending_twice_changes_nothing(mender: PrefixRewriter) -> None:
    once = mender.text("-I/install/include /build/Python-3.13.5/x -L/tools/deps/lib -g")
    assert mender.text(once) == once


# FOLD tests.relocate.test_rewrite


def test_a_build_tells_its_prefix_and_where_it_was_compiled() -> None:
    origin = BuildPaths.of(
        {"prefix": "/opt/py", "abs_builddir": "/b/release", "abs_srcdir": "/b/release/../Python-3.13.5", "CC": "gcc"}
    )
    assert origin == BuildPaths(
        prefix="/opt/py", workdirs=("/b/release/../Python-3.13.5", "/b/Python-3.13.5", "/b/release")
    )


def test_without_a_prefix_of_its_own_a_build_is_taken_for_one_of_pbs() -> None:
    assert BuildPaths.of({}) == BuildPaths(prefix="/install")
    assert BuildPaths.of({"prefix": "@PREFIX@", "abs_builddir": "@PREFIX@/lib"}) == BuildPaths(prefix="/install")


@pytest.mark.parametrize("prefix", ["/", "/usr", "/usr/local", "/opt/local/"])
def test_a_prefix_that_others_share_is_no_mark_of_this_python(prefix: str) -> None:
    assert BuildPaths.of({"prefix": prefix, "abs_builddir": prefix}) == BuildPaths(prefix="/install")


# FOLD tests.relocate.test_rewrite


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CC", "clang", "cc"),
        ("CC", "clang -pthread", "cc -pthread"),
        ("CC", "/usr/bin/s390x-linux-gnu-gcc -pthread", "cc -pthread"),
        ("CC", "x86_64-linux-gnu-gcc-12", "cc"),
        ("CC", "musl-clang", "cc"),
        ("CC", "gcc", "cc"),
        ("CXX", "clang++ -pthread", "c++ -pthread"),
        ("CXX", "/usr/bin/arm-linux-gnueabihf-g++", "c++"),
        ("CPP", "clang -E", "cc -E"),
        ("LDSHARED", "clang  -shared -Wl,-rpath,gcc/lib", "cc  -shared -Wl,-rpath,gcc/lib"),
        ("AR", "/tools/llvm/bin/llvm-ar", "ar"),
        ("AR", "x86_64-linux-gnu-gcc-ar", "ar"),
        ("RANLIB", "llvm-ranlib-17", "ranlib"),
        ("CC", "my-wrapper gcc", "my-wrapper cc"),
        ("CC", "icx", "icx"),
        ("CONFIG_ARGS", "'CC=clang' 'CFLAGS=-O2' 'AR=/tools/llvm/bin/llvm-ar'", "'CC=cc' 'CFLAGS=-O2' 'AR=ar'"),
        ("LIBS", "-lgcc clang", "-lgcc clang"),
    ],
)
def test_compilers_are_those_every_machine_with_a_compiler_has(name: str, value: str, expected: str) -> None:
    assert generic(name, value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-O3 -I/tools/deps/include -Wall", "-O3 -Wall"),
        ("-isystem /tools/deps/linux-uapi/usr/include -I. -L/tools/deps/lib", "-I. "),
        ("-bundle -isysroot /Applications/Xcode_15.2.app/SDKs/MacOSX14.2.sdk -g", "-bundle -g"),
        ("--sysroot=/sdk -g", "-g"),
        ("-L/private/var/folders/x/T/tmpab/tools/deps/lib -lz", "-lz"),
        ("-g -fdebug-default-version=4 -O2", "-g -O2"),
        ("/tools/llvm/bin/llvm-profdata merge -output=code.profclangd", "llvm-profdata merge -output=code.profclangd"),
        ("'--with-openssl=/tools/deps' '--with-lto'", "'--with-lto'"),
        ("'LDFLAGS=-L/tools/deps/lib -lm'", "'LDFLAGS=-lm'"),
        ("PKG_CONFIG_PATH=/tools/deps/share/pkgconfig:/tools/deps/lib", "PKG_CONFIG_PATH="),
        ("-I/home/me/tools/include -L/opt/tools/lib", "-I/home/me/tools/include -L/opt/tools/lib"),
        ("Doc/tools/extensions/pyspecific.py", "Doc/tools/extensions/pyspecific.py"),
    ],
)
def test_what_points_into_the_builds_sysroot_goes(text: str, expected: str) -> None:
    assert without_sysroot(text) == expected
