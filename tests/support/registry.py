"""An OCI registry on loopback, well-behaved or with the faults of real ones, as `Quirks` has them."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.server import LoopbackHandler, LoopbackServer

_BLOB = re.compile(r"/v2/(.+)/blobs/sha256:([0-9a-f]{64})")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([^/]*)")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
_TAGS = re.compile(r"/v2/(.+)/tags/list")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """How a registry differs from a good one; the number of times of a fault is counted over all blobs."""

    flipped: int = 0  # so many responses of blobs have a wrong byte
    cached_damage: bool = False  # a wrong byte, unless the request says no-cache
    manifest_first: int = 0  # this status for blobs whose manifest was not requested before
    head: int = 0  # this status for every HEAD
    ignores_range: bool = False  # Range is answered with 200
    truncated: int = 0  # so many responses of blobs end half-way
    blobs_at: str = ""  # blobs are redirected to this URL
    uploads_at: str = ""  # uploads are, too
    read_only: bool = False
    login: tuple[str, str] | None = None  # basic, or what the token is issued for
    token: bool = False  # bearer tokens, issued at /token
    realm: str = ""  # where tokens are issued instead
    token_lifetime: int = 0  # so many requests; 0 for ever
    page: int = 0  # tags a page
    upload_failures: int = 0  # so many uploads get a 503
    manifest_refusals: int = 0  # so many manifests get a 400 for a blob that is there, as distribution's can


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, the names of its headers in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


@dataclass
class _Content:
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    requested: set[str] = field(default_factory=set)  # digests that a manifest, which was requested, names


class FakeRegistry:
    """Serves what was pushed; ``asked`` has every request."""

    def __init__(self, quirks: Quirks = Quirks()) -> None:
        self.quirks, self.content = quirks, _Content()
        self.asked: list[Asked] = []
        self.used: Counter[str] = Counter()
        self.tokens: dict[str, tuple[str, int]] = {}
        self.lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FakeRegistry:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def become(self, **quirks: Any) -> None:
        """Change how it behaves, from the next request on."""
        self.quirks = replace(self.quirks, **quirks)
        self.used.clear()

    def put_blob(self, repository: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.content.blobs[repository, digest] = data
        return digest

    def put_manifest(self, repository: str, tag: str, body: bytes, media_type: str) -> None:
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.content.manifests[repository, digest] = (media_type, body)
        if not tag.startswith("sha256:"):
            self.content.manifests[repository, tag] = (media_type, body)
            tags = self.content.tags.setdefault(repository, [])
            tags += [tag] if tag not in tags else []

    def count(self, what: str) -> int:
        """The number of requests whose method and path contain a text."""
        return sum(what in f"{each.method} {each.path}" for each in self.asked)

    def happens(self, fault: str, times: int) -> bool:
        """Whether a fault that happens so many times happens now."""
        with self.lock:
            self.used[fault] += self.used[fault] < times + 1
            return self.used[fault] <= times


class _Http(LoopbackServer):
    def __init__(self, address: tuple[str, int], owner: FakeRegistry) -> None:
        self.owner = owner
        super().__init__(address, _Handler)


class _Handler(LoopbackHandler):
    server: _Http

    def do_GET(self) -> None:
        owner, parts = self.server.owner, urlsplit(self.path)
        self.path_only = parts.path
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked_headers = headers
        self.body = self.rfile.read(int(headers.get("content-length", 0)))
        owner.asked.append(Asked(method=self.command, path=parts.path, query=parts.query, headers=headers))
        if parts.path == "/token":
            self._token()
        elif self._is_admitted():
            self._route()

    def _route(self) -> None:
        quirks = self.server.owner.quirks
        if self.command == "HEAD" and quirks.head:
            self.answer(quirks.head)
        elif quirks.read_only and self.command in ("POST", "PUT"):
            self.error(405, "UNSUPPORTED", "The operation is unsupported.")
        elif match := _UPLOAD.fullmatch(self.path_only):
            self._upload(match[1])
        elif match := _BLOB.fullmatch(self.path_only):
            self._blob(match[1], match[2])
        elif match := _MANIFEST.fullmatch(self.path_only):
            self._manifest(match[1], match[2])
        elif match := _TAGS.fullmatch(self.path_only):
            self._tags(match[1])
        else:
            self.answer(200 if self.path_only == "/v2/" else 404)

    def _is_admitted(self) -> bool:
        owner, given = self.server.owner, self.asked_headers.get("authorization", "")
        if owner.quirks.token:
            scope = f"repository:{self._repository()}:{'pull' if self.command in ('GET', 'HEAD') else 'pull,push'}"
            with owner.lock:
                granted, uses = owner.tokens.get(given.removeprefix("Bearer "), ("", 0))
                owner.tokens[given.removeprefix("Bearer ")] = (granted, uses + 1)
            is_over = owner.quirks.token_lifetime and uses >= owner.quirks.token_lifetime
            if is_over or granted not in (scope, scope.replace(":pull", ":pull,push")):
                realm = owner.quirks.realm or f"http://{owner.host}/token"
                challenge = f'Bearer realm="{realm}",service="test",scope="{scope}"'
                self.error(401, "UNAUTHORIZED", "authentication required", {"www-authenticate": challenge})
                return False
        elif owner.quirks.login and given != _basic(owner.quirks.login):
            self.error(401, "UNAUTHORIZED", "authentication required", {"www-authenticate": 'Basic realm="test"'})
            return False
        return True

    def _repository(self) -> str:
        match = re.match(r"/v2/(.+)/(?:blobs|manifests|tags)/", self.path_only)
        return match[1] if match else ""

    def _token(self) -> None:
        owner = self.server.owner
        form = {name: values[0] for name, values in parse_qs(self.body.decode()).items()} or self.query
        login = owner.quirks.login
        by_refresh = form.get("refresh_token") == (login[1] if login else None)
        if login and not by_refresh and self.asked_headers.get("authorization") != _basic(login):
            self.error(401, "UNAUTHORIZED", "no such login")
            return
        token = uuid.uuid4().hex
        owner.tokens[token] = (form["scope"], 0)
        self.answer(200, json.dumps({"access_token" if by_refresh else "token": token}).encode())

    def _upload(self, repository: str) -> None:
        owner = self.server.owner
        if self.command == "POST":
            digest = self.query.get("mount", "").removeprefix("sha256:")
            source = (self.query.get("from", ""), digest)
            if digest and source in owner.content.blobs:
                owner.content.blobs[repository, digest] = owner.content.blobs[source]
                self.answer(201, headers={"location": f"/v2/{repository}/blobs/sha256:{digest}"})
                return
            place = f"{owner.quirks.uploads_at}/v2/{repository}/blobs/uploads/{uuid.uuid4().hex}?state=a%2Bb"
            self.answer(202, headers={"location": place})
            return
        if owner.happens("upload", owner.quirks.upload_failures):
            self.answer(503)
            return
        digest = hashlib.sha256(self.body).hexdigest()
        if self.query.get("digest") != f"sha256:{digest}":
            self.error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
            return
        owner.put_blob(repository, self.body)
        self.answer(201, headers={"location": f"/v2/{repository}/blobs/sha256:{digest}"})

    def _manifest(self, repository: str, reference: str) -> None:
        owner = self.server.owner
        if self.command == "PUT":
            if owner.happens("manifest", owner.quirks.manifest_refusals):
                self.error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
                return
            owner.put_manifest(repository, reference, self.body, self.asked_headers["content-type"])
            self.answer(201)
            return
        found = owner.content.manifests.get((repository, reference))
        if found is None:
            self.error(404, "MANIFEST_UNKNOWN", "manifest unknown")
            return
        media_type, body = found
        document = json.loads(body)
        owner.content.requested.update(each["digest"] for each in document.get("layers", ()) if "digest" in each)
        self.answer(200, body, {"content-type": media_type})

    def _blob(self, repository: str, digest: str) -> None:
        owner, quirks = self.server.owner, self.server.owner.quirks
        data = owner.content.blobs.get((repository, digest))
        if quirks.manifest_first and f"sha256:{digest}" not in owner.content.requested:
            self.error(quirks.manifest_first, "UNKNOWN", "the manifest was not requested")
            return
        if data is None:
            self.error(404, "BLOB_UNKNOWN", "blob unknown to registry")
            return
        if quirks.blobs_at:
            self.answer(307, headers={"location": f"{quirks.blobs_at}/{digest}"})
            return
        is_stale = quirks.cached_damage and self.asked_headers.get("cache-control") != "no-cache"
        if is_stale or owner.happens("flipped", quirks.flipped):
            data = bytes([data[0] ^ 1]) + data[1:]
        self._send_blob(data, digest)

    def _send_blob(self, data: bytes, digest: str) -> None:
        owner, quirks = self.server.owner, self.server.owner.quirks
        headers = {"etag": f'"sha256:{digest}"', "accept-ranges": "bytes", "docker-content-digest": f"sha256:{digest}"}
        match = None if quirks.ignores_range else _RANGE.fullmatch(self.asked_headers.get("range", ""))
        status, start, end = 200, 0, len(data)
        if match:
            status, start, end = 206, int(match[1]), min(int(match[2] or len(data) - 1) + 1, len(data))
            if start >= len(data):  # as distribution: the length of the blob, and an error that is shorter
                self.head(416, {**headers, "content-length": str(len(data))})
                self.wfile.write(b'{"errors":[{"code":"UNKNOWN"}]}')
                self.close_connection = True
                return
            headers["content-range"] = f"bytes {start}-{end - 1}/{len(data)}"
        self.head(status, {**headers, "content-length": str(end - start)})
        if self.command == "HEAD":
            return
        if end - start > 1 and owner.happens("truncated", quirks.truncated):
            self.wfile.write(data[start : start + (end - start) // 2])
            self.close_connection = True
            return
        self.wfile.write(data[start:end])

    def _tags(self, repository: str) -> None:
        owner = self.server.owner
        tags = owner.content.tags.get(repository)
        if tags is None:
            self.error(404, "NAME_UNKNOWN", "repository name not known to registry")
            return
        names = sorted(tags)
        start = names.index(self.query["last"]) + 1 if "last" in self.query else 0
        end = start + (owner.quirks.page or len(names))
        headers = {}
        if end < len(names):
            headers["link"] = f'</v2/{repository}/tags/list?last={names[end - 1]}&n=2>; rel="next"'
        self.answer(200, json.dumps({"name": repository, "tags": names[start:end]}).encode(), headers)

    def error(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.answer(status, body, headers)

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.head(status, {**(headers or {}), "content-length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _basic(login: tuple[str, str]) -> str:
    return "Basic " + b64encode(":".join(login).encode()).decode()
