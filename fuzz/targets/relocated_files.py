"""Any file of a tree that the recipe edits: another text, soon, and the same again where it is edited twice."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from fuzz.laws import soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.relocate.recipe import is_local_direct_url, update_record
from provision.relocate.scripts import relocate_config_script, relocate_script
from provision.relocate.sysconfig import (
    relocate_build_details,
    relocate_makefile,
    relocate_pkgconfig,
    relocate_setup,
    relocate_shell_config,
    relocate_sysconfig_vars,
    relocate_sysconfigdata,
)
from tests.relocate.samples import BUILD, CONFIG, MAKEFILE, PKGCONFIG, STDLIB, SYSCONFIGDATA

_PIECES = [
    "/install", "/tools/deps", "/tools/deps/lib", "/tools/llvm/bin/", "/build/Python-3.13.5", "-I", "-L", "-isysroot ",
    "--sysroot=", "-Wl,-rpath,", "-fdebug-default-version=5", "'--with-openssl=", "'", '"', "=", " ", "\t", ",", ":",
    "prefix=", "CC=", "CONFIG_ARGS=", "clang", "x86_64-linux-gnu-gcc-12", "$(prefix)", "#!/bin/sh\n", "#!", "python3",
    "'''exec' ", "# Returns the actual prefix\ninstalled_prefix ()\n{\n", "\n}\n", '$(echo "', "build_time_vars = {",
    "{", "}", "[" * 300, '"base_prefix": "/install"', "toolchain", "exit_with_usage ()",
]  # fmt: skip
_EDITS = (
    (relocate_makefile, f"{CONFIG}/Makefile"),
    (relocate_pkgconfig, "lib/pkgconfig/python-3.13.pc"),
    (relocate_setup, f"{CONFIG}/Setup"),
    (relocate_shell_config, "lib/itclConfig.sh"),
    (relocate_config_script, "bin/python3-config"),
    (relocate_sysconfig_vars, f"{STDLIB}/_sysconfig_vars.json"),
    (relocate_build_details, f"{STDLIB}/build-details.json"),
)
_sound = st.sampled_from([MAKEFILE, PKGCONFIG, SYSCONFIGDATA]).map(str.encode)
_json = st.recursive(
    st.sampled_from(["/install", "/install/bin", "/tools/deps", 1, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["base_prefix", "CC", "a"]), inner),
).map(lambda value: json.dumps(value).encode())


def check(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with soon():
        for edit, path in _EDITS:
            edit(text, path, BUILD, CONFIG)
        edited = relocate_script(text, "bin/pip", frozenset({"python3"}), "python3")
        assert relocate_script(edited, "bin/pip", frozenset({"python3"}), "python3") == edited
        relocated = relocate_sysconfigdata(text, f"{STDLIB}/_sysconfigdata_.py", CONFIG)
        if relocated is not None:
            compile(relocated[0], "_sysconfigdata_.py", "exec")
        is_local_direct_url(text)
        update_record(text, f"{STDLIB}/site-packages/a-1.dist-info/RECORD", ["bin/pip"], {})


TARGET = Target(inputs=mutated(_sound | _json | documents(_PIECES, between="")), check=check)
