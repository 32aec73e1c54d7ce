from __future__ import annotations

import json

from provision.install.relocate.details import relocate_details, relocate_variables
from tests.relocate.samples import CONFIG, DETAILS, ORIGIN, STDLIB

DETAILS_PATH = f"{STDLIB}/build-details.json"
VARIABLES_PATH = f"{STDLIB}/_sysconfig_vars__linux_x86_64-linux-gnu.json"


def test_build_details_are_relative_as_pep_739_permits() -> None:
    assert json.loads(relocate_details(DETAILS, DETAILS_PATH, ORIGIN, CONFIG)) == {
        "schema_version": "1.0",
        "base_prefix": "../..",
        "base_interpreter": "./bin/python3.14",
        "suffixes": {"source": [".py"]},
        "libpython": {"dynamic": "./lib/libpython3.14.so", "link_extensions": False},
        "c_api": {"headers": "./include/python3.14", "pkgconfig_path": "./lib/pkgconfig"},
    }


def test_variables_are_relative_to_their_own_directory() -> None:
    text = json.dumps(
        {
            "CC": "clang",
            "LIBDIR": "/install/lib",
            "CONFIG_ARGS": "'--prefix=/install'",
            "abs_builddir": "/build/Python-3.13.5",
            "Py_DEBUG": 0,
            "userbase": "/root/.local",
        }
    )
    assert json.loads(relocate_variables(text, VARIABLES_PATH, ORIGIN, CONFIG)) == {
        "CC": "cc",
        "LIBDIR": "../../lib",
        "CONFIG_ARGS": "'--prefix=../..'",
        "abs_builddir": f"../../{CONFIG}",
        "Py_DEBUG": 0,
    }


def test_relocating_twice_changes_nothing() -> None:
    details = relocate_details(DETAILS, DETAILS_PATH, ORIGIN, CONFIG)
    assert relocate_details(details, DETAILS_PATH, ORIGIN, CONFIG) == details
    variables = relocate_variables('{"LIBDIR": "/install/lib"}', VARIABLES_PATH, ORIGIN, CONFIG)
    assert relocate_variables(variables, VARIABLES_PATH, ORIGIN, CONFIG) == variables


def test_what_is_relative_already_or_is_no_json_object_stays_byte_for_byte() -> None:
    for text in ('{"base_prefix":   "../.."}', "[]", "{", ""):
        assert relocate_details(text, DETAILS_PATH, ORIGIN, CONFIG) == text
        assert relocate_variables(text, VARIABLES_PATH, ORIGIN, CONFIG) == text


def test_json_nested_beyond_reason_is_left_alone() -> None:
    text = "[" * 100_000
    assert relocate_details(text, DETAILS_PATH, ORIGIN, CONFIG) == text
