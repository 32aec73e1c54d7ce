"""A browser, and the rules of accessibility, for the tests of pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integrations.tools import install_chromium, install_node_package
from tests.support.browser import Tab, browse, find_browser


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    browser = find_browser()
    if browser is None:
        pytest.skip("there is no Chromium")
    with browse(browser, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def any_tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of the installed Chromium, or of one that is installed for the tests."""
    browser = find_browser() or str(install_chromium(tmp_path_factory.mktemp("chromium")))
    with browse(browser, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, which knows the rules of accessibility."""
    return (install_node_package("axe-core", tmp_path_factory.mktemp("axe")) / "axe-core" / "axe.min.js").read_text()
