"""A path means to a foreign system what it would after chroot(2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.host.rootfs import locate
from tests.host.systems import System


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_a_plain_file(system: System) -> None:
    system.file("/usr/bin/env", b"x")
    assert locate(system.root, "/usr/bin/env") == system.root / "usr/bin/env"


def test_the_root_itself_is_a_root_like_any_other() -> None:
    assert locate(Path("/"), "/") == Path("/")


@pytest.mark.parametrize("name", ["/usr/bin/sh", "usr/bin/sh", "/usr/../usr/./bin//sh", "/../../usr/bin/sh"])
def test_spellings_of_one_path(system: System, name: str) -> None:
    system.file("/usr/bin/sh", b"x")
    assert locate(system.root, name) == system.root / "usr/bin/sh"


def test_relative_links_are_followed_from_where_they_stand(system: System) -> None:
    system.file("/usr/bin/dash", b"x").link("/bin", "usr/bin").link("/usr/bin/sh", "dash")
    assert locate(system.root, "/bin/sh") == system.root / "usr/bin/dash"


def test_absolute_links_stay_under_the_root(system: System) -> None:
    system.file("/bin/busybox", b"x").link("/bin/sh", "/bin/busybox")
    assert locate(system.root, "/bin/sh") == system.root / "bin/busybox"


def test_links_cannot_climb_out_of_the_root(system: System) -> None:
    outside = system.root.parent / "outside"
    outside.write_bytes(b"x")
    system.link("/bin/sh", "../../../../../../outside")
    assert locate(system.root, "/bin/sh") is None


@pytest.mark.parametrize("name", ["/none", "/none/at/all", "/file/below"])
def test_what_is_not_there(system: System, name: str) -> None:
    system.file("/file", b"x")
    assert locate(system.root, name) is None


def test_links_that_lead_nowhere_or_round_in_circles(system: System) -> None:
    system.link("/dangling", "none").link("/self", "self").link("/ping", "pong").link("/pong", "ping")
    assert [locate(system.root, name) for name in ("/dangling", "/self", "/ping")] == [None, None, None]
