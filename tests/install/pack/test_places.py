from __future__ import annotations

from provision.install.pack.places import Places
from provision.relocate import sysconfig

OWN, SHARED = Places("/root/.pyenv/versions/3.12.1"), Places("/usr")


def test_a_prefix_of_its_own_is_rewritten_wherever_it_stands() -> None:
    assert OWN.text("LDFLAGS= -L/root/.pyenv/versions/3.12.1/lib -Wl,-rpath,/root/.pyenv/versions/3.12.1/lib\n") == (
        "LDFLAGS= -L/install/lib -Wl,-rpath,/install/lib\n"
    )
    assert OWN.variables("build_time_vars = {'A': '-g '\n '-I/root/.pyenv/versions/3.12.1/include'}") == (
        "build_time_vars = {'A': '-g '\n '-I/install/include'}"
    )


def test_below_a_shared_prefix_only_what_derives_from_it_is_this_pythons() -> None:
    text = (
        "INSTALL=\t/usr/bin/install -c\n"
        "prefix=\t\t/usr\n"
        "LIBDIR=\t\t/usr/lib/x86_64-linux-gnu\n"
        "MODULE__UUID_CFLAGS=-I/usr/include/uuid\n"
        "TZPATH=/usr/share/zoneinfo\n"
        "CONFIG_ARGS=\t '--prefix=/usr' '--libdir=/usr/lib' '--with-wheel-pkg-dir=/usr/share/python-wheels/'\n"
    )
    assert SHARED.text(text) == (
        "INSTALL=\t/usr/bin/install -c\n"
        "prefix=\t\t/install\n"
        "LIBDIR=\t\t/install/lib/x86_64-linux-gnu\n"
        "MODULE__UUID_CFLAGS=-I/usr/include/uuid\n"
        "TZPATH=/usr/share/zoneinfo\n"
        "CONFIG_ARGS=\t '--prefix=/install' '--libdir=/install/lib' '--with-wheel-pkg-dir=/usr/share/python-wheels/'\n"
    )


def test_the_same_holds_for_sysconfigs_variables() -> None:
    text = (
        "build_time_vars = {'BINDIR': '/usr/bin',\n"
        " 'CONFIG_ARGS': \"'--prefix=/usr' \"\n \"'CFLAGS=-I/usr/include'\",\n"
        " 'HAVE_FORK': 1,\n 'INSTALL': '/usr/bin/install -c',\n 'prefix': '/usr'}\n"
    )
    assert sysconfig.parse(SHARED.variables(text)) == {
        "BINDIR": "/install/bin",
        "CONFIG_ARGS": "'--prefix=/install' 'CFLAGS=-I/usr/include'",
        "HAVE_FORK": 1,
        "INSTALL": "/usr/bin/install -c",
        "prefix": "/install",
    }


def test_a_script_keeps_all_but_its_first_line() -> None:
    assert SHARED.script("#!/usr/bin/python3.11\nopen('/usr/lib')\n") == "#!/install/bin/python3.11\nopen('/usr/lib')\n"
    assert SHARED.script("open('/usr/lib')\n") == "open('/usr/lib')\n"
