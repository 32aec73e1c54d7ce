"""Hostile and damaged bundles: each is refused, with what is wrong, before anything is written."""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from provision.errors import IntegrityError, UsageError
from provision.fleet.bundle_read import Since, open_bundle
from provision.model import oci
from provision.model.asset import Digest
from provision.model.value import replace
from provision.protocols import NoProgress
from provision.workflows.bundle import sync_bundles, verify_bundle
from provision.workflows.options import parse_scope
from tests.support.bundles import HERE, VERSIONS, Change, Member, Near, entry, member, options_of, rewrite
from tests.support.project import Project


def adding(*added: Member) -> Change:
    return lambda members: [*members, *added]


def changing(name: str, change: Callable[[bytes], bytes]) -> Change:
    """Change the content of the members whose name matches."""

    def changed(members: list[Member]) -> list[Member]:
        assert any(re.fullmatch(name, info.name) for info, _ in members)
        return [(info, change(content) if re.fullmatch(name, info.name) else content) for info, content in members]

    return changed


def without(pattern: str) -> Change:
    def kept(members: list[Member]) -> list[Member]:
        left = [each for each in members if not re.fullmatch(pattern, each[0].name)]
        assert len(left) < len(members)
        return left

    return kept


def document(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """A change of a JSON object that keeps its canonical form."""

    def changed(content: bytes) -> bytes:
        value = json.loads(content)
        change(value)
        return oci.encode(value)

    return changed


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def repeat_last(index: dict[str, Any]) -> None:
    index["manifests"] += index["manifests"][-1:] * 1000


def first_archive(change: Callable[[bytes], bytes]) -> Change:
    """Change the content of one archive, which is not one of the small files."""

    def changed(members: list[Member]) -> list[Member]:
        at = next(number for number, each in enumerate(members) if each[1].startswith(b"\x1f\x8b"))
        members[at] = (members[at][0], change(members[at][1]))
        return members

    return changed


def as_link(members: list[Member]) -> list[Member]:
    """The first archive as a symbolic link to a file of this machine."""
    at = next(number for number, each in enumerate(members) if each[0].name.endswith(".tar.gz"))
    members[at] = member(members[at][0].name, kind=tarfile.SYMTYPE, link="/etc/passwd")
    return members


def with_title(title: str) -> Change:
    """A project with one more file, of this name, and an index that names it."""

    def changed(members: list[Member]) -> list[Member]:
        content = {info.name: each for info, each in members}
        index = json.loads(content["index.json"])
        old = index["manifests"][0]["digest"].removeprefix("sha256:")
        manifest = json.loads(content[f"blobs/sha256/{old}"])
        evil = b"evil"
        digest = _digest(evil)
        manifest["layers"].append(
            {"annotations": {oci.TITLE: title}, "digest": f"sha256:{digest}", "mediaType": oci.OCTETS, "size": 4}
        )
        new = oci.encode(manifest)
        index["manifests"][0] |= {"digest": f"sha256:{_digest(new)}", "size": len(new)}
        kept = [each for each in members if each[0].name not in ("index.json", f"blobs/sha256/{old}")]
        added = {"index.json": oci.encode(index), f"blobs/sha256/{_digest(new)}": new, f"blobs/sha256/{digest}": evil}
        return [*(member(name, each) for name, each in added.items()), *kept, member(title, evil)]

    return changed


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def replacing_lock(members: list[Member]) -> list[Member]:
    """Another lock file, under the digest of the one that the index names."""
    digest = next(info.linkname for info, _ in members if info.name == "pythons.lock")
    return changing(re.escape(digest), lambda content: content.replace(b"3.13.5", b"3.13.4"))(members)


HOSTILE: dict[str, tuple[Change, str]] = {
    "a path above": (adding(member("../evil", b"x")), "unexpected file '../evil'"),
    "an absolute path": (adding(member("/tmp/evil", b"x")), "unexpected file '/tmp/evil'"),
    "a path with a backslash": (adding(member("..\\evil", b"x")), "unexpected file"),
    "an extra file": (adding(member("README", b"x")), "unexpected file 'README'"),
    "several extra files": (adding(member("a"), member("b"), member("c")), r"unexpected file 'a' \(and 2 more files\)"),
    "an extra archive": (adding(member(f"blobs/sha256/{'0' * 64}", b"x")), "unexpected file"),
    "a symbolic link": (as_link, "is a symbolic link"),
    "a hard link to a file outside": (
        adding(member("evil", kind=tarfile.LNKTYPE, link="/etc/passwd")),
        "is a link to '/etc/passwd', which is no member before it",
    ),
    "a FIFO": (adding(member("evil", kind=tarfile.FIFOTYPE)), "is a FIFO"),
    "a device": (adding(member("evil", kind=tarfile.CHRTYPE)), "is a character device"),
    "a sparse file": (adding(member("evil", kind=tarfile.GNUTYPE_SPARSE)), "is a sparse file"),
    "a name twice": (adding(member("oci-layout", oci.LAYOUT_BYTES)), "it has 'oci-layout' twice"),
    "a flipped byte in an archive": (first_archive(flipped), "sha256 mismatch of blobs"),
    "a flipped byte in the index": (changing("index.json", flipped), "blobs/sha256/[0-9a-f]* is missing|index.json"),
    "a flipped byte in the layout": (changing("oci-layout", flipped), "oci-layout is not as provision writes it"),
    "an archive that is longer": (first_archive(lambda content: content + b"x"), "bytes; expected"),
    "no index": (without("index.json"), "index.json is missing"),
    "no names": (without(r"\d+/.*"), "is missing"),
    "some names missing": (without(r"\d+/.*3\.13\.8.*"), "3.13.8.* is missing"),
    "another lock": (replacing_lock, "sha256 mismatch of blobs"),
    "another size in the index": (
        changing("index.json", document(lambda index: index["manifests"][1].update(size=1))),
        "index.json is not as provision writes it",
    ),
    "an archive that is not in the lock": (
        changing("index.json", document(lambda index: index["manifests"].pop())),
        "unexpected file",
    ),
    "an archive in the index a thousand times": (
        changing("index.json", document(repeat_last)),
        "which is no archive or there twice",
    ),
    "an index that is no object": (changing("index.json", lambda _: b"[]"), "manifests is missing"),
    "an index of numbers": (changing("index.json", lambda _: b'{"manifests":[1]}'), "annotations is missing"),
    "a deep index": (changing("index.json", lambda _: b"[" * 100_000), "index.json is not JSON"),
    "a file above as one of the project": (with_title("../evil"), "'../evil' is no file of a project"),
    "a hook as a file of the project": (with_title(".git/hooks/post-checkout"), "is no file of a project"),
    "an attestation under another digest": (with_title(f"pythons.attestations/{'0' * 64}.json"), "is no file of a"),
    "a note of what is left out, of nothing": (
        adding(member("since.json", Since(index=Digest("0" * 64), left_out=(Digest("1" * 64),)).content())),
        "since.json is not as provision writes it",
    ),
    "a note of what is left out, not JSON": (adding(member("since.json", b"{")), "since.json is not JSON"),
}  # fmt: skip


def files_of(project: Project) -> list[Path]:
    return sorted(project.directory.parent.rglob("*"))


def refused(path: Path, far: Project) -> str:
    """Why `sync --bundle` refuses a bundle, after a check that it wrote nothing."""
    before = files_of(far)
    with pytest.raises(IntegrityError) as caught:
        sync_bundles(options_of(far), parse_scope([], ["all"]), [path], NoProgress())
    assert files_of(far) == before
    assert caught.value.hint
    with pytest.raises(IntegrityError):
        verify_bundle(path)
    return str(caught.value)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_is_refused_before_anything_is_written(
    name: str, bundle: Path, far: Project, tmp_path: Path
) -> None:
    change, reason = HOSTILE[name]
    message = refused(rewrite(bundle, tmp_path / "evil.tar", change), far)
    assert "evil.tar is not a valid bundle: " in message
    assert re.search(reason, message), message


def test_a_bundle_that_is_written_again_unchanged_is_accepted(bundle: Path, tmp_path: Path) -> None:
    again = rewrite(bundle, tmp_path / "again.tar", lambda members: members)
    assert verify_bundle(again).digest == verify_bundle(bundle).digest


def test_a_bundle_cut_at_any_byte_is_refused(bundle: Path, far: Project, tmp_path: Path) -> None:
    content = bundle.read_bytes()
    with tarfile.open(bundle) as tar:
        members = tar.getmembers()
        end = members[-1].offset + tarfile.BLOCKSIZE
    ends = {
        0,
        1,
        511,
        512,
        *(each.offset for each in members[1:]),
        *(each.offset_data + 1 for each in members),
        end,
        end + 512,
    }
    cut = tmp_path / "cut.tar"
    for length in sorted(ends):
        cut.write_bytes(content[:length])
        message = refused(cut, far)
        assert "is truncated" in message or "one of the two blocks" in message, length
    cut.write_bytes(content[:end] + bytes(1024))
    assert verify_bundle(cut).archives, "the blocks that end a tar file are enough"


@pytest.mark.parametrize("content", [b"x" * 10240, b"PK\x03\x04" + bytes(2000), b"\x1f\x8b" * 1000])
def test_a_file_that_is_not_a_tar_file_is_refused(content: bytes, far: Project, tmp_path: Path) -> None:
    path = tmp_path / "other.tar"
    path.write_bytes(content)
    assert "neither POSIX nor GNU tar" in refused(path, far)


def unpacked(bundle: Path, folder: Path) -> Path:
    with tarfile.open(bundle) as tar:
        tar.extractall(folder, filter="data")
    return folder


def links(root: Path) -> None:
    (root / "index.json").rename(root / "elsewhere")
    (root / "index.json").symlink_to("elsewhere")


def empty(root: Path) -> None:
    shutil.rmtree(root)
    root.mkdir()


def grows(root: Path) -> None:
    name = next(root.glob("2*/*"))
    name.write_bytes(name.read_bytes() + b"x")


def copies_wrongly(root: Path) -> None:
    name = next(root.glob("2*/*"))
    content = flipped(name.read_bytes())
    name.unlink()
    name.write_bytes(content)


DIRECTORIES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a symbolic link": (links, "'index.json' is a symbolic link"),
    "a link to a directory": (lambda root: (root / "more").symlink_to("blobs"), "'more' is a symbolic link"),
    "a FIFO": (lambda root: os.mkfifo(root / "pipe"), "'pipe' is not a regular file"),
    "an extra file": (lambda root: (root / ".DS_Store").touch(), "unexpected file '.DS_Store'"),
    "an archive that grew": (grows, "bytes; expected"),
    "nothing in it": (empty, "index.json is missing"),
}


@pytest.mark.skipif(os.name == "nt", reason="symbolic links and FIFOs")
@pytest.mark.parametrize("name", DIRECTORIES)
def test_a_hostile_directory_is_refused(name: str, bundle: Path, far: Project, tmp_path: Path) -> None:
    change, reason = DIRECTORIES[name]
    root = unpacked(bundle, tmp_path / "bundle")
    assert verify_bundle(root).archives
    change(root)
    assert reason in refused(root, far)


def test_a_copy_under_another_name_is_also_hashed(bundle: Path, tmp_path: Path) -> None:
    """A mirror would serve it."""
    root = unpacked(bundle, tmp_path / "bundle")
    copies_wrongly(root)
    with pytest.raises(IntegrityError, match=r"sha256 mismatch of \d+/cpython"):
        verify_bundle(root)


def test_a_bundle_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it does not exist"), open_bundle(tmp_path / "nothing.tar"):
        pass
    if os.name != "nt":
        os.mkfifo(tmp_path / "pipe.tar")
        with pytest.raises(UsageError, match="expected a directory or a tar file"), open_bundle(tmp_path / "pipe.tar"):
            pass


@pytest.mark.slow
def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.tar"
    blocks = BytesIO()
    for number in range(100_001):
        blocks.write(member(f"{number}")[0].tobuf(tarfile.USTAR_FORMAT))
    path.write_bytes(blocks.getvalue() + bytes(1024))
    with pytest.raises(IntegrityError, match="exceeds the limit of 100000 members"), open_bundle(path):
        pass


def test_a_flipped_byte_at_any_position_is_refused_or_has_no_effect(near: Near, tmp_path: Path) -> None:
    """Owners, times and modes in the headers are not read."""
    near.create(tmp_path / "one.tar", entry(VERSIONS[0]), targets=[HERE])
    facts, content = verify_bundle(tmp_path / "one.tar"), (tmp_path / "one.tar").read_bytes()
    damaged, refused = tmp_path / "damaged.tar", 0
    positions = range(0, len(content), 151)
    for position in positions:
        damaged.write_bytes(content[:position] + bytes([content[position] ^ 0x41]) + content[position + 1 :])
        try:
            found = verify_bundle(damaged)
        except IntegrityError:
            refused += 1
        else:
            assert replace(found, path=facts.path) == facts, position
    assert refused > len(positions) // 3
