"""One HTTP request and its response: redirects, statuses, content codings, errors.

Every error of httpcore becomes a `TransferError` here.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from provision import __version__
from provision.errors import PolicyError, reason_of
from provision.fetch.credentials import Credentials
from provision.fetch.failures import Failure, TransferError
from provision.fetch.registries import Registries, RegistrySession
from provision.fetch.retry import Deadline
from provision.fetch.sockets import httpcore
from provision.fetch.transport import Content, RawResponse, Transport
from provision.host_policy import HostPolicy
from provision.model.value import frozen, replace
from provision.url import Url, UrlOrigin

# No URL has it: the origin of a chain of redirects that has left the server where it began.
NO_ORIGIN: UrlOrigin = ("", "", 0)
_OK, _UNAUTHORIZED = 200, 401
_MAX_TOKEN = 1 << 20  # bytes of a registry's token; those that contain permissions can have several thousand
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 10
_SMALL_BODY = 16 << 10  # bytes of a redirect's body that are read, so that its connection can be used again
# Statuses below 500 with which the same request may succeed later.
_TEMPORARY = frozenset({408, 425, 429})
_NO_NETWORK = frozenset({errno.ENETUNREACH, errno.ENETDOWN})
# gzip and zlib, distinguished by their first bytes: some servers say deflate and send gzip.
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_DECODED_CHUNK = 1 << 20


@frozen
class HttpResponse:
    """A response whose body was not read yet. Names of headers are in lower case; ``url`` is where redirects ended."""

    url: Url
    status: int
    headers: Mapping[str, str]
    _response: RawResponse
    _deadline: Deadline

    def chunks(self) -> Iterator[bytes]:
        """The body as sent, in pieces of at most 64 KiB; raises `TransferError` if the connection breaks."""
        with _errors_translated(self.url, self._deadline):
            yield from self._response.chunks()

    def read(self, limit: int) -> bytes:
        """The body; if it is longer than ``limit`` bytes, only its beginning, which is also longer than that."""
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                break
        return bytes(body)

    def expect(self, *statuses: int) -> None:
        """Raise `TransferError` for any other status."""
        if self.status not in statuses:
            raise TransferError(status_failure(self.url, self.status, self.headers))

    def number(self, header: str) -> int | None:
        """The value of a header that is a plain number."""
        text = self.headers.get(header, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


@frozen
class _Request:
    """What stays the same across redirects. A request for a token has no ``registries``, so its challenges are not
    answered.
    """

    method: str
    headers: Mapping[str, str]
    deadline: Deadline
    content: Content | None
    named_by: Url | None = None
    registries: Registries | None = None

    def session(self, url: Url) -> RegistrySession | None:
        """The session of a registry's repository that a URL belongs to, and so the credentials for it."""
        named_by = self.named_by
        place = named_by if named_by and named_by.origin == url.origin else url
        return self.registries.session(place) if self.registries else None


class HttpClient:
    """Requests that follow redirects within the host policy; safe to use from several threads."""

    def __init__(self, transport: Transport, credentials: Credentials, policy: HostPolicy) -> None:
        self._transport, self._credentials, self._policy = transport, credentials, policy

    def get(
        self, url: Url, headers: Mapping[str, str], deadline: Deadline, *, origin: UrlOrigin | None = None
    ) -> AbstractContextManager[HttpResponse]:
        """Request the URL; returns any final status, raises `TransferError` if there is no response.

        ``origin`` is where the chain of redirects that led to ``url`` began; credentials are bound to it. The deadline
        bounds everything on the network within the context, including the response's body.
        """
        return self.request("GET", url, headers, deadline, origin=origin)

    @contextmanager
    def request(
        self,
        method: str,
        url: Url,
        headers: Mapping[str, str],
        deadline: Deadline,
        *,
        origin: UrlOrigin | None = None,
        content: Content | None = None,
        named_by: Url | None = None,
    ) -> Iterator[HttpResponse]:
        """Like `get`, with any method; only redirects of GET are followed: ``content`` is meant only for this host.

        ``named_by`` is the server whose response contained the URL, which is then checked like a redirect.
        """
        request = _Request(
            method=method,
            headers=headers,
            deadline=deadline,
            content=content,
            named_by=named_by,
            registries=self._credentials.registries,
        )
        with self._closing(url, request, origin or url.origin) as response:
            yield response

    @contextmanager
    def _closing(self, url: Url, request: _Request, origin: UrlOrigin) -> Iterator[HttpResponse]:
        with request.deadline.bounding():
            response = self._follow(url, request, origin)
            try:
                yield response
            finally:
                response._response.close()

    def _follow(self, url: Url, request: _Request, origin: UrlOrigin) -> HttpResponse:
        self._check(url, request.named_by, "refers to it")
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._send_with_credentials(url, request, redirected=url.origin != origin)
            if response.status not in _REDIRECTS or request.method != "GET":
                return response
            target = _redirect_target(response)
            self._check(target, url)
            # After one redirect to another origin, credentials stay dropped, even if a later redirect leads back,
            # because the other host may have sent that one.
            origin = origin if target.origin == origin else NO_ORIGIN
            url = target
        raise TransferError(Failure(url=url, cause=f"more than {_MAX_REDIRECTS} redirects in a row"))

    def _send_with_credentials(self, url: Url, request: _Request, *, redirected: bool) -> HttpResponse:
        """Send the request, and again if a registry refuses it with a challenge that says where to get a token."""
        session = None if redirected else request.session(url)
        used = session.granted if session else self._credentials.authorization(url, redirected=redirected)
        response = self._send(url, request, used)
        if session is None or response.status != _UNAUTHORIZED:
            return response

        def ask(realm: Url, form: bytes | None) -> bytes:
            # The token server of a registry is checked like a redirect.
            self._check(realm, url, "names it as its token server, which receives the login")
            method = "GET" if form is None else "POST"
            plain = _Request(method=method, headers=session.headers(form), deadline=request.deadline, content=form)
            with self._closing(realm, plain, realm.origin) as answer:
                if answer.status != _OK:
                    failure = status_failure(realm, answer.status, answer.headers)
                    raise TransferError(replace(failure, hint=session.repository.login_hint))
                return answer.read(_MAX_TOKEN)[:_MAX_TOKEN]

        try:
            is_answered = session.answer(response.headers.get("www-authenticate", ""), used, ask)
        except BaseException:
            response._response.close()
            raise
        if not is_answered:
            return response
        _discard_body(response)
        return self._send(url, request, session.granted)

    def _send(self, url: Url, request: _Request, authorization: str | None) -> HttpResponse:
        sent = {"host": url.authority, "accept": "*/*", "user-agent": f"provision/{__version__}", **request.headers}
        if authorization:
            sent["authorization"] = authorization
        request.deadline.count_request()
        with _errors_translated(url, request.deadline):
            response = self._transport.send(request.method, url, sent, request.content)
        return HttpResponse(
            url=url, status=response.status, headers=response.headers, _response=response, _deadline=request.deadline
        )

    def _check(self, url: Url, redirected_from: Url | None, how: str = "redirects to it") -> None:
        try:
            self._policy.check(url, redirected_from=redirected_from, how=how)
        except PolicyError as refusal:
            cause = refusal.message.removeprefix(f"{url}: ")
            raise TransferError(Failure(url=url, cause=cause, kind="policy", hint=refusal.hint)) from refusal


def _discard_body(response: HttpResponse) -> None:
    """Read the body, so that the connection can be used again; a long one is not read."""
    try:
        if (response.number("content-length") or 0) <= _SMALL_BODY and "content-length" in response.headers:
            for _ in response.chunks():
                pass
    finally:
        response._response.close()


def _redirect_target(response: HttpResponse) -> Url:
    """The target of a redirect; the body is read, or the connection closed."""
    _discard_body(response)
    location = response.headers.get("location")
    if not location:
        cause = f"{response.status} without a Location header"
        raise TransferError(Failure(url=response.url, cause=cause, status=response.status))
    try:
        return response.url.join(location)
    except ValueError as error:
        raise TransferError(Failure(url=response.url, cause=f"redirects to an invalid URL: {error}")) from error


@contextmanager
def _errors_translated(url: Url, deadline: Deadline) -> Iterator[None]:
    """Raise the libraries' errors as `TransferError`, in plain words; a timeout may be that of the deadline."""
    try:
        yield
    except httpcore.ProxyError as error:
        hint = "Put the user name and the password into the proxy's URL." if str(error).startswith("407") else None
        raise TransferError(Failure(url=url, cause=f"the proxy refused the request: {error}", hint=hint)) from error
    except httpcore.TimeoutException as error:
        deadline.check(url)
        raise TransferError(Failure(url=url, cause=_timeout_cause(error), retryable=True)) from error
    except httpcore.NetworkError as error:
        raise TransferError(_network_failure(url, error)) from error
    except httpcore.ProtocolError as error:
        cause = "connection closed before the response ended" if _is_cut(error) else f"invalid HTTP response: {error}"
        raise TransferError(Failure(url=url, cause=cause, retryable=True)) from error


def _timeout_cause(error: httpcore.TimeoutException) -> str:
    if isinstance(error, httpcore.ConnectTimeout):
        return "timeout while connecting"
    return "timeout: no data received"


def _is_cut(error: httpcore.ProtocolError) -> bool:
    return "disconnected" in str(error) or "closed connection" in str(error)


def _network_failure(url: Url, error: httpcore.NetworkError) -> Failure:
    # httpcore passes the original error as the argument, and removes the cause.
    reason = error.args[0] if error.args else None
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Failure(
            url=url,
            cause=f"the certificate of the server is not trusted: {reason.verify_message}",
            hint="If a company proxy signs with its own CA, set SSL_CERT_FILE to the CA's file.",
        )
    if isinstance(reason, socket.gaierror):
        return Failure(url=url, cause="host name not found", retryable=True, no_network=True)
    if isinstance(reason, OSError) and not isinstance(reason, ssl.SSLError):
        return Failure(url=url, cause=reason_of(reason), retryable=True, no_network=reason.errno in _NO_NETWORK)
    cause = f"TLS failed: {reason_of(reason)}" if isinstance(reason, ssl.SSLError) else reason_of(error)
    return Failure(url=url, cause=cause, retryable=True)


def is_temporary(status: int) -> bool:
    """Whether the same request may succeed after a while."""
    return status in _TEMPORARY or status >= 500


def status_failure(url: Url, status: int, headers: Mapping[str, str]) -> Failure:
    """The failure for a final status other than success: whether and when to retry, and the message."""
    retryable = is_temporary(status)
    return Failure(
        url=url,
        cause=f"{status} {_phrase(status)}".strip(),
        retryable=retryable,
        retry_after=retry_after(headers.get("retry-after")) if retryable else None,
        status=status,
        hint=_status_hint(url, status, headers),
    )


def retry_after(text: str | None) -> float | None:
    """The seconds that a ``Retry-After`` requests, as a number or an HTTP date; None if it is invalid."""
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _status_hint(url: Url, status: int, headers: Mapping[str, str]) -> str | None:
    if headers.get("x-ratelimit-remaining") == "0":
        return "The rate limit is used up. Set GITHUB_TOKEN for a higher limit."
    if status in (401, 403):
        return f"Put credentials for {url.host} into a netrc file." if status == 401 else None
    if status == 407:
        return "Put the user name and the password into the proxy's URL."
    return None


def content_coding(headers: Mapping[str, str]) -> str:
    """The content coding that a server applied to the file, in lower case; empty if there is none."""
    coding = headers.get("content-encoding", "").strip().lower()
    return "" if coding == "identity" else coding


class DecodingError(Exception):
    """The bytes are not in that content coding, or more than allowed once it is removed."""


def decode(chunks: Iterable[bytes], coding: str, *, limit: int) -> Iterator[bytes]:
    """The bytes without a content coding that a server applied, in pieces of at most a mebibyte.

    Raises `DecodingError` for a coding other than gzip and deflate, for broken data, and beyond ``limit`` bytes.
    """
    if coding not in _CODINGS:
        raise DecodingError(f"the server sent the content coding {coding!r}, which was not requested")
    left = limit
    try:
        for data in _inflate(chunks):
            left -= len(data)
            if left < 0:
                raise DecodingError(f"got more than {limit} bytes after {coding} decoding")
            yield data
    except zlib.error as error:
        raise DecodingError(f"the response is not valid {coding}: {reason_of(error)}") from error


def _inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
    has_begun = False
    for chunk in chunks:
        rest = chunk
        while rest:
            if decompressor.eof:
                # A gzip file may have several members, one after the other.
                decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
            has_begun = True
            if data := decompressor.decompress(rest, _DECODED_CHUNK):
                yield data
            rest = decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
    if has_begun and not decompressor.eof:
        raise zlib.error("truncated")
