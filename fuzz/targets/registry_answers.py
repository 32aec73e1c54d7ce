"""Any answer of a registry, or file of logins: a login that can be sent, an image that can be made, or none."""

from __future__ import annotations

import atexit
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents
from provision.errors import ProvisionError
from provision.fetch.docker_config import Login, find_login
from provision.fetch.registries import RegistrySession, Repository, parse_challenges
from provision.fetch.retry import Cancellation
from provision.fleet.image import ImageSettings, write_image
from provision.fleet.image_base import read_base
from provision.fleet.image_layout import ImageLayout
from provision.model.asset import Digest
from provision.model.oci import MANIFESTS, Descriptor
from provision.model.platform import Platform
from provision.url import Url

_HOST = "registry.example.com"
_REPOSITORY = Repository.parse(f"{_HOST}/team/image")
_DIGEST = f"sha256:{'0' * 64}"
_LOGINS = (
    json.dumps({"auths": {_HOST: {"auth": "bWU6c2VjcmV0"}, f"https://{_HOST}/v1/": {"identitytoken": "x"}}}),
    json.dumps({"credHelpers": {_HOST: "gone"}, "credsStore": "../x"}),
)
_CHALLENGES = (
    'Bearer realm="https://a.example/token?x=1",service="s",scope="repository:team/image:pull"',
    'Basic realm="x", Bearer realm=https://a.example',
)
_TOKENS = ('{"token": "abc", "expires_in": 300}', '{"access_token": "abc"}')
_MANIFEST = json.dumps(
    {
        "mediaType": MANIFESTS[0],
        "config": {"mediaType": "x", "digest": _DIGEST, "size": 2},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": _DIGEST, "size": 3}],
    }
)
_CONFIG = json.dumps(
    {
        "os": "linux",
        "architecture": "amd64",
        "config": {"Env": ["PATH=/bin"], "Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": [_DIGEST]},
        "history": [{"created_by": "x"}],
    }
)
_INDEX = json.dumps(
    {"manifests": [{"mediaType": MANIFESTS[0], "digest": _DIGEST, "size": 1, "platform": {"os": "linux"}}]}
)
_PIECES = [
    "[", "]", "{", "}", ",", ":", "null", "NaN", "1e999", "-1", "1" * 5000, "[" * 950, "]" * 950, '"\\ud800"',
    '"auths"', '"auth"', '"identitytoken"', f'"{_HOST}"', '"credsStore"', '"layers"', '"digest"', f'"{_DIGEST}"',
    '"size"', '"platform"', '"rootfs"', '"config"', '"token"', "Bearer ", "Basic ", "realm=", "scope=", '"', "=", "https://",
]  # fmt: skip


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


class _Source:
    """An image whose documents are given, one after the other; layers are empty."""

    reference = ""

    def __init__(self, manifest: bytes, config: bytes) -> None:
        self._manifest, self._config = manifest, config

    def image(self) -> Descriptor:
        return Descriptor(media_type=MANIFESTS[0], digest=Digest.of(self._manifest), size=len(self._manifest))

    def read(self, descriptor: Descriptor) -> bytes:
        return self._manifest if descriptor.digest == Digest.of(self._manifest) else self._config

    def save(self, descriptor: Descriptor, write: Callable[[bytes], object]) -> None:
        raise AssertionError("layers are not read here")


def check(data: bytes) -> None:
    path = _folder() / "config.json"
    path.write_bytes(data)
    text = data.decode("latin-1")
    with soon():
        logins = [
            Login("me", "secret"),
            find_login(_HOST, {"DOCKER_CONFIG": str(path.parent)}, lambda _: None, Cancellation()),
        ]
        assert set(parse_challenges(text)) <= {"bearer", "basic"}
        for login in logins:
            for challenge, token in ((text, b'{"token": "x"}'), ('Bearer realm="https://a.example/t"', data)):
                _answer(challenge, token, login)
        for manifest, config in ((data, _CONFIG.encode()), (_MANIFEST.encode(), data)):
            _read(manifest, config)


def _answer(challenge: str, token: bytes, login: Login | None) -> None:
    def ask(realm: Url, form: bytes | None) -> bytes:
        assert realm.scheme in {"https", "http", "file"}  # the policy decides on it
        assert form is None or form.isascii()
        return token

    session = RegistrySession(_REPOSITORY, lambda _: login)
    session.answer(challenge, None, ask)
    assert session.granted is None or (session.granted.isascii() and session.granted.isprintable())


def _read(manifest: bytes, config: bytes) -> None:
    try:
        base = read_base(_Source(manifest, config), Platform.parse("linux/amd64"))
    except ProvisionError as error:
        showable(error)
        return
    assert len(base.layers) == len(base.diff_ids)
    layout = ImageLayout(_folder() / "layout")
    if not base.layers:
        write_image(
            layout, Platform.parse("linux/amd64"), base, (), ImageSettings(created="", labels={}, annotations={})
        )
    assert all(isinstance(layer.digest, Digest) for layer in base.layers)


TARGET = Target(
    inputs=mutated(st.sampled_from([*_LOGINS, *_CHALLENGES, *_TOKENS, _MANIFEST, _CONFIG, _INDEX]).map(str.encode))
    | documents(_PIECES, between=""),
    check=check,
)
