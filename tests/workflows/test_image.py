"""Images: the same digest everywhere, from trees or archives, on a base, in a layout or a registry."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from provision.errors import IntegrityError, LockFileError, ProvisionError, UsageError
from provision.fleet.image_base import LayoutSource, layout_source
from provision.fleet.image_layers import LinkedTree, links_layer
from provision.fleet.image_layout import ImageLayout
from provision.lock.read import read_lock
from provision.model.value import replace
from provision.protocols import NoProgress
from provision.workflows.image import ImageRequest, image
from provision.workflows.options import Options, Scope
from provision.workflows.plan import plan
from provision.workflows.store import verify
from tests.fleet.images import ENTRY, make, project
from tests.support import trees
from tests.support.builds import Build
from tests.support.images import read_layout, write_layout
from tests.support.registry import FakeRegistry, Quirks

KEY = "cpython-3.13.5+20261101-x86_64-unknown-linux-gnu-install_only_stripped-"
LOCK, SBOM = "vnd.provision.lock.digest", "vnd.provision.sbom.digest"


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """A project whose trees are installed."""
    directory = tmp_path_factory.mktemp("project")
    found = project(directory)
    make(found, directory / "first")
    return found


def elsewhere(options: Options, directory: Path, **environ: str) -> Options:
    """The same lock file on another machine."""
    assert options.manifest is not None
    directory.mkdir()
    (directory / ".git").mkdir()
    for path in (options.manifest, options.manifest.with_suffix(".lock")):
        shutil.copyfile(path, directory / path.name)
    shutil.copytree(options.manifest.parent / "archives", directory / "archives")
    return replace(
        options, environ=environ, home=directory / "h", cache=directory / "c", manifest=directory / "pythons.toml"
    )


def digests(made: Any) -> list[str]:
    return [str(made.image.digest), *(str(each.image.digest) for each in made.platforms)]


def files(layout: Path) -> dict[str, bytes]:
    return {path.relative_to(layout).as_posix(): path.read_bytes() for path in layout.rglob("*") if path.is_file()}


@pytest.mark.parametrize("archive_layer", [False, True])
def test_two_machines_create_identical_images(options: Options, tmp_path: Path, archive_layer: bool) -> None:
    here = make(options, tmp_path / "one", archive_layer=archive_layer)
    other = elsewhere(options, tmp_path / "other machine", PROVISION_CPU="v2", TZ="Asia/Tokyo")
    before = os.umask(0o077)
    try:
        there = make(other, tmp_path / "two", archive_layer=archive_layer)
    finally:
        os.umask(before)
    assert digests(here) == digests(there)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_trees_are_layers_with_links_to_their_commands(options: Options, tmp_path: Path) -> None:
    make(options, tmp_path / "layout")
    images = read_layout(tmp_path / "layout")
    assert sorted(images) == ["linux/amd64", "linux/arm64"]
    amd64 = images["linux/amd64"]
    members = amd64.members()
    (key,) = {name.split("/")[3] for name in members if name.startswith(f"opt/pythons/store/{KEY}")}
    for name in ("bin/python", "bin/python3", "bin/python3.13", "lib/python3.13"):
        assert members[f"opt/pythons/{name}"].linkname == f"../store/{key}/{name}"
        assert f"opt/pythons/store/{key}/{name}" in members
    assert {(each.uid, each.gid, each.uname, each.gname, each.mtime) for each in members.values()} == {
        (0, 0, "", "", 1704067200)
    }
    assert {oct(each.mode) for each in members.values()} == {"0o644", "0o755", "0o777"}
    assert amd64.config["config"] == {
        "Cmd": ["python"],
        "Env": ["PATH=/opt/pythons/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    }
    assert len(amd64.config["history"]) == len(amd64.layers) == 2


def test_an_image_lists_what_it_was_created_from(options: Options, tmp_path: Path) -> None:
    assert options.manifest is not None
    make(options, tmp_path / "layout", labels=("org.example.team=a=b",))
    for found in read_layout(tmp_path / "layout").values():
        notes = found.manifest["annotations"]
        sbom = found.content("opt/pythons/sbom.spdx.json")
        locked = options.manifest.with_suffix(".lock").read_bytes()
        assert notes[LOCK] == f"sha256:{hashlib.sha256(locked).hexdigest()}"
        assert notes[SBOM] == f"sha256:{hashlib.sha256(sbom).hexdigest()}"
        assert [each["name"] for each in json.loads(sbom)["packages"]] == ["python"]
        assert notes["org.opencontainers.image.created"] == found.config["created"] == "2026-11-01T00:00:00Z"
        assert found.config["config"]["Labels"] == {"org.example.team": "a=b"}
    later = replace(options, environ={"SOURCE_DATE_EPOCH": "1767225600"})
    make(later, tmp_path / "later")
    for found in read_layout(tmp_path / "later").values():
        assert found.config["created"] == "2026-01-01T00:00:00Z"
        assert found.manifest["annotations"]["org.opencontainers.image.created"] == "2026-01-01T00:00:00Z"
        assert {each["created"] for each in found.config["history"]} == {"2026-01-01T00:00:00Z"}


@pytest.mark.skipif(sys.platform == "win32", reason="links of a layer cannot always be made there")
def test_the_home_in_an_image_is_a_complete_store(options: Options, tmp_path: Path) -> None:
    made = make(options, tmp_path / "layout")
    for found in read_layout(tmp_path / "layout").values():
        for layer in found.layers:
            with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
                tar.extractall(tmp_path / "root", filter="tar")
    inside = replace(options, home=tmp_path / "root/opt/pythons", offline=True, cache=tmp_path / "no cache")
    assert plan(inside, Scope(all_targets=True)).plan.is_empty
    verified = verify(inside, (), repair=False, store_wide=True, progress=NoProgress())
    assert [each.differences for each in verified.trees] == [(), ()]
    behind = replace(inside, home=tmp_path / "empty", bases=(inside.home,))
    assert digests(make(behind, tmp_path / "from the image")) == digests(made)
    assert not (behind.home / "store").exists()


def test_a_tree_that_was_changed_is_not_put_into_an_image(options: Options, tmp_path: Path) -> None:
    other = elsewhere(options, tmp_path / "other")
    make(other, tmp_path / "before")
    (changed,) = other.home.glob("store/*x86_64*/lib/python3.13/os.py")
    changed.write_bytes(b"# changed" + changed.read_bytes()[9:])
    with pytest.raises(IntegrityError, match=r"lib/python3\.13/os\.py: the file is not as it was installed") as caught:
        make(other, tmp_path / "layout")
    assert caught.value.hint == "Run `provision verify --store --repair`."
    assert not (tmp_path / "layout" / "index.json").exists()
    assert not [path for path in (tmp_path / "layout").rglob("*") if path.name.startswith(".")]


def test_local_state_of_trees_does_not_change_an_image(options: Options, tmp_path: Path) -> None:
    """The URL in another project's lock, whether the interpreter could be started, the boot; cached bytecode."""
    other = elsewhere(options, tmp_path / "other")
    expected = digests(make(other, tmp_path / "before"))
    for path in other.home.glob("receipts/*.json"):
        receipt = json.loads(path.read_text())
        receipt["asset"] |= {"url": "https://mirror.example.com/a.tar.gz", "size": None, "published": None}
        receipt["probed"] = "skipped: this machine cannot run it" if receipt["probed"] == "ok" else "ok"
        path.write_text(json.dumps(receipt | {"boot": "", "settled": not receipt["settled"]}))
    for library in other.home.glob("store/*/lib/python3.13"):
        (library / "__pycache__").mkdir()
        (library / "__pycache__" / "os.cpython-313.pyc").write_bytes(b"cached")
    assert digests(make(other, tmp_path / "after")) == expected


@pytest.mark.parametrize(("compression", "suffix"), [("gzip", "+gzip"), ("zstd", "+zstd")])
def test_a_compressed_layer_contains_the_same_tar_file(
    options: Options, tmp_path: Path, compression: Any, suffix: str
) -> None:
    plain = make(options, tmp_path / "plain")
    packed = make(options, tmp_path / "packed", compression=compression)
    for before, after in zip(plain.platforms, packed.platforms, strict=True):
        assert [each.diff_id for each in before.layers] == [each.diff_id for each in after.layers]
        assert after.layers[0].descriptor.media_type.endswith(f".tar{suffix}")
        assert after.layers[0].descriptor.size < before.layers[0].descriptor.size
    assert read_layout(tmp_path / "packed").keys() == read_layout(tmp_path / "plain").keys()


def test_a_layer_does_not_depend_on_the_python_version_that_writes_it(tmp_path: Path) -> None:
    """If this digest changes, so do those of all images: of a link, and a file with a long name."""
    name = f"share/{'long/' * 30}ünïcode.py"
    tree = LinkedTree.of("opt/pythons/store/key", ["bin/python", name])
    layer = links_layer(ImageLayout(tmp_path), [tree], {name: b"print()\n"})
    assert str(layer.diff_id) == "27ff3cfd43bad20bc25b396bbfcdd3917e6526b0ef06a949d51be97dd5c2c7d1"


def test_an_archive_is_a_layer_whose_digest_is_the_locked_one(options: Options, tmp_path: Path) -> None:
    assert options.manifest is not None
    made = make(options, tmp_path / "layout", archive_layer=True)
    (entry,) = read_lock(options.manifest.with_suffix(".lock")).lock.pythons
    locked = {asset.target.short: asset.sha256 for asset in entry.assets}
    assert {each.platform.target.short: each.layers[0].descriptor.digest for each in made.platforms} == locked
    members = read_layout(tmp_path / "layout")["linux/arm64"].members()
    assert members["opt/pythons/bin/python"].linkname == "../../../python/bin/python"
    assert members["opt/pythons/lib/python3.13"].linkname == "../../../python/lib/python3.13"
    assert "python/bin/python3.13" in members


def test_an_archive_layer_belongs_to_one_entry(tmp_path: Path) -> None:
    two = project(tmp_path / "project", f"{ENTRY}\n{ENTRY.replace('default', 'other')}")
    with pytest.raises(UsageError, match=r"`--archive-layer` requires one entry.*got default, other"):
        make(two, tmp_path / "layout", archive_layer=True)
    assert not (tmp_path / "layout").exists()
    assert len(make(two, tmp_path / "layout", "other", archive_layer=True).platforms) == 2


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        ({"name": "python/lib/.wh.os.py"}, "has a name that removes files of other layers"),
        ({"name": "etc/passwd"}, "is not in the directory 'python'"),
        ({"name": "python/../etc/passwd"}, "has '..' in its path"),
        ({"name": "python/suid", "mode": 0o4755}, "has the special mode 4755"),
        ({"name": "python/out", "type": tarfile.SYMTYPE, "linkname": "../../etc"}, "is a link out of the tree"),
        ({"name": "python/out", "type": tarfile.SYMTYPE, "linkname": "/etc"}, "is a link to an absolute path"),
        ({"name": "python/hard", "type": tarfile.LNKTYPE, "linkname": "etc/shadow"}, "is a hard link to what is not"),
        ({"name": "python/null", "type": tarfile.CHRTYPE}, "is a character device"),
        ({"name": "python/bin/python3.13/x"}, "is under 'python/bin/python3.13', which is a file"),
        ({"name": "python/bin/python3.13"}, "is in the archive twice"),
    ],
)
def test_an_archive_that_sync_refuses_cannot_be_a_layer(tmp_path: Path, member: dict[str, Any], problem: str) -> None:
    """The runtime that unpacks the layer may be less strict."""
    build = trees.running(tmp_path / "builds")
    content = gzip.decompress(build.archive.read_bytes())
    more = tarfile.TarInfo()
    for name, value in member.items():
        setattr(more, name, value)
    end = content.rindex(bytes(1024)) if content.endswith(bytes(1024)) else len(content)
    content = content[:end].rstrip(b"\0")
    content += bytes(-len(content) % 512) + more.tobuf(tarfile.USTAR_FORMAT) + bytes(1024)
    build.archive.write_bytes(gzip.compress(content))
    hostile = project(tmp_path / "project", ENTRY.replace(', "linux-aarch64"', ""), [Build(build.archive)])
    with pytest.raises(IntegrityError) as caught:
        make(hostile, tmp_path / "layout", archive_layer=True)
    assert problem in str(caught.value)
    assert not list((tmp_path / "layout").glob("blobs/sha256/*"))


def test_a_tree_with_a_name_that_removes_files_of_other_layers_is_refused(tmp_path: Path) -> None:
    foreign = trees.build(
        tmp_path / "foreign",
        "linux-aarch64",
        {"bin/python3.13": trees.ELF_ARM, "lib/python3.13/.wh.os.py": "", "lib/python3.13/os.py": ""},
        trees.UNIX_LINKS,
    )
    hostile = project(tmp_path / "other", ENTRY.replace('"linux-x86_64", ', ""), [foreign])
    with pytest.raises(IntegrityError, match=r"\.wh\.os\.py cannot be in an image"):
        make(hostile, tmp_path / "layout")


def test_layers_are_added_to_a_base_image_and_its_settings_are_kept(options: Options, tmp_path: Path) -> None:
    config = {
        "Env": ["LANG=C.UTF-8", "PATH=/usr/bin:/bin"],
        "Cmd": ["bash"],
        "User": "1000",
        "WorkingDir": "/srv",
        "Labels": {"from": "base", "who": "base"},
    }
    roots = {platform: {"etc/os": platform.encode()} for platform in ("linux/amd64", "linux/arm64/v8", "linux/s390x")}
    for docker in (False, True):
        base = write_layout(tmp_path / f"base{docker}", roots, config=config, docker=docker)
        made = make(options, tmp_path / f"layout{docker}", base=str(base), labels=("who=me",))
        assert made.is_based
        images = read_layout(tmp_path / f"layout{docker}")
        assert sorted(images) == ["linux/amd64", "linux/arm64/v8"]
        for platform, found in images.items():
            assert found.content("etc/os").decode() == platform
            assert "opt/pythons/bin/python" in found.members()
            assert found.config["config"] == {
                **config,
                "Env": ["PATH=/opt/pythons/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
                "Cmd": ["python"],
                "Labels": {"from": "base", "who": "me"},
            }
            assert [each["created_by"].partition(":")[0] for each in found.config["history"]] == [
                "tests",
                "provision image",
                "provision image",
            ]
            assert found.manifest["annotations"]["org.opencontainers.image.base.digest"].startswith("sha256:")
            assert "org.opencontainers.image.base.name" not in found.manifest["annotations"]
            assert "docker" not in json.dumps(found.manifest)


@pytest.mark.parametrize(
    ("part", "change", "problem"),
    [
        ("manifest", {"layers": None}, "invalid: expected a list of descriptors"),
        (
            "manifest",
            {"layers": [{"digest": "sha512:00", "size": 1}]},
            "invalid: expected a sha256 digest, got 'sha512",
        ),
        ("manifest", {"config": {"digest": f"sha256:{'0' * 64}", "size": -1}}, "invalid: expected a size, got -1"),
        ("config", {"rootfs": {"diff_ids": []}}, "invalid: 1 layers and 0 digests"),
        ("config", {"rootfs": 3}, "invalid: expected an object"),
        ("config", {"architecture": "s390x"}, "is not for linux/amd64, only for linux/s390x"),
        ("config", {"x": float("nan")}, "invalid: the configuration has NaN"),
        ("manifest", {"layers": [{"digest": f"sha256:{'0' * 64}", "size": 1}] * 128}, "invalid: a layer is ''"),
        ("layer", {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar"}, "which cannot be copied"),
        ("top", {"mediaType": "application/vnd.provision.archive.v1"}, "not an image"),
    ],
)
def test_an_invalid_base_image_is_refused(
    options: Options, tmp_path: Path, part: str, change: dict[str, Any], problem: str
) -> None:
    base = write_layout(tmp_path / "base", {"linux/amd64": {"a": b"1"}}, changes={part: change})
    with pytest.raises(ProvisionError, match=problem) as caught:
        make(options, tmp_path / "layout", base=str(base), platforms=("linux/amd64",))
    assert caught.value.hint
    assert not (tmp_path / "layout").exists()


def test_a_configuration_that_cannot_be_written_again_is_refused(options: Options, tmp_path: Path) -> None:
    """Between what can be read and what can be written are a few levels, which depend on the calls around both."""

    def base(depth: int) -> str:
        nested: Any = []
        for _ in range(depth):
            nested = [nested]
        return str(write_layout(tmp_path / "base", {"linux/amd64": {"a": b"1"}}, changes={"config": {"x": nested}}))

    deepest = 600
    with suppress(RecursionError):
        while base(deepest):
            deepest += 4
    problems = []
    for depth in range(deepest - 160, deepest, 20):
        try:
            make(options, tmp_path / "layout", base=base(depth), platforms=("linux/amd64",))
            problems.append("")
        except ProvisionError as error:
            problems.append(error.message.rpartition(": ")[2])
    assert set(problems) == {"", "nested too deeply"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_layer_that_is_not_a_file_or_is_endless_is_refused(options: Options, tmp_path: Path) -> None:
    base = write_layout(tmp_path / "base", {"linux/amd64": {"a": b"1"}})
    (layer,) = (path for path in (base / "blobs/sha256").iterdir() if path.read_bytes().startswith(b"\x1f\x8b"))
    endless = tmp_path / "endless"
    with endless.open("wb") as file:
        file.truncate(1 << 40)
    for make_blob, problem in (
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: path.symlink_to(endless), "digest mismatch in what was copied"),
    ):
        layer.unlink()
        make_blob(layer)
        with pytest.raises(ProvisionError, match=problem):
            make(options, tmp_path / "layout", base=str(base), platforms=("linux/amd64",))


def test_an_unreadable_index_is_named_without_the_error_number(tmp_path: Path) -> None:
    base = write_layout(tmp_path / "base", {"linux/amd64": {"a": b"1"}})
    (base / "index.json").unlink()
    (base / "index.json").mkdir()
    with pytest.raises(ProvisionError) as caught:
        ImageLayout(base).images()
    assert caught.value.message == f"{base / 'index.json'} is invalid: it is not a regular file"


def test_a_directory_named_like_an_image_is_not_used_as_its_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull request can add a directory; only text in the form of a path is one."""
    write_layout(tmp_path / "debian", {"linux/amd64": {"a": b"1"}})
    monkeypatch.chdir(tmp_path)
    assert layout_source("debian") is None
    assert layout_source("debian:base") is None
    for text in ("./debian", "./debian:base", str(tmp_path / "debian"), f"../{tmp_path.name}/debian"):
        found = layout_source(text)
        assert found is not None, text
        assert found.image().size
    with pytest.raises(ProvisionError, match="has no image 'x'") as caught:
        LayoutSource(ImageLayout(Path("debian")), "x").image()
    assert caught.value.hint == "Pass `--base ./debian:NAME`. Images: base."


def test_an_unsuitable_base_image_leaves_no_image(options: Options, tmp_path: Path) -> None:
    base = write_layout(tmp_path / "base", {"linux/amd64": {"a": b"1"}})
    with pytest.raises(ProvisionError, match="the base image is not for linux/arm64, only for linux/amd64"):
        make(options, tmp_path / "layout", base=str(base))
    assert not (tmp_path / "layout").exists()
    with pytest.raises(ProvisionError, match="has no image 'other'") as caught:
        make(options, tmp_path / "layout", base=f"{base}:other")
    assert caught.value.hint == f"Pass `--base {base}:NAME`. Images: base."
    for path in (str(tmp_path), str(tmp_path / "nothing"), "./nothing:1"):
        with pytest.raises(UsageError, match="expected an OCI image layout, an image reference or scratch; got the pa"):
            make(options, tmp_path / "layout", base=path)
    blobs = [path for path in (base / "blobs/sha256").iterdir() if path.read_bytes()[:2] == b"\x1f\x8b"]
    blobs[0].write_bytes(blobs[0].read_bytes()[:-1] + b"!")
    with pytest.raises(IntegrityError, match="digest mismatch in what was copied"):
        make(options, tmp_path / "layout", base=str(base), platforms=("linux/amd64",))
    assert not (tmp_path / "layout" / "index.json").exists()


def test_a_layout_keeps_its_other_images_and_other_directories_are_refused(options: Options, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", {"linux/amd64": {"a": b"1"}})
    make(options, layout, name="python")
    make(options, layout, name="python", platforms=("linux/amd64",))
    assert sorted(read_layout(layout, "python")) == ["linux/amd64"]
    assert read_layout(layout, "base")["linux/amd64"].content("a") == b"1"
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "file").touch()
    for path in (tmp_path / "directory", tmp_path / "directory" / "file"):
        with pytest.raises(UsageError, match="expected a new directory or an OCI image layout"):
            make(options, path)


def push(options: Options, reference: str, **more: Any) -> Any:
    return image(options, ImageRequest(push=reference, **more), NoProgress())


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(login=("me", "secret"), token=True)], ids=["open", "token"])
def test_a_pushed_image_equals_the_image_in_a_layout(options: Options, tmp_path: Path, quirks: Quirks) -> None:
    expected = make(options, tmp_path / "layout")
    with FakeRegistry(quirks) as registry:
        login = "me:secret@" if quirks.login else ""
        made = push(options, f"{login}{registry.host}/team/python:3.13")
        assert digests(made) == digests(expected)
        assert made.places == (f"{registry.host}/team/python:3.13",)
        manifests = registry.content.manifests
        top = json.loads(manifests["team/python", "3.13"][1])
        assert [each["digest"] for each in top["manifests"]] == [f"sha256:{each}" for each in digests(made)[1:]]
        for each in made.platforms:
            manifest = json.loads(manifests["team/python", f"sha256:{each.image.digest}"][1])
            for blob in (manifest["config"], *manifest["layers"]):
                assert ("team/python", blob["digest"].removeprefix("sha256:")) in registry.content.blobs
            (referring,) = json.loads(manifests["team/python", f"sha256-{each.image.digest}"][1])["manifests"]
            sbom = json.loads(manifests["team/python", referring["digest"]][1])
            assert sbom["subject"]["digest"] == f"sha256:{each.image.digest}"
            assert sbom["artifactType"] == referring["artifactType"] == "application/spdx+json"
            assert sbom["layers"][0]["digest"] == manifest["annotations"][SBOM]
        sent = registry.count("PUT /v2/team/python/blobs")
        assert digests(push(options, f"{login}{registry.host}/team/python:3.13")) == digests(made)
        assert registry.count("PUT /v2/team/python/blobs") == sent
    assert not [path for path in options.cache.iterdir() if "image" in path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="there, what a killed run left is known by its age")
def test_leftovers_of_a_killed_run_are_removed_by_the_next(options: Options, tmp_path: Path) -> None:
    number = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout.strip()
    make(options, tmp_path / "layout")
    blob = tmp_path / f"layout/blobs/sha256/.blob.{number}.0123abcd.new"
    blob.write_bytes(b"half")
    left = options.cache / f".image.{number}.0123abcd.new"
    (left / "blobs").mkdir(parents=True)
    with FakeRegistry() as registry:
        image(options, ImageRequest(push=f"{registry.host}/a:1"), NoProgress())
    make(options, tmp_path / "layout")
    assert not blob.exists()
    assert not left.exists()


def test_a_damaged_blob_in_the_layout_is_written_again(options: Options, tmp_path: Path) -> None:
    base = write_layout(tmp_path / "base", {"linux/amd64": {"a": b"1"}})
    request: dict[str, Any] = {"base": str(base), "platforms": ("linux/amd64",)}
    make(options, tmp_path / "layout", **request)
    for blob in (tmp_path / "layout/blobs/sha256").iterdir():
        blob.write_bytes(bytes(blob.stat().st_size))
    make(options, tmp_path / "layout", **request)
    assert read_layout(tmp_path / "layout")["linux/amd64"].content("a") == b"1"


def test_layers_of_a_base_from_a_registry_are_not_sent_there_again(options: Options, tmp_path: Path) -> None:
    base = write_layout(tmp_path / "base", {"linux/amd64": {"a": b"1"}, "linux/arm64": {"a": b"2"}}, docker=True)
    with FakeRegistry() as registry:
        for path in (base / "blobs/sha256").iterdir():
            registry.put_blob("library/debian", path.read_bytes())
            if path.read_bytes().startswith(b"{"):
                document = json.loads(path.read_bytes())
                if "mediaType" in document:
                    tag = "13" if "manifests" in document else f"sha256:{path.name}"
                    registry.put_manifest("library/debian", tag, path.read_bytes(), document["mediaType"])
        reference = f"{registry.host}/library/debian:13"
        made = push(options, f"{registry.host}/team/python:3.13", base=reference)
        here = make(options, tmp_path / "layout", base=str(base))
        for platform, local in zip(made.platforms, here.platforms, strict=True):
            body = json.loads(registry.content.manifests["team/python", f"sha256:{platform.image.digest}"][1])
            own = read_layout(tmp_path / "layout")[str(local.platform.platform)].manifest
            assert body["annotations"].pop("org.opencontainers.image.base.name") == reference
            assert body == own
        with pytest.raises(ProvisionError, match="the registry has no image"):
            push(options, f"{registry.host}/team/python:3.13", base=f"{registry.host}/library/debian:99")


def test_a_damaged_layer_from_a_registry_is_an_error(options: Options, tmp_path: Path) -> None:
    base = write_layout(tmp_path / "base", {"linux/amd64": {"a": b"1"}})
    with FakeRegistry() as registry:
        for path in (base / "blobs/sha256").iterdir():
            content = path.read_bytes()
            registry.put_blob("b", content)
            if content.startswith(b"{") and b'"layers": [' in content and b"rootfs" not in content:
                registry.put_manifest("b", "1", content, json.loads(content)["mediaType"])
            if content.startswith(b"\x1f\x8b"):
                registry.content.blobs["b", path.name] = content[:-1] + b"!"
        with pytest.raises(IntegrityError):
            push(options, f"{registry.host}/t:1", base=f"{registry.host}/b:1", platforms=("linux/amd64",))
        assert ("t", "1") not in registry.content.manifests


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({"push": "r.example.com/"}, "--push: 'r.example.com/' is not the name of an image"),
        ({"push": f"r.example.com/i@sha256:{'a' * 64}"}, "--push: the image to push cannot have a digest"),
        ({"push": "name:tag"}, "--push: 'name:tag' names no registry"),
        ({"push": "oci://r.example.com/i:1"}, "--push: expected a name without oci://"),
        ({"base": "UPPER/case"}, "invalid repository"),
        ({"archive_layer": True, "compression": "gzip"}, "`--compression` cannot be combined with `--archive-layer`"),
        ({"name": "two words"}, "--name: expected a name such as latest or python:3.14, got 'two words'"),
        ({"labels": ("nothing",)}, "--label: expected KEY=VALUE, got 'nothing'"),
    ],
)
def test_invalid_options_are_refused_before_any_work(
    options: Options, tmp_path: Path, request_: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        image(options, ImageRequest(output=tmp_path / "layout", **request_), NoProgress())
    assert not (tmp_path / "layout").exists()


def test_an_out_of_date_lock_file_is_refused_unless_frozen(options: Options, tmp_path: Path) -> None:
    other = elsewhere(options, tmp_path / "other")
    assert other.manifest is not None
    other.manifest.write_text(other.manifest.read_text().replace("3.13.5", "3.13.4"))
    with pytest.raises(LockFileError, match="out of date"):
        make(other, tmp_path / "layout")
    assert digests(make(other, tmp_path / "layout", frozen=True)) == digests(make(options, tmp_path / "layout2"))


def test_bytecode_that_this_machine_cannot_compile_is_refused(tmp_path: Path) -> None:
    entry = ENTRY.replace('"linux-x86_64", ', "").replace(" }", ', bytecode = "unchecked-hash" }')
    foreign = project(tmp_path / "project", entry, [trees.linux_arm(tmp_path / "builds")])
    with pytest.raises(ProvisionError, match=r"entry 'default' requests bytecode.* cannot run linux-aarch64"):
        make(foreign, tmp_path / "layout")


def test_commands_shared_by_several_entries_belong_to_the_default_entry(tmp_path: Path) -> None:
    older = trees.build(
        tmp_path / "builds", "linux-aarch64", {"bin/python3.12": "#!/bin/sh\n", "lib/python3.12/os.py": ""},
        {"bin/python3": "python3.12", "bin/python": "python3.12"}, version="3.12.4",
    )  # fmt: skip
    arm: Build = trees.linux_arm(tmp_path / "builds")
    pinned = 'build = "20261101", targets = ["linux-aarch64"]'
    entries = f'a = {{ version = "3.12.4", {pinned} }}\nb = {{ version = "3.13.5", {pinned}'
    for more, series in ((" }", "3.12"), (", default = true }", "3.13")):
        both = project(tmp_path / series, f"{entries}{more}", [older, arm])
        make(both, tmp_path / f"layout{series}")
        members = read_layout(tmp_path / f"layout{series}")["linux/arm64"].members()
        assert f"cpython-{series}" in members["opt/pythons/bin/python"].linkname
        assert "cpython-3.12" in members["opt/pythons/bin/python3.12"].linkname
        assert "cpython-3.13" in members["opt/pythons/bin/python3.13"].linkname
