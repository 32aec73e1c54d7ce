"""The `Authorization` of a request: from its URL, `GITHUB_TOKEN` or netrc."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import reason_of
from provision.fetch.registries import Registries, basic
from provision.host.files import is_file
from provision.url import Url

if TYPE_CHECKING:
    from netrc import netrc

    from provision.fetch.retry import Cancellation

_GITHUB_HOSTS = frozenset({"github.com", "api.github.com"})


class Credentials:
    """Credentials from the environment. ``note`` is called, once, for a netrc file that cannot be used.

    ``cancellation`` ends credential helpers.
    """

    def __init__(self, environ: Mapping[str, str], note: Callable[[str], None], cancellation: Cancellation) -> None:
        self._environ, self._note = environ, note
        self.registries = Registries(environ, note, self._netrc_login, cancellation)

    def authorization(self, url: Url, *, redirected: bool) -> str | None:
        """The header's value for a request, or None.

        Credentials in the URL come first, then ``GITHUB_TOKEN`` for GitHub over https, then netrc. After a redirect to
        another origin, only netrc is used, because it names hosts itself; its ``default`` entry does not, so it is
        ignored.
        """
        if not redirected:
            if url.credentials:
                return basic(*url.credentials)
            token = self._environ.get("GITHUB_TOKEN", "").strip()
            if token and _is_header_value(token) and url.host in _GITHUB_HOSTS and url.scheme == "https":
                return f"Bearer {token}"
        login = self._netrc_login(url.host)
        return basic(*login) if login else None

    def _netrc_login(self, host: str) -> tuple[str, str] | None:
        entry = self._netrc.hosts.get(host) if self._netrc else None
        return (entry[0], entry[2] or "") if entry else None

    @cached_property
    def _netrc(self) -> netrc | None:
        path = self._netrc_path()
        if path is None:
            return None
        import netrc

        try:
            return netrc.netrc(str(path))
        except netrc.NetrcParseError as error:
            self._note(f"{path} is ignored: line {error.lineno}: {error.msg}")
        except (OSError, UnicodeDecodeError) as error:
            self._note(f"{path} is ignored: {reason_of(error) if isinstance(error, OSError) else 'not UTF-8 text'}")
        return None

    def _netrc_path(self) -> Path | None:
        if named := self._environ.get("NETRC"):
            return Path(named)
        home = self._environ.get("USERPROFILE" if os.name == "nt" else "HOME")
        names = ("_netrc", ".netrc") if os.name == "nt" else (".netrc",)
        candidates = (Path(home, name) for name in names if home)
        return next((path for path in candidates if is_file(path)), None)


def _is_header_value(text: str) -> bool:
    return text.isascii() and text.isprintable()
