"""Owns one request and its answer: redirects, credentials, the host policy, and every third-party error translated."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpcore

from provision import __version__
from provision.errors import PolicyError
from provision.fetch.connect import Connections
from provision.fetch.retry import Failure, TransferError
from provision.fetch.settings import Settings
from provision.hosts import HostPolicy
from provision.install.fetch.credentials import Credentials
from provision.install.fetch.lean_httpx import httpx
from provision.install.fetch.statuses import failure_of
from provision.model.value import frozen
from provision.url import Url, UrlOrigin

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
# A redirect's body up to this many bytes is read, so that its connection can be used again.
_SMALL = 16 << 10


@frozen
class Answer:
    """What a server said. Header names are read in any case; ``url`` is where the redirects ended."""

    url: Url
    status: int
    headers: Mapping[str, str]
    _response: httpx.Response

    def chunks(self) -> Iterator[bytes]:
        """The body as sent, in pieces of at most 64 KiB; raises `TransferError` when it breaks off."""
        with _translated(self.url):
            yield from self._response.iter_raw()

    def expect(self, *statuses: int) -> None:
        """Raise `TransferError` for any other status."""
        if self.status not in statuses:
            raise TransferError(failure_of(self.url, self.status, self.headers))

    def number(self, header: str) -> int | None:
        """The value of a header that is a plain number."""
        text = self.headers.get(header, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


class Exchange:
    """Requests that follow redirects within the policy; safe to use from several threads."""

    def __init__(
        self, connections: Connections, credentials: Credentials, policy: HostPolicy, settings: Settings
    ) -> None:
        self._connections, self._credentials, self._policy = connections, credentials, policy
        self._timeout = httpx.Timeout(settings.idle, connect=settings.connect, pool=None)

    @contextmanager
    def get(self, url: Url, headers: Mapping[str, str], *, origin: UrlOrigin | None = None) -> Iterator[Answer]:
        """Ask for the URL, and answer with any final status; raises `TransferError` where there is no answer.

        ``origin`` is where the chain of redirects began that led to ``url`` before; credentials are bound to it.
        """
        answer = self._follow(url, headers, origin or url.origin)
        try:
            yield answer
        finally:
            answer._response.close()

    def _follow(self, url: Url, headers: Mapping[str, str], origin: UrlOrigin) -> Answer:
        self._check(url, None)
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._ask(url, headers, redirected=url.origin != origin)
            if answer.status not in _REDIRECTS:
                return answer
            target = self._target(answer)
            self._check(target, url)
            # Once away, always away: a way back through another host may be that host's doing.
            origin = origin if target.origin == origin else ("", "", 0)
            url = target
        raise TransferError(Failure(url=url, cause=f"more than {_MOST_REDIRECTS} redirects, one after the other"))

    def _ask(self, url: Url, headers: Mapping[str, str], *, redirected: bool) -> Answer:
        sent = {"host": url.authority, "accept": "*/*", "user-agent": f"provision/{__version__}", **headers}
        if authorization := self._credentials.authorization(url, redirected=redirected):
            sent["authorization"] = authorization
        client = self._connections.client(url)
        request = client.build_request(
            "GET",
            httpx.URL(scheme=url.scheme, host=url.host, port=url.explicit_port, raw_path=url.target.encode("ascii")),
            headers=sent,
            timeout=self._timeout,
        )
        with _translated(url):
            response = client.send(request, stream=True)
        return Answer(url=url, status=response.status_code, headers=response.headers, _response=response)

    def _target(self, answer: Answer) -> Url:
        """Where a redirect leads; its body is read, or the connection given up."""
        try:
            if (answer.number("content-length") or 0) <= _SMALL and "content-length" in answer.headers:
                for _ in answer.chunks():
                    pass
        finally:
            answer._response.close()
        location = answer.headers.get("location")
        if not location:
            raise TransferError(Failure(url=answer.url, cause=f"{answer.status} without a Location"))
        try:
            return answer.url.join(location)
        except ValueError as error:
            raise TransferError(Failure(url=answer.url, cause=f"redirects to no usable URL: {error}")) from error

    def _check(self, url: Url, redirected_from: Url | None) -> None:
        try:
            self._policy.check(url, redirected_from=redirected_from)
        except PolicyError as refusal:
            cause = refusal.message.removeprefix(f"{url}: ")
            raise TransferError(Failure(url=url, cause=cause, kind="policy", hint=refusal.hint)) from refusal


@contextmanager
def _translated(url: Url) -> Iterator[None]:
    """Raise the libraries' errors as `TransferError`, told as a person would."""
    try:
        yield
    except httpcore.ProxyError as error:
        hint = "put the user name and the password into the proxy's URL" if str(error).startswith("407") else None
        raise TransferError(Failure(url=url, cause=f"the proxy refuses: {error}", hint=hint)) from error
    except httpx.RemoteProtocolError as error:  # the one check of its own that httpx makes here: of the Location
        raise TransferError(Failure(url=url, cause=f"redirects to no usable URL: {error}")) from error
    except httpcore.TimeoutException as error:
        raise TransferError(Failure(url=url, cause=_timeout(error), again=True)) from error
    except httpcore.NetworkError as error:
        raise TransferError(_network_failure(url, error)) from error
    except httpcore.ProtocolError as error:
        cause = "the connection ended before the answer did" if _is_cut(error) else f"it breaks HTTP: {error}"
        raise TransferError(Failure(url=url, cause=cause, again=True)) from error


def _timeout(error: httpcore.TimeoutException) -> str:
    if isinstance(error, httpcore.ConnectTimeout):
        return "no connection in time"
    return "nothing came for too long"


def _is_cut(error: httpcore.ProtocolError) -> bool:
    return "disconnected" in str(error) or "closed connection" in str(error)


def _network_failure(url: Url, error: httpcore.NetworkError) -> Failure:
    # httpcore keeps what it translates as the argument, and unties the cause.
    reason = error.args[0] if error.args else None
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Failure(
            url=url,
            cause=f"its certificate is not trusted: {reason.verify_message}",
            hint="if a company's proxy signs with a CA of its own, name that CA's file in SSL_CERT_FILE",
        )
    if isinstance(reason, OSError) and not isinstance(reason, ssl.SSLError):
        return Failure(url=url, cause=(reason.strerror or str(reason)).lower(), again=True)
    return Failure(url=url, cause=str(error) or type(error).__name__, again=True)
