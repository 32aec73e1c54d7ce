from __future__ import annotations

import pytest

from provision.install.relocate.layout import survey, up
from provision.model.tree import Entry
from tests.relocate.samples import CONFIG, EXECUTABLES, FILES, STDLIB

FILE = Entry("file", 0o644)


def test_every_file_to_edit_is_found_by_its_name_alone() -> None:
    layout = survey(dict.fromkeys([*FILES, *EXECUTABLES], FILE))

    assert layout.stdlib == STDLIB
    assert layout.config == CONFIG
    assert layout.scripts == ("bin/pip3", "bin/python3.13", f"{CONFIG}/python-config.py")
    assert layout.config_scripts == ("bin/python3.13-config",)
    assert layout.sysconfigdata == (f"{STDLIB}/_sysconfigdata__linux_x86_64-linux-gnu.py",)
    assert layout.variables == (f"{STDLIB}/_sysconfig_vars__linux_x86_64-linux-gnu.json",)
    assert layout.details == (f"{STDLIB}/build-details.json",)
    assert layout.setups == (f"{CONFIG}/Setup.local",)
    assert layout.pkgconfig == ("lib/pkgconfig/python-3.13-embed.pc",)
    assert layout.shell_configs == ("lib/itcl4.3/itclConfig.sh",)
    assert layout.bytecode == (f"{STDLIB}/__pycache__/os.cpython-313.pyc",)


@pytest.mark.parametrize(
    ("landmark", "stdlib"),
    [
        ("lib/python3.13t/os.py", "lib/python3.13t"),
        ("lib64/python3.12/os.py", "lib64/python3.12"),
        ("lib/pypy3.11/os.py", "lib/pypy3.11"),
        ("Lib/os.py", "Lib"),
        ("lib/python3.13/test/os.py", None),
    ],
)
def test_the_standard_library_is_where_os_is(landmark: str, stdlib: str | None) -> None:
    assert survey({landmark: FILE}).stdlib == stdlib


def test_links_and_what_is_of_no_concern_are_left_out() -> None:
    entries = {
        "bin/python3": Entry("link", 0o777, "python3.13"),
        "lib/pkgconfig/python3.pc": Entry("link", 0o777, "python-3.13.pc"),
        "lib/python3.13/_sysconfig.py": FILE,
        "share/terminfo/x/xterm": FILE,
    }
    assert survey(entries) == survey({})


def test_the_way_up_leads_to_the_root() -> None:
    assert up("lib/pkgconfig/python3.pc") == "../.."
    assert up("README") == "."
