"""Fixtures that crash tests share: a box, and a server with two small archives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.box import SCENARIOS, Box
from tests.fetch.conftest import authority, authority_file, internet
from tests.support.builds import write_catalog
from tests.support.server import Server
from tests.support.small import small_build

__all__ = ["authority", "authority_file", "internet"]


MakeBox = Callable[[str], Box]


@pytest.fixture
def make_box(tmp_path: Path, server: Server) -> MakeBox:
    """Prepare a box for one of the scenarios."""

    def make(scenario: str) -> Box:
        chosen = SCENARIOS[scenario]
        builds = [small_build(tmp_path / "builds", number) for number in (1, 2)]
        write_catalog(server.root, builds)
        box = Box(
            root=tmp_path / "box",
            words=chosen.words,
            again=chosen.again,
            builds=builds,
            environ={"PROVISION_JOBS": "1"},
        )
        box.project.write(f'[settings]\ncatalogs = ["{server.url}/catalog.ndjson"]\n\n[pythons]\n')
        chosen.prepare(box)
        return box

    return make
