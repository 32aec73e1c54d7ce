"""References to images, as container tools read them."""

from __future__ import annotations

import pytest

from provision.fleet.image_reference import ImageReference

_HEX = "ab" * 32


@pytest.mark.parametrize(
    ("text", "repository", "shown"),
    [
        ("debian", "docker.io/library/debian", "docker.io/library/debian:latest"),
        ("debian:12-slim", "docker.io/library/debian", "docker.io/library/debian:12-slim"),
        ("team/image:1", "docker.io/team/image", "docker.io/team/image:1"),
        ("localhost/image", "localhost/image", "localhost/image:latest"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b", "localhost:5000/a/b:c"),
        ("r.example.com/team/i:1.0", "r.example.com/team/i", "r.example.com/team/i:1.0"),
        (f"r.example.com/i@sha256:{_HEX}", "r.example.com/i", f"r.example.com/i@sha256:{_HEX}"),
        (f"r.example.com/i:1@sha256:{_HEX}", "r.example.com/i", f"r.example.com/i@sha256:{_HEX}"),
        ("me:secret@r.example.com/i:1", "me:secret@r.example.com/i", "r.example.com/i:1"),
    ],
)
def test_a_reference_has_a_repository_and_is_shown_without_a_login(text: str, repository: str, shown: str) -> None:
    reference = ImageReference.parse(text)
    assert (reference.repository, str(reference)) == (repository, shown)


@pytest.mark.parametrize("text", ["name:tag", "name", "Name:tag", "team/image:1"])
def test_a_required_registry_has_no_default(text: str) -> None:
    with pytest.raises(ValueError, match="names no registry"):
        ImageReference.parse(text, needs_registry=True)
    for host in ("docker.io", "localhost", "registry:5000"):
        assert ImageReference.parse(f"{host}/i:1", needs_registry=True).repository == f"{host}/i"


@pytest.mark.parametrize("scheme", ["oci", "http", "https", "docker"])
def test_a_reference_has_no_scheme(scheme: str) -> None:
    with pytest.raises(ValueError, match=f"expected a name without {scheme}://, got"):
        ImageReference.parse(f"{scheme}://r.example.com/i:1")


@pytest.mark.parametrize("text", ["", "image:", "image:a b", "r.example.com/", f"i@sha256:{_HEX[1:]}"])
def test_an_invalid_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"sha256|not the name of an image"):
        ImageReference.parse(text)
