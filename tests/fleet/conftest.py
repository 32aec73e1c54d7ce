"""Known hosts played on loopback, as the tests of `fetch` have them."""

from tests.fetch.conftest import authority, authority_file, internet

__all__ = ["authority", "authority_file", "internet"]
