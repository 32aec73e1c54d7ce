"""The registry of CNCF distribution (Debian's docker-registry), with the usual kinds of login."""

from __future__ import annotations

import argparse
import base64
import json
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import trustme

from tests.support.servers.programs import debian_program, free_ports, running, serve_by_hand

USER, PASSWORD = "tester", "testing"
# bcrypt of the password, as htpasswd has it.
_HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuu8GLlRHLlHzTAruLJFUZbIIa3QJQ/q5S\n"
_TOKEN_SECONDS = 60


class Registry:
    """``auth`` is none, ``basic`` or ``token``; with token, anyone may pull ``public/…``.

    ``proxied`` is the URL of the registry that it is a pull-through cache for.
    """

    def __init__(
        self, folder: Path, *, auth: str = "", tls: bool = False, read_only: bool = False, proxied: str = ""
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.auth, self.tls, self.read_only, self.proxied = folder, auth, tls, read_only, proxied
        self.authority = trustme.CA()
        self.authority_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.authority_file))
        self._leaf = self.authority.issue_cert("localhost", "127.0.0.1", "registry.example")
        self.port = free_ports(1)[0]
        self._open = ExitStack()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def __enter__(self) -> Registry:
        program = debian_program("docker-registry", "usr/bin/docker-registry")
        with ExitStack() as stack:
            configuration = self.folder / "config.json"  # YAML, of which JSON is a part
            configuration.write_text(json.dumps(self._configuration(stack)))
            stack.enter_context(running([[program, "serve", configuration]], self.folder, self._answers))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _configuration(self, stack: ExitStack) -> dict[str, Any]:
        document: dict[str, Any] = {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {
                "filesystem": {"rootdirectory": str(self.folder / "data")},
                "delete": {"enabled": True},
                "maintenance": {"readonly": {"enabled": self.read_only}},
            },
            "http": {"addr": self.host, "secret": "test"},
        }
        leaf, key = self.folder / "leaf.pem", self.folder / "leaf.key"
        self._leaf.cert_chain_pems[0].write_to_path(str(leaf))
        self._leaf.private_key_pem.write_to_path(str(key))
        if self.tls:
            document["http"]["tls"] = {"certificate": str(leaf), "key": str(key)}
        if self.proxied:
            document["proxy"] = {"remoteurl": self.proxied}
        if self.auth == "basic":
            passwords = self.folder / "htpasswd"
            passwords.write_text(_HTPASSWD)
            document["auth"] = {"htpasswd": {"realm": "test", "path": str(passwords)}}
        elif self.auth == "token":
            realm = stack.enter_context(_issuing_tokens(self._leaf))
            token = {"realm": realm, "service": "test", "issuer": "test", "rootcertbundle": str(self.authority_file)}
            document["auth"] = {"token": token}
        return document

    def _answers(self) -> bool:
        context = ssl.create_default_context(cadata=self.authority.cert_pem.bytes().decode())
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        try:
            opener.open(f"{self.url}/v2/", timeout=2).close()
        except HTTPError as error:
            return error.code == 401
        except (URLError, OSError):
            return False
        return True


@contextmanager
def _issuing_tokens(leaf: trustme.LeafCert) -> Iterator[str]:
    """A server of bearer tokens, as distribution's specification of them has it; the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class calls it that)
            """Say nothing."""

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            given = self.headers.get("authorization", "")
            is_known = given == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if given and not is_known:
                self._answer(401, {"errors": [{"code": "UNAUTHORIZED"}]})
                return
            access = []
            for scope in " ".join(query.get("scope", [])).split():
                kind, _, rest = scope.partition(":")
                name, _, actions = rest.rpartition(":")
                granted = actions.split(",") if is_known else ["pull"] if name.startswith("public/") else []
                access.append({"type": kind, "name": name, "actions": granted})
            self._answer(200, {"token": _token(leaf, access), "expires_in": _TOKEN_SECONDS})

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/token"
        finally:
            server.shutdown()


def _token(leaf: trustme.LeafCert, access: list[dict[str, Any]]) -> str:
    """A JSON web token, signed by ES256."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = "".join(leaf.cert_chain_pems[0].bytes().decode().split("-----")[2].split())
    now = int(time.time())
    claims = {"iss": "test", "aud": "test", "sub": USER, "iat": now, "nbf": now - 5, "exp": now + _TOKEN_SECONDS}
    parts = (
        {"typ": "JWT", "alg": "ES256", "x5c": [certificate]},
        {**claims, "jti": str(time.time_ns()), "access": access},
    )
    signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    first, second = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    return f"{signed}.{_base64(first.to_bytes(32, 'big') + second.to_bytes(32, 'big'))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def main() -> int:
    """Serve a directory: ``--auth basic|token``, ``--tls``, ``--read-only``, ``--proxied URL``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--auth", choices=("", "basic", "token"), default="")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--proxied", default="")
    options = parser.parse_args()
    registry = Registry(**vars(options))
    return serve_by_hand(registry, lambda: f"registry {registry.url}")


if __name__ == "__main__":
    sys.exit(main())
