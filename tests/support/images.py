"""Image layouts as tests make and read them, with none of the code that is tested."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OCI = "application/vnd.oci.image"


def write_layout(
    layout: Path,
    roots: Mapping[str, Mapping[str, bytes] | Path],
    *,
    name: str = "base",
    config: Mapping[str, Any] = {},
    docker: bool = False,
    changes: Mapping[str, Mapping[str, Any]] = {},
) -> Path:
    """A layout with one image for each platform, ``linux/arm64``: of files by path, or of a directory.

    ``docker`` has the media types that Docker's registries use; ``changes`` are members of the ``config``, the
    ``manifest``, its ``layer`` or the ``top`` descriptor.
    """
    (layout / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    types = {
        "manifest": f"{_OCI}.manifest.v1+json",
        "index": f"{_OCI}.index.v1+json",
        "config": f"{_OCI}.config.v1+json",
        "layer": f"{_OCI}.layer.v1.tar+gzip",
    }
    if docker:
        types = {
            "manifest": "application/vnd.docker.distribution.manifest.v2+json",
            "index": "application/vnd.docker.distribution.manifest.list.v2+json",
            "config": "application/vnd.docker.container.image.v1+json",
            "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
        }
    images = []
    for platform, root in roots.items():
        system, architecture, *variant = platform.split("/")
        about = {"os": system, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
        tar = _tar(root)
        layer = _blob(layout, types["layer"], gzip.compress(tar, compresslevel=1, mtime=0))
        layer |= changes.get("layer", {})
        document = {
            **about,
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]},
            "history": [{"created_by": "tests"}],
            **changes.get("config", {}),
        }
        own = _blob(layout, types["config"], json.dumps(document).encode())
        manifest = {"schemaVersion": 2, "mediaType": types["manifest"], "config": own, "layers": [layer]}
        manifest |= changes.get("manifest", {})
        images.append({**_blob(layout, types["manifest"], json.dumps(manifest).encode()), "platform": about})
    top = images[0]
    if len(images) > 1:
        index = {"schemaVersion": 2, "mediaType": types["index"], "manifests": images}
        top = _blob(layout, types["index"], json.dumps(index).encode())
    top |= changes.get("top", {})
    named = {**top, "annotations": {"org.opencontainers.image.ref.name": name}}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    return layout


def _blob(layout: Path, media_type: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def _tar(root: Mapping[str, bytes] | Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        if isinstance(root, Path):
            tar.add(root, ".", filter=_of_root)
        else:
            for path, content in root.items():
                member = tarfile.TarInfo(path)
                member.size, member.mode = len(content), 0o755
                tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _of_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    return member


@dataclass(frozen=True, kw_only=True)
class ReadImage:
    """The documents of the image of one platform, and its layers, every digest and size checked."""

    manifest: dict[str, Any]
    config: dict[str, Any]
    layers: list[bytes]

    def members(self) -> dict[str, tarfile.TarInfo]:
        """All members of all layers by name, without a final slash; the last of several."""
        found = {}
        for layer in self.layers:
            with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
                found.update({member.name: member for member in tar})
        return found

    def content(self, path: str) -> bytes:
        """The content of a file."""
        for layer in reversed(self.layers):
            with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
                if path in tar.getnames():
                    file = tar.extractfile(path)
                    assert file is not None
                    return file.read()
        raise KeyError(path)


def read_layout(layout: Path, name: str = "latest") -> dict[str, ReadImage]:
    """The images of a layout by platform; all blobs are in their places, with the right bytes."""
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    found = json.loads((layout / "index.json").read_text())["manifests"]
    (top,) = (each for each in found if each["annotations"]["org.opencontainers.image.ref.name"] == name)
    document = json.loads(_read(layout, top))
    images = {}
    for each in document.get("manifests", [top]):
        manifest = json.loads(_read(layout, each))
        config = json.loads(_read(layout, manifest["config"]))
        layers = [_unpacked(_read(layout, layer)) for layer in manifest["layers"]]
        tars = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        assert config["rootfs"] == {"type": "layers", "diff_ids": tars}
        platform = "/".join(filter(None, (config["os"], config["architecture"], config.get("variant"))))
        images[platform] = ReadImage(manifest=manifest, config=config, layers=layers)
    return images


def _read(layout: Path, descriptor: dict[str, Any]) -> bytes:
    digest = str(descriptor["digest"]).removeprefix("sha256:")
    content = (layout / "blobs" / "sha256" / digest).read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (digest, descriptor["size"])
    return content


def _unpacked(layer: bytes) -> bytes:
    if layer.startswith(b"\x1f\x8b"):
        return gzip.decompress(layer)
    if layer.startswith(b"\x28\xb5\x2f\xfd"):
        from provision.host.zstd import zstd_module

        content: bytes = zstd_module().decompress(layer)
        return content
    return layer
