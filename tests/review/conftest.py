"""Fixtures of the tests of pages."""

from tests.support.browser_fixtures import any_tab, axe, tab

__all__ = ["any_tab", "axe", "tab"]
