from __future__ import annotations

import pytest

from provision.install.relocate.toolchain import generic, without_sysroot


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
