"""OCI registries that the user named: repositories, logins, challenges and tokens.

Sources: the OCI distribution specification 1.1, and the token authentication of CNCF distribution. A registry refuses
the first request with a challenge; the login is sent only in response to a challenge, and only for a repository that
the user named.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from provision.errors import UsageError
from provision.host_policy import HostRule
from provision.model.value import field, frozen, replace
from provision.url import Url, without_credentials

if TYPE_CHECKING:
    from provision.fetch.docker_config import Login
    from provision.fetch.retry import Cancellation

_WORD = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME = rf"{_WORD}(?:/{_WORD})*"
_LONGEST_NAME = 255
# The registry that serves the images of this name.
_DOCKER_HUB = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
# A parameter of a challenge, or the word that begins one; longer headers than a registry's are truncated.
_CHALLENGE = r'([A-Za-z_]+)=(?:"([^"]*)"|([^\s",]+))|([A-Za-z][A-Za-z0-9-]*)'
_LONGEST_CHALLENGE = 8192
_CLIENT = "provision"

# Requests a token: by GET, or with a form by POST; raises `TransferError`.
Ask = Callable[[Url, bytes | None], bytes]


@frozen
class Repository:
    """``registry.example.com:5000/team/pythons``: one repository of one registry; ``base`` ends in ``/v2/<name>/``."""

    base: Url
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str, rules: Iterable[HostRule] = ()) -> Repository:
        """Read ``[USER:PASSWORD@]HOST[:PORT]/NAME``; raise `UsageError` on anything else.

        The registry is contacted over https; over http on loopback, and if one of the ``rules`` allows it for the host.
        """
        try:
            url = Url.parse(f"https://{text}")
            name = url.path.strip("/")
            if url.query or not re.fullmatch(_NAME, name) or len(name) > _LONGEST_NAME:
                raise ValueError("expected HOST/REPOSITORY, the repository in lower case and without a tag")
            if url.is_loopback or any(rule.plain_http and rule.matches(url) for rule in rules):
                url = Url.parse(f"http://{text}")
        except ValueError as error:
            raise UsageError(
                f"invalid repository {without_credentials(text)!r}: {error}",
                hint="Write it as HOST/REPOSITORY, such as registry.example.com/team/pythons.",
            ) from error
        host = _DOCKER_HUB.get(url.host, url.host)
        return cls(base=replace(url, host=host, path=f"/v2/{name}/", userinfo=None), login=url.credentials)

    @property
    def name(self) -> str:
        """The name within the registry."""
        return self.base.path.removeprefix("/v2/").removesuffix("/")

    @property
    def rule(self) -> HostRule:
        """Naming a repository allows its host; it does not allow plain http there."""
        return HostRule(host=self.base.host, port=self.base.port)

    @property
    def login_hint(self) -> str:
        """The hint for a registry that requires a login."""
        if self.login:
            return f"{self.base.authority} refused the user name and the password that stand before it. Correct them."
        return f"Run `docker login {self.base.authority}`, or put the user name and the password before the host."

    def url(self, path: str, query: str = "") -> Url:
        """The URL of ``blobs/…``, ``manifests/…`` or ``tags/list``."""
        return replace(self.base, path=f"{self.base.path}{path}", query=query)

    def __str__(self) -> str:
        return f"{self.base.authority}/{self.name}"


class Registries:
    """The sessions with the repositories that the user named; safe to use from several threads."""

    def __init__(
        self,
        environ: Mapping[str, str],
        note: Callable[[str], None],
        netrc_login: Callable[[str], tuple[str, str] | None],
        cancellation: Cancellation,
    ) -> None:
        self._environ, self._note, self._netrc_login = environ, note, netrc_login
        self._cancellation = cancellation
        self._sessions: dict[Url, RegistrySession] = {}

    def add(self, repository: Repository) -> None:
        """Answer challenges for a repository from now on."""
        self._sessions.setdefault(repository.base, RegistrySession(repository, self._login))

    def session(self, url: Url) -> RegistrySession | None:
        """The session that a URL belongs to; None for the URLs of other servers, and of other repositories."""
        for base, session in self._sessions.items():
            if url.origin == base.origin and url.path.startswith(base.path):
                return session
        return None

    def _login(self, repository: Repository) -> Login | None:
        from provision.fetch.docker_config import Login, find_login

        if repository.login is not None:
            return Login(*repository.login)
        found = find_login(repository.base.authority, self._environ, self._note, self._cancellation)
        if found is None and (entry := self._netrc_login(repository.base.host)):
            return Login(*entry)
        return found


class RegistrySession:
    """The authorisation of one repository: the value of `Authorization`, kept until the registry refuses it."""

    def __init__(self, repository: Repository, find: Callable[[Repository], Login | None]) -> None:
        self.repository, self._find = repository, find
        self._lock = threading.Lock()
        self.granted: str | None = None

    def answer(self, challenge: str, used: str | None, ask: Ask) -> bool:
        """Respond to the refusal of a request that had ``used`` as its `Authorization`; returns whether to send it
        again.
        """
        with self._lock:
            if self.granted != used:  # another thread was faster
                return True
            kinds = parse_challenges(challenge)
            if (parameters := kinds.get("bearer")) is not None:
                self.granted = self._bearer(parameters, ask)
            elif "basic" in kinds and self._login is not None:
                self.granted = basic(self._login.user, self._login.secret)
            return self.granted != used

    def headers(self, form: bytes | None) -> dict[str, str]:
        """The parameters of a request for a token."""
        form_type = {"content-type": "application/x-www-form-urlencoded"} if form is not None else {}
        return {"accept": "application/json", "accept-encoding": "identity", **form_type}

    def _bearer(self, parameters: Mapping[str, str], ask: Ask) -> str | None:
        from urllib.parse import quote, urlencode

        try:
            realm = Url.parse(parameters.get("realm", ""))
        except ValueError:
            return None
        scope = parameters.get("scope") or f"repository:{self.repository.name}:pull"
        asked = {"service": parameters.get("service", ""), "scope": scope}
        login = self._login
        form = None
        if login is not None and login.is_identity_token:
            granted = {"grant_type": "refresh_token", "refresh_token": os.fsencode(login.secret), "client_id": _CLIENT}
            form = urlencode(asked | granted).encode()
        else:
            query = "&".join(filter(None, (realm.query, urlencode(asked))))
            words = (login.user, login.secret) if login else ()
            userinfo = ":".join(quote(os.fsencode(word), safe="") for word in words) or None
            realm = replace(realm, query=query, userinfo=userinfo)
        return _token(ask(realm, form))

    @cached_property
    def _login(self) -> Login | None:
        return self._find(self.repository)


def parse_challenges(header: str) -> dict[str, dict[str, str]]:
    """The supported challenges of ``WWW-Authenticate``, by kind in lower case, with their parameters."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for name, quoted, word, kind in re.findall(_CHALLENGE, header[:_LONGEST_CHALLENGE]):
        if kind:
            current = found.setdefault(kind.lower(), {})
        else:
            current[name.lower()] = quoted or word
    return {kind: found[kind] for kind in ("bearer", "basic") if kind in found}


def basic(user: str, password: str) -> str:
    """The `Authorization` of a user name and a password."""
    from base64 import b64encode

    return "Basic " + b64encode(os.fsencode(f"{user}:{password}")).decode()


def _token(body: bytes) -> str | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    token = document.get("token") or document.get("access_token")
    is_usable = isinstance(token, str) and token.isascii() and token.isprintable()
    return f"Bearer {token}" if is_usable else None
