"""The archives that are installed: real interpreters, and larger ones made from them."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO

from provision.catalog.names import ParsedName, parse_name
from provision.host.zstd import zstd_module
from provision.model.value import frozen

# Packed and unpacked sizes that upstream's archives have, as of 2026; in bytes.
LARGE, HUGE = 115_000_000, 500_000_000
# The least size of the files from which they are made, in bytes.
_LIBRARY = 64_000


@frozen
class Archive:
    """One archive: its name in a manifest, its file, and its unpacked size in bytes and members."""

    label: str
    path: Path
    size: int
    members: int
    sha256: str

    @property
    def name(self) -> ParsedName:
        return parse_name(self.path.name, self.path.name.partition("+")[2].partition("-")[0])


def gather(folder: Path, ready_made: Path | None) -> dict[str, Archive]:
    """The archives by their labels, made in ``folder`` if missing: four of the usual size, a large and a huge one."""
    folder.mkdir(parents=True, exist_ok=True)
    first, *others = _usual(folder, ready_made)
    stem, _, _ = first.name.partition("-install_only")
    found = {"default": first}
    found |= {("free" if "freethreaded" in path.name else "debug"): path for path in others}
    if len(found) < 3:  # without ready-made archives, the same interpreter is packed in both formats
        found["second"] = _made(folder / f"{_tagged(stem, 3)}-install_only_stripped.tar.gz", first, 0)
        found["third"] = _made(folder / f"{_tagged(stem, 4)}-noopt-full.tar.zst", first, 0)
    found["full"] = _made(folder / f"{stem}-noopt-full.tar.zst", first, 0)
    found["large"] = _made(folder / f"{_tagged(stem, 1)}-install_only_stripped.tar.gz", first, LARGE)
    found["huge"] = _made(folder / f"{_tagged(stem, 2)}-noopt-full.tar.zst", first, HUGE)
    return {label: _described(label, path) for label, path in found.items()}


def _usual(folder: Path, ready_made: Path | None) -> Sequence[Path]:
    """The default build first."""
    if ready_made is not None:
        sources = sorted(
            ready_made.glob("cpython-*.tar.*"), key=lambda path: ("freethreaded" in path.name, "debug" in path.name)
        )
        for source in sources:
            if not (folder / source.name).exists():
                shutil.copyfile(source, folder / source.name)
        return [folder / source.name for source in sources]
    if not (packed := sorted(folder.glob("cpython-*-install_only.tar.*"))):
        words = [
            sys.executable,
            "-m",
            "provision",
            "pack",
            sys.base_prefix,
            "-o",
            str(folder),
            "--flavor",
            "install_only",
        ]
        subprocess.run(words, capture_output=True, check=True)
        packed = sorted(folder.glob("cpython-*-install_only.tar.*"))
    return packed[:1]  # the others are copies of `network`


def _tagged(stem: str, number: int) -> str:
    """The archive's name with a build tag some days later."""
    version, _, rest = stem.partition("+")
    tag, _, target = rest.partition("-")
    return f"{version}+{int(tag) + number}-{target}"


def _made(path: Path, source: Path, least: int) -> Path:
    """An archive with the source's files under ``python/install`` (full) or ``python``, repeated to reach the size."""
    if path.exists():
        return path
    full = path.name.endswith("-full.tar.zst")
    plain, scratch = path.with_suffix(".tar-part"), path.with_suffix(".part")
    with tarfile.open(plain, "w") as tar:
        if full:
            _add(tar, "python/PYTHON.json", json.dumps({"version": "8", "made-from": source.name}).encode())
        total = copy = 0
        while copy == 0 or total < least:
            for member, content in _members(source):
                place = member.name.removeprefix("python/")
                if copy:  # more libraries beside the first ones, which is also how real archives grow
                    if not (member.size > _LIBRARY and place.startswith("lib/")):
                        continue
                    place = f"lib/more-{copy}/{place.removeprefix('lib/')}"
                elif full and member.islnk():
                    member.linkname = member.linkname.replace("python/", "python/install/", 1)
                member.name = f"python/install/{place}" if full else f"python/{place}"
                tar.addfile(member, BytesIO(content) if member.isreg() else None)
                total += member.size
            copy += 1
    with plain.open("rb") as data, scratch.open("wb") as packed:
        _compress(data, packed, plain.stat().st_size, full=full)
    plain.unlink()
    return scratch.rename(path)


def _compress(data: IO[bytes], packed: IO[bytes], size: int, *, full: bool) -> None:
    if not full:
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as file:
            shutil.copyfileobj(data, file)
        return
    # The window of upstream's level 22, and the size in the header as there; compressing at that level takes minutes.
    zstd = zstd_module()
    parameters = zstd.CompressionParameter
    packer = zstd.ZstdCompressor(options={parameters.compression_level: 12, parameters.window_log: 27})
    packer.set_pledged_input_size(size)
    while piece := data.read(1 << 20):
        packed.write(packer.compress(piece))
    packed.write(packer.flush())


def _unpacked(raw: IO[bytes], path: Path) -> IO[bytes]:
    if path.suffix != ".zst":
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    zstd = zstd_module()
    unpacked: IO[bytes] = zstd.open(raw, options={zstd.DecompressionParameter.window_log_max: 27})
    return unpacked


def _members(source: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(source) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            yield member, file.read() if file else b""


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, BytesIO(content))


def _described(label: str, path: Path) -> Archive:
    """The archive's sizes, saved next to it, because determining them takes a while."""
    facts = path.with_name(f"{path.name}.facts")
    if not facts.exists():
        size = members = 0
        with path.open("rb") as raw, _unpacked(raw, path) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            for member in tar:
                size, members = size + member.size, members + 1
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        facts.write_text(json.dumps({"size": size, "members": members, "sha256": digest}))
    return Archive(label=label, path=path, **json.loads(facts.read_text()))


def main(folder: str, *ready_made: str) -> None:
    """Make the archives of `gather` in a separate process: its peak memory would otherwise count for all children."""
    gather(Path(folder), Path(ready_made[0]) if ready_made else None)


if __name__ == "__main__":
    main(*sys.argv[1:])
