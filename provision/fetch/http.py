"""One request and its answer: redirects, credentials, statuses, ranges, codings."""

from __future__ import annotations

import os
import re
import ssl
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import httpcore

from provision import __version__
from provision.errors import PolicyError
from provision.fetch.connect import Connections, httpx
from provision.fetch.retry import Failure, TransferError
from provision.fetch.settings import DownloadSettings
from provision.hosts import HostPolicy
from provision.model.value import frozen
from provision.url import Url, UrlOrigin

if TYPE_CHECKING:
    from netrc import netrc


# FOLD provision.fetch.http
#   Owns one request and its answer: redirects, credentials, the host policy, and every third-party error translated.


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
# A redirect's body up to this many bytes is read, so that its connection can be used again.
_SMALL = 16 << 10


@frozen
class HttpAnswer:
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


class HttpExchange:
    """Requests that follow redirects within the policy; safe to use from several threads."""

    def __init__(
        self, connections: Connections, credentials: Credentials, policy: HostPolicy, settings: DownloadSettings
    ) -> None:
        self._connections, self._credentials, self._policy = connections, credentials, policy
        self._timeout = httpx.Timeout(settings.idle, connect=settings.connect, pool=None)

    @contextmanager
    def get(self, url: Url, headers: Mapping[str, str], *, origin: UrlOrigin | None = None) -> Iterator[HttpAnswer]:
        """Ask for the URL, and answer with any final status; raises `TransferError` where there is no answer.

        ``origin`` is where the chain of redirects began that led to ``url`` before; credentials are bound to it.
        """
        answer = self._follow(url, headers, origin or url.origin)
        try:
            yield answer
        finally:
            answer._response.close()

    def _follow(self, url: Url, headers: Mapping[str, str], origin: UrlOrigin) -> HttpAnswer:
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

    def _ask(self, url: Url, headers: Mapping[str, str], *, redirected: bool) -> HttpAnswer:
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
        return HttpAnswer(url=url, status=response.status_code, headers=response.headers, _response=response)

    def _target(self, answer: HttpAnswer) -> Url:
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


# FOLD provision.fetch.http
#   Owns what an HTTP status means for us: whether to try again, when, and what to tell; pure.


_PASSING = frozenset({408, 425, 429})


def is_passing(status: int) -> bool:
    """Whether the same request may well be answered otherwise in a while."""
    return status in _PASSING or status >= 500


def failure_of(url: Url, status: int, headers: Mapping[str, str]) -> Failure:
    """The failure that a final status other than success is."""
    again = is_passing(status)
    return Failure(
        url=url,
        cause=f"{status} {_phrase(status)}".strip(),
        again=again,
        after=retry_after(headers.get("retry-after")) if again else None,
        hint=_hint(url, status, headers),
    )


def retry_after(text: str | None) -> float | None:
    """The seconds that a ``Retry-After`` asks for, given as a number or as an HTTP date; None if it makes no sense."""
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


def _hint(url: Url, status: int, headers: Mapping[str, str]) -> str | None:
    if headers.get("x-ratelimit-remaining") == "0":
        return "the rate limit is used up; set GITHUB_TOKEN for a higher one"
    if status in (401, 403):
        return f"put credentials for {url.host} into a netrc file" if status == 401 else None
    if status == 407:
        return "put the user name and the password into the proxy's URL"
    return None


# FOLD provision.fetch.http
#   Owns what the range headers of requests and answers say (RFC 9110, 13 and 14); pure.


_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


def validator(headers: Mapping[str, str]) -> str:
    """What `If-Range` may compare: a strong ETag, else the date of the last change, else nothing."""
    tag = headers.get("etag", "")
    found = tag if tag and not tag.startswith("W/") else headers.get("last-modified", "")
    return found if found.isascii() and found.isprintable() and len(found) < 1000 else ""


def ask_range(start: int, end: int | None, tag: str) -> dict[str, str]:
    """The headers that ask for bytes ``[start, end)``, or for all if the file is not the one of ``tag`` any more."""
    last = "" if end is None else str(end - 1)
    headers = {"range": f"bytes={start}-{last}"}
    if tag:
        headers["if-range"] = tag
    return headers


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Start, end (exclusive) and total of a 206; None if it does not say, or makes no sense."""
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    if match is None:
        return None
    start, last, total = map(int, match.groups())
    return (start, last + 1, total) if start <= last < total else None


def content_coding(headers: Mapping[str, str]) -> str:
    """The encoding put on top of the file, in lower case; nothing where there is none."""
    coding = headers.get("content-encoding", "").strip().lower()
    return "" if coding == "identity" else coding


def serves_ranges(status: int, headers: Mapping[str, str]) -> bool:
    """Whether further connections may ask for pieces of the same file."""
    offered = status == 206 or headers.get("accept-ranges", "").strip().lower() == "bytes"
    return offered and bool(validator(headers)) and not content_coding(headers)


# FOLD provision.fetch.http
#   Owns taking off an encoding that a server put on top of a file; whether the result is right, its digest says.


# Both, told apart by their first bytes: some servers say deflate and send gzip.
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
_STEP = 1 << 20


class UndecodableError(Exception):
    """The bytes do not come of that encoding, or are more than allowed."""


def decoded(chunks: Iterable[bytes], coding: str, *, most: int) -> Iterator[bytes]:
    """The bytes without the encoding, in pieces of at most a mebibyte.

    Raises `UndecodableError` for an encoding other than gzip and deflate, for broken data, and beyond ``most`` bytes.
    """
    if coding not in _KNOWN:
        raise UndecodableError(f"the server encodes it as {coding!r}, which was not asked for")
    left = most
    try:
        for piece in _inflate(chunks):
            left -= len(piece)
            if left < 0:
                raise UndecodableError(f"it has more than {most} bytes once {coding} is taken off")
            yield piece
    except zlib.error as error:
        raise UndecodableError(f"it is no valid {coding}: {error}") from error


def _inflate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    machine = zlib.decompressobj(_GZIP_OR_ZLIB)
    is_begun = False
    for chunk in chunks:
        rest = chunk
        while rest:
            if machine.eof:
                # A gzip file may be several, one after the other.
                machine = zlib.decompressobj(_GZIP_OR_ZLIB)
            is_begun = True
            if piece := machine.decompress(rest, _STEP):
                yield piece
            rest = machine.unused_data if machine.eof else machine.unconsumed_tail
    if is_begun and not machine.eof:
        raise zlib.error("it ends too early")


# FOLD provision.fetch.http
#   Owns which ``Authorization`` a request carries: from the URL, ``GITHUB_TOKEN`` or netrc; `exchange` sends it.


_GITHUB_HOSTS = frozenset({"github.com", "api.github.com"})


class Credentials:
    """Those of the environment. ``note`` is told, once, of a netrc file that cannot be used."""

    def __init__(self, environ: Mapping[str, str], note: Callable[[str], None]) -> None:
        self._environ, self._note = environ, note

    def authorization(self, url: Url, *, redirected: bool) -> str | None:
        """The header's value for a request, or None.

        What the URL itself holds goes first, then ``GITHUB_TOKEN`` to GitHub over https, then netrc. After a redirect
        to another origin only netrc speaks, which names hosts itself; its ``default`` entry would not, so it is unused.
        """
        if not redirected:
            if url.credentials:
                return _basic(*url.credentials)
            token = self._environ.get("GITHUB_TOKEN", "").strip()
            if token and _is_header_value(token) and url.host in _GITHUB_HOSTS and url.scheme == "https":
                return f"Bearer {token}"
        entry = self._netrc.hosts.get(url.host) if self._netrc else None
        return _basic(entry[0], entry[2] or "") if entry else None

    @cached_property
    def _netrc(self) -> netrc | None:
        path = self._netrc_path()
        if path is None:
            return None
        import netrc

        try:
            return netrc.netrc(str(path))
        except netrc.NetrcParseError as error:
            self._note(f"{path} is not used: line {error.lineno}: {error.msg}")
        except (OSError, UnicodeDecodeError) as error:
            self._note(f"{path} is not used: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}")
        return None

    def _netrc_path(self) -> Path | None:
        if named := self._environ.get("NETRC"):
            return Path(named)
        home = self._environ.get("USERPROFILE" if os.name == "nt" else "HOME")
        names = ("_netrc", ".netrc") if os.name == "nt" else (".netrc",)
        found = (Path(home, name) for name in names if home)
        return next((path for path in found if path.is_file()), None)


def _is_header_value(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
