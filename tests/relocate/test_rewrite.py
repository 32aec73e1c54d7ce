"""Text of a build rewritten: its paths, its tools and its sysroot, and nothing that only looks like them."""

from __future__ import annotations

import pytest

from provision.relocate.rewrite import BuildPaths, PrefixRewriter, with_generic_tools, without_sysroot


@pytest.fixture
def rewriter() -> PrefixRewriter:
    return PrefixRewriter(
        BuildPaths(workdirs=("/build/Python-3.13.5",)), prefix="$(prefix)", config_directory="lib/python3.13/config"
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
def test_paths_of_the_build_become_paths_of_the_tree(rewriter: PrefixRewriter, text: str, expected: str) -> None:
    assert rewriter.rewrite(text) == expected


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
def test_texts_that_only_look_like_a_path_of_the_build_are_unchanged(rewriter: PrefixRewriter, text: str) -> None:
    assert rewriter.rewrite(text) == text


def test_a_compilers_variable_gets_a_generic_name_and_no_trailing_space(rewriter: PrefixRewriter) -> None:
    assert rewriter.rewrite_variable("LDSHARED", "clang -shared -L/tools/deps/lib") == "cc -shared"
    assert rewriter.rewrite_variable("LIBS", "-ldl ") == "-ldl "


def test_rewriting_twice_changes_nothing(rewriter: PrefixRewriter) -> None:
    once = rewriter.rewrite("-I/install/include /build/Python-3.13.5/x -L/tools/deps/lib -g")
    assert rewriter.rewrite(once) == once


def test_the_paths_of_a_build_are_its_prefix_and_the_directories_it_was_compiled_in() -> None:
    build = BuildPaths.from_variables(
        {"prefix": "/opt/py", "abs_builddir": "/b/release", "abs_srcdir": "/b/release/../Python-3.13.5", "CC": "gcc"}
    )
    assert build == BuildPaths(
        prefix="/opt/py", workdirs=("/b/release/../Python-3.13.5", "/b/Python-3.13.5", "/b/release")
    )


def test_a_build_without_its_own_prefix_has_that_of_pbs() -> None:
    assert BuildPaths.from_variables({}) == BuildPaths(prefix="/install")
    assert BuildPaths.from_variables({"prefix": "@PREFIX@", "abs_builddir": "@PREFIX@/lib"}) == BuildPaths(
        prefix="/install"
    )


@pytest.mark.parametrize("prefix", ["/", "/usr", "/usr/local", "/opt/local/"])
def test_a_prefix_that_other_software_shares_counts_as_none(prefix: str) -> None:
    assert BuildPaths.from_variables({"prefix": prefix, "abs_builddir": prefix}) == BuildPaths(prefix="/install")


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
def test_tools_have_the_names_that_every_machine_with_a_compiler_has(name: str, value: str, expected: str) -> None:
    assert with_generic_tools(name, value) == expected


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
def test_flags_and_words_that_point_into_the_sysroot_are_removed(text: str, expected: str) -> None:
    assert without_sysroot(text) == expected
