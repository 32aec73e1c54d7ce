"""Logins of registries from the files of docker, podman and helpers; read only.

Files are searched in this order: ``REGISTRY_AUTH_FILE``, ``DOCKER_CONFIG``, podman's file of the session, docker's in
the home directory. Nothing is ever written, and helpers are only called with ``get``.
"""

from __future__ import annotations

import binascii
import json
import os
import re
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.errors import reason_of
from provision.host.children import running, start
from provision.host.files import find_program, read_small_file_or_none
from provision.model.value import field, frozen
from provision.store.json_tables import string

if TYPE_CHECKING:
    from provision.fetch.retry import Cancellation

_MAX_SIZE = 1 << 20
_HELPER_SECONDS = 30
_POLL_INTERVAL = 0.05  # seconds
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# The key of Docker Hub in these files.
_ALIASES = {"registry-1.docker.io": ("https://index.docker.io/v1/", "index.docker.io", "docker.io")}
# The user name that a helper returns for an identity token.
_TOKEN_USER = "<token>"  # noqa: S105 - a name, not a secret


@frozen(kw_only=False)
class Login:
    """A user name and a password; or an identity token, which is exchanged for tokens."""

    user: str
    secret: str = field(repr=False)
    is_identity_token: bool = False


def find_login(
    host: str, environ: Mapping[str, str], note: Callable[[str], None], cancellation: Cancellation
) -> Login | None:
    """The login of a registry; ``host`` is its name with its port; ``note`` is called for unusable logins.

    A helper that runs is killed when cancelled.
    """
    keys = [key for name in (host, *_ALIASES.get(host, ())) for key in (name, f"https://{name}", f"http://{name}")]
    for path in _config_files(environ):
        config = _read(path, note)
        login = _from_helper(config, keys, environ, note, cancellation) or _from_auths(config, keys)
        if login is not None:
            return login
    return None


def _config_files(environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("REGISTRY_AUTH_FILE"):
        yield Path(named)
    if folder := environ.get("DOCKER_CONFIG"):
        yield Path(folder, "config.json")
    if session := environ.get("XDG_RUNTIME_DIR"):
        yield Path(session, "containers", "auth.json")
    home = environ.get("USERPROFILE" if os.name == "nt" else "HOME")
    if home and not environ.get("DOCKER_CONFIG"):
        yield Path(home, ".docker", "config.json")


def _read(path: Path, note: Callable[[str], None]) -> Mapping[str, Any]:
    try:
        content = read_small_file_or_none(path, _MAX_SIZE)
        document = json.loads(content) if content else {}
    except OSError as error:
        note(f"{path} is ignored: {reason_of(error)}")
        return {}
    except (ValueError, RecursionError):
        note(f"{path} is ignored: not valid JSON")
        return {}
    return document if isinstance(document, dict) else {}


def _from_auths(config: Mapping[str, Any], keys: list[str]) -> Login | None:
    auths = config.get("auths")
    if not isinstance(auths, dict):
        return None
    # Docker writes the host, older releases a URL, whose path is the registry's API and not a repository.
    by_key = {re.sub(r"/v[12]/?$", "", key.rstrip("/")): value for key, value in auths.items()}
    for key in keys:
        entry = by_key.get(re.sub(r"/v[12]/?$", "", key))
        if not isinstance(entry, dict):
            continue
        if token := _text(entry.get("identitytoken")):
            return Login("", token, is_identity_token=True)
        if login := _decoded(entry.get("auth")):
            return login
    return None


def _decoded(auth: object) -> Login | None:
    if not isinstance(auth, str):
        return None
    try:
        user, colon, password = b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return Login(user, password.rstrip("\0")) if colon and user else None


def _from_helper(
    config: Mapping[str, Any],
    keys: list[str],
    environ: Mapping[str, str],
    note: Callable[[str], None],
    cancellation: Cancellation,
) -> Login | None:
    helpers = config.get("credHelpers")
    by_host = helpers if isinstance(helpers, dict) else {}
    name = next((by_host[key] for key in keys if by_host.get(key)), config.get("credsStore"))
    if not name:
        return None
    if not isinstance(name, str) or not _HELPER_NAME.fullmatch(name):
        note("a credential helper is ignored: its name is not that of a program")
        return None
    program = find_program(f"docker-credential-{name}", environ)
    if program is None:
        note(f"docker-credential-{name} is ignored: it is not on PATH")
        return None
    server = next((key for key in keys if key.endswith("/v1/")), keys[0])
    return _ask(program, server, environ, note, cancellation)


def _ask(
    program: str,
    server: str,
    environ: Mapping[str, str],
    note: Callable[[str], None],
    cancellation: Cancellation,
) -> Login | None:
    import subprocess

    try:
        output = _output(program, server, environ, cancellation)
        answer = json.loads(output) if output is not None else None
    except (OSError, subprocess.TimeoutExpired, ValueError, RecursionError) as error:
        note(f"{Path(program).name} is ignored: {_reason(error)}")
        return None
    if not isinstance(answer, dict):  # it has no login for this registry
        return None
    user, secret = _text(answer.get("Username")), _text(answer.get("Secret"))
    if user is None or not secret:
        return None
    return Login(user, secret, is_identity_token=user == _TOKEN_USER)


def _output(program: str, server: str, environ: Mapping[str, str], cancellation: Cancellation) -> bytes | None:
    """What a helper prints; None if it fails.

    When cancelled, it is killed: Ctrl-C does not reach it if it was started by a forked process.
    """
    from subprocess import PIPE, Popen, TimeoutExpired

    cancellation.check()
    end = time.monotonic() + _HELPER_SECONDS
    question: bytes | None = server.encode()
    with start(lambda: Popen([program, "get"], stdin=PIPE, stdout=PIPE, stderr=PIPE, env=dict(environ))) as helper:
        try:
            while True:
                try:
                    output, _ = helper.communicate(question, timeout=_POLL_INTERVAL)
                except TimeoutExpired:
                    question = None  # was sent, or is being sent
                    cancellation.check()
                    if time.monotonic() > end:
                        raise
                else:
                    return output if helper.returncode == 0 else None
        except BaseException:
            helper.kill()
            raise
        finally:
            running.discard(helper)


def _text(given: object) -> str | None:
    """A string; None for other values, and for half of a surrogate pair in JSON, which cannot be sent."""
    try:
        return string(given)
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    from subprocess import TimeoutExpired

    if isinstance(error, TimeoutExpired):
        return f"no answer within {_HELPER_SECONDS} s"
    if isinstance(error, OSError):
        return reason_of(error)
    return "its answer is not JSON"
