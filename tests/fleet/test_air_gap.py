"""The archives of a lock, carried in bundles to machines without a network, and served from there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from provision.attest.kept import KeptBundles
from provision.catalog.components import LearnedTag
from provision.catalog.learned_components import learned_file, save_learned
from provision.cli.app import run_app
from provision.cli.commands.bundle import present_bundle_diff, present_created, present_synced_from_bundle
from provision.cli.console import Console
from provision.errors import (
    IntegrityError,
    LockFileError,
    LockTimeoutError,
    NetworkError,
    PolicyError,
    ProvisionError,
    UsageError,
)
from provision.fleet.bundle_read import open_bundle
from provision.fleet.bundle_write import write_bundle
from provision.lock.lock import Attestation
from provision.lock.read import read_lock
from provision.lock.write import format_lock
from provision.model import oci
from provision.model.asset import Digest
from provision.model.value import replace
from provision.protocols import NoProgress
from provision.store.archives import ArchiveCache
from provision.unpack.writer import MTIME
from provision.workflows.bundle import SyncedFromBundle, diff_bundles, sync_bundles, verify_bundle
from provision.workflows.catalog import catalog_directory
from provision.workflows.options import parse_scope
from provision.workflows.sync import Synced, sync
from tests.support.bundles import HERE, TARGETS, VERSIONS, Near, entry, options_of
from tests.support.project import COMMAND, Project
from tests.support.schemas import check_document
from tests.support.server import Server
from tests.support.servers.programs import ServerUnavailableError
from tests.support.servers.registry import Registry
from tests.support.trees import BUILD

ALL, MINE = parse_scope([], ["all"]), parse_scope([], [])


@pytest.fixture
def copy(near: Near, tmp_path: Path) -> Near:
    """The near side again, to be changed; its cache has all archives."""
    shutil.copytree(near.project.directory, tmp_path / "near" / "project")
    shutil.copytree(near.project.cache, tmp_path / "near" / "cache")
    return Near(Project(tmp_path / "near" / "project"), near.www)


@pytest.fixture(scope="session")
def digests(near: Near) -> dict[str, str]:
    """The digests of all trees of the near side, by their keys in the store."""
    return {one.key: str(one.digest) for one in sync(near.options, ALL, NoProgress()).installed}


def carry(far: Project, *bundles: Path, **choices: object) -> SyncedFromBundle:
    return sync_bundles(options_of(far), ALL, bundles, NoProgress(), **choices)  # type: ignore[arg-type]


def installed(synced: Synced) -> dict[str, str]:
    return {one.key: str(one.digest) for one in synced.installed}


def without_network(*words: str | Path) -> list[str]:
    """A command in a separate network namespace, which fails if that has more than an inactive loopback."""
    check = 'test "$(tail -n +3 /proc/net/dev | wc -l)" = 1 && exec "$@"'
    return ["unshare", "-rn", "sh", "-c", check, "sh", *map(str, words)]


@pytest.mark.slow
def test_a_machine_without_a_network_gets_the_same_trees_from_a_bundle(
    far: Project, bundle: Path, digests: dict[str, str]
) -> None:
    if shutil.which("unshare") is None or subprocess.run(without_network("true"), check=False).returncode:
        pytest.skip("no network namespace can be made here")
    command = without_network(*COMMAND, "sync", "--bundle", bundle, "--target", "all", "--json")
    done = subprocess.run(
        command, cwd=far.directory, env=far.environ(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    check_document("sync", document)
    made = {row["key"]: row["tree-digest"].removeprefix("sha256:") for row in document["installed"]}
    assert len(made) == len(VERSIONS) * len(TARGETS) == 12
    assert made == digests
    assert "error" not in done.stderr


def test_a_directory_works_as_the_tar_file_does(
    near: Near, far: Project, tmp_path: Path, digests: dict[str, str]
) -> None:
    near.create(tmp_path / "bundle")
    assert installed(carry(far, tmp_path / "bundle").synced) == digests
    again = carry(far, tmp_path / "bundle")
    assert again.synced.planned.plan.is_empty


def test_a_bundle_creates_the_project_if_there_is_none(
    near: Near, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = Project(tmp_path / "new" / "project")
    monkeypatch.chdir(new.directory)
    options = replace(options_of(new), manifest=None)
    done = sync_bundles(options, MINE, [bundle], NoProgress())
    assert new.manifest.read_bytes() == near.project.manifest.read_bytes()
    assert new.lock.read_bytes() == near.project.lock.read_bytes()
    said = present_synced_from_bundle(done, Console(environ={})).remarks
    assert said[:2] == ["wrote pythons.lock", "wrote pythons.toml"]
    assert (new.directory / ".pythons" / entry(VERSIONS[0]) / "bin" / "python").exists()
    assert sync_bundles(options, MINE, [bundle], NoProgress()).written == ()


@pytest.mark.parametrize("name", ["pythons.toml", "pythons.lock"])
def test_an_existing_project_is_not_replaced(
    name: str, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = Project(tmp_path / "new" / "project")
    monkeypatch.chdir(new.directory)
    (new.directory / name).write_text("")
    with pytest.raises(ProvisionError):
        sync_bundles(replace(options_of(new), manifest=None), ALL, [bundle], NoProgress())
    assert (new.directory / name).read_text() == ""
    assert not new.home.exists()
    assert not new.cache.exists()


def test_a_bundle_for_other_machines_creates_no_project(
    near: Near, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near.create(tmp_path / "away.tar", targets=[TARGETS[1]])
    new = Project(tmp_path / "new" / "project")
    monkeypatch.chdir(new.directory)
    with pytest.raises(NetworkError, match="lacks 4 archives of"):
        sync_bundles(replace(options_of(new), manifest=None), MINE, [tmp_path / "away.tar"], NoProgress())
    assert [path.name for path in new.directory.iterdir()] == [".git"]


def test_bundles_of_one_lock_file_are_identical_on_every_machine(
    near: Near, bundle: Path, copy: Near, tmp_path: Path
) -> None:
    before = os.umask(0o077)
    try:
        copy.create(tmp_path / "again.tar")
        copy.create(tmp_path / "dir")
    finally:
        os.umask(before)
    assert (tmp_path / "again.tar").read_bytes() == bundle.read_bytes()
    with tarfile.open(bundle) as tar:
        names = [each.name for each in tar.getmembers()]
        owners = {(each.uid, each.gid, each.uname, each.gname, each.mode, each.mtime) for each in tar.getmembers()}
        assert owners == {(0, 0, "", "", 0o644, MTIME)}
    assert sorted(names) == sorted(
        path.relative_to(tmp_path / "dir").as_posix() for path in (tmp_path / "dir").rglob("*") if path.is_file()
    )
    assert verify_bundle(tmp_path / "dir").digest == verify_bundle(bundle).digest


@pytest.mark.skipif(shutil.which("tar") is None, reason="tar is not installed")
def test_other_tars_unpack_it_and_pack_it_again(bundle: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xf", bundle, "-C", tmp_path], check=True)
    assert verify_bundle(tmp_path).digest == verify_bundle(bundle).digest
    again = tmp_path.parent / "again.tar"
    for style in ((), ("--format=gnu",), ("--format=posix",), ("--format=ustar",)):
        done = subprocess.run(["tar", *style, "-cf", again, "-C", tmp_path, "."], check=not style)
        if not done.returncode:  # not every tar has the option
            assert verify_bundle(again).digest == verify_bundle(bundle).digest


# Mirrors


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Near:
    """Like `near`, but not served like releases: its archives have no path by release and name."""
    root = tmp_path_factory.mktemp("odd")
    near = Near(Project(root / "project"), root / "www")
    with Server(near.www) as server:
        near.lock(server.url, VERSIONS[:1])
        (near.www / BUILD).rename(near.www / "files")
        near.project.write(near.project.manifest.read_text().replace(f"/{BUILD}/", "/files/"))
        near.project.lock.unlink()
        near.project.run("lock")
        near.create(root / "bundle")
    shutil.rmtree(near.www)
    return near


@pytest.mark.parametrize("layout", ["near", "odd"])
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_a_bundle_directory_can_be_used_as_a_mirror(
    layout: str, scheme: str, request: pytest.FixtureRequest, tmp_path: Path, server: Server
) -> None:
    """Of what is laid out as releases are, and by digest of all else; the origin is gone."""
    near: Near = request.getfixturevalue(layout)
    made = near.create(server.root / "bundle")
    assert all(bool(each.paths) == (layout == "near") for each in made.facts.archives)
    far = Project(tmp_path / "far" / "project")
    shutil.copy(near.project.manifest, far.manifest)
    shutil.copy(near.project.lock, far.lock)
    mirror = f"{server.url}/bundle" if scheme == "http" else (server.root / "bundle").as_uri()
    options = replace(options_of(far), mirrors=(mirror,), offline=scheme == "file")
    assert len(sync(options, ALL, NoProgress()).installed) == len(made.facts.archives)
    if scheme == "http":
        assert len(server.requests) == len(made.facts.archives), "each archive with one request"


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_a_bundle_directory_is_an_image_layout(near: Near, tmp_path: Path) -> None:
    made = near.create(tmp_path / "bundle", entry(VERSIONS[0]))
    for tag, count in (("project", 2), (oci.archive_tag(made.facts.archives[0].digest), 1)):
        subprocess.run(
            ["skopeo", "copy", "-q", f"oci:{tmp_path / 'bundle'}:{tag}", f"dir:{tmp_path / tag}"], check=True
        )
        manifest = json.loads((tmp_path / tag / "manifest.json").read_bytes())
        assert len(manifest["layers"]) == count
        for layer in manifest["layers"]:
            content = (tmp_path / tag / layer["digest"].removeprefix("sha256:")).read_bytes()
            assert f"sha256:{sha256(content).hexdigest()}" == layer["digest"]


def registry_manifest(registry: Registry, repository: str, tag: str) -> bytes:
    request = Request(f"{registry.url}/v2/{repository}/manifests/{tag}", headers={"Accept": oci.MANIFEST})
    with urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_a_bundle_copied_into_a_registry_equals_a_mirror_push(near: Near, far: Project, tmp_path: Path) -> None:
    made = near.create(tmp_path / "bundle", entry(VERSIONS[0]))
    try:
        with Registry(tmp_path / "registry") as registry:
            near.project.run("mirror", "push", f"oci://{registry.host}/pushed", "--jobs", "1")
            for archive in made.facts.archives:
                tag = oci.archive_tag(archive.digest)
                places = f"oci:{tmp_path / 'bundle'}:{tag}", f"docker://{registry.host}/copied:{tag}"
                subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", *places], check=True)
                manifests = [registry_manifest(registry, name, tag) for name in ("pushed", "copied")]
                assert manifests == [archive.manifest] * 2
            mirror = f"oci://{registry.host}/copied"
            options = replace(options_of(far), mirrors=(mirror,))
            assert len(sync(options, parse_scope([entry(VERSIONS[0])], ["all"]), NoProgress()).installed) == 3
    except ServerUnavailableError as error:
        pytest.skip(str(error))


# Parts: by entry, by target, since an earlier bundle


@pytest.fixture(scope="session")
def earlier(near: Near) -> Path:
    """A bundle of the first two entries."""
    path = near.project.directory.parent / "earlier.tar"
    near.create(path, entry(VERSIONS[0]), entry(VERSIONS[1]))
    return path


def test_all_selects_every_target_even_with_other_targets(near: Near, tmp_path: Path) -> None:
    words = ("bundle", "create", "-o", tmp_path / "all.tar", "--target", HERE, "--target", "all", "--json")
    document = near.project.run(*words).document()
    check_document("bundle-create", document)
    assert len(document["archives"]) == len(VERSIONS) * len(TARGETS)


def test_names_and_targets_select_archives_but_the_lock_file_is_complete(near: Near, tmp_path: Path) -> None:
    made = near.create(tmp_path / "part.tar", entry(VERSIONS[0]), targets=[HERE, TARGETS[1]])
    assert sorted(each.asset.target.short for each in made.facts.archives) == sorted([HERE, TARGETS[1]])
    assert {str(each.asset.version) for each in made.facts.archives} == {VERSIONS[0]}
    with open_bundle(tmp_path / "part.tar") as bundle:
        assert bundle.contents.files["pythons.lock"] == near.project.lock.read_bytes()


def test_a_bundle_since_an_earlier_one_has_the_rest_and_both_together_have_all(
    near: Near, bundle: Path, earlier: Path, far: Project, tmp_path: Path, digests: dict[str, str]
) -> None:
    rest = tmp_path / "rest.tar"
    made = near.create(rest, since=earlier)
    assert len(made.facts.carried) == len(made.facts.left_out) == 6
    assert made.facts.digest == verify_bundle(bundle).digest, "it is the same bundle, with less in it"
    assert made.facts == verify_bundle(rest)
    assert rest.stat().st_size < bundle.stat().st_size
    with pytest.raises(NetworkError) as caught:
        carry(far, rest)
    assert f"lacks 6 archives of {far.lock.name}:" in caught.value.message.replace(str(far.directory) + "/", "")
    assert f"in the bundle with index {verify_bundle(earlier).digest}" in caught.value.message
    assert caught.value.hint == f"Also pass the earlier bundle: `provision sync --bundle EARLIER --bundle {rest}`."
    assert not far.home.exists()
    assert installed(carry(far, rest, earlier).synced) == digests


def test_parts_unpacked_into_one_directory_are_a_complete_bundle(
    near: Near, bundle: Path, earlier: Path, tmp_path: Path
) -> None:
    near.create(tmp_path / "rest.tar", since=earlier)
    for path in (earlier, tmp_path / "rest.tar"):
        with tarfile.open(path) as tar:
            tar.extractall(tmp_path / "both", filter="data")
    for name in ("index.json", "since.json"):
        assert (tmp_path / "both" / name).exists()
    for blob in {*(tmp_path / "both/blobs/sha256").iterdir()}:
        with tarfile.open(bundle) as tar:
            if f"blobs/sha256/{blob.name}" not in tar.getnames():
                blob.unlink()
    assert verify_bundle(tmp_path / "both").left_out == frozenset()


def test_missing_archives_are_reported_with_the_command_for_the_next_bundle(
    near: Near, earlier: Path, far: Project, copy: Near, tmp_path: Path
) -> None:
    with pytest.raises(NetworkError) as caught:
        carry(far, earlier)
    first, *lines = caught.value.message.splitlines()
    assert first.startswith(f"{earlier} lacks 6 archives of ")
    assert "another lock file" not in first
    assert len(lines) == 6
    assert lines[0].strip().startswith(f"{entry(VERSIONS[2])}: cpython {VERSIONS[2]}+{BUILD} ")
    assert f"`provision bundle create --since {earlier} -o FILE.tar`" in (caught.value.hint or "")
    near.create(tmp_path / "next.tar", since=earlier)
    assert carry(far, earlier, tmp_path / "next.tar").synced.installed


def test_a_bundle_of_another_lock_file_is_refused_for_missing_archives(
    near: Near, bundle: Path, tmp_path: Path
) -> None:
    other = Near(Project(tmp_path / "other" / "project"), tmp_path / "www")
    with Server(other.www) as server:
        other.lock(server.url, ["3.13.4"])
    with pytest.raises(NetworkError, match=r"lacks 3 archives of .*; created from another lock file:"):
        carry(other.project, bundle)
    assert not other.project.home.exists()


def test_cached_and_installed_archives_may_be_missing_in_the_bundle(
    near: Near, bundle: Path, earlier: Path, far: Project
) -> None:
    options, version = options_of(far), parse_scope([entry(VERSIONS[3])], [])
    sync_bundles(options, version, [bundle], NoProgress())
    assert sync_bundles(options, version, [earlier], NoProgress()).synced.planned.plan.is_empty
    shutil.rmtree(far.home)
    assert len(sync_bundles(options, version, [earlier], NoProgress()).synced.installed) == 1, "from the cache"


def test_a_damaged_archive_in_the_cache_is_replaced(near: Near, bundle: Path, far: Project) -> None:
    cache = ArchiveCache(far.cache)
    digest = verify_bundle(bundle).archives[0].digest
    cache.prepare()
    cache.path(digest).write_bytes(b"damaged")
    carry(far, bundle)
    assert sha256(cache.path(digest).read_bytes()).hexdigest() == digest.hex


def test_the_wait_for_a_process_lock_has_the_configured_timeout(near: Near, bundle: Path, far: Project) -> None:
    cache = ArchiveCache(far.cache)
    with cache.lock(verify_bundle(bundle).archives[0].digest), pytest.raises(LockTimeoutError):
        sync_bundles(options_of(far, PROVISION_LOCK_TIMEOUT="0"), ALL, [bundle], NoProgress())
    assert not list(far.cache.rglob("*.part*"))


def test_diff_shows_the_archives_to_transfer(near: Near, bundle: Path, earlier: Path) -> None:
    diff = diff_bundles(earlier, bundle)
    assert (len(diff.added), len(diff.removed)) == (6, 0)
    answer = present_bundle_diff(diff, Console(environ={}), exit_code=True)
    check_document("bundle-diff", answer.document)
    assert (answer.code, len(answer.lines)) == (3, 6)
    assert answer.lines[0].startswith(("+ cpython 3.13.7", "+ cpython 3.13.8"))
    assert answer.remarks[0].startswith("6 archives to carry (")
    back = present_bundle_diff(diff_bundles(bundle, earlier), Console(environ={}), exit_code=True)
    assert (back.code, back.remarks[0]) == (0, "0 archives to carry (0 B), 6 no longer needed")


# Other files that a lock names


def attested(near: Near) -> bytes:
    """Give the lock an attestation of its build, and return its bytes."""
    content = b'{"dsseEnvelope":{}}'
    row = Attestation(
        build=BUILD,
        identity="https://github.com/example/pythons/.github/workflows/release.yml@refs/heads/main",
        issuer="https://token.actions.githubusercontent.com",
        repository_id=7,
        commit="0" * 40,
        bundle=Digest(sha256(content).hexdigest()),
        log_index=1,
    )
    lock = read_lock(near.project.lock).lock
    near.project.lock.write_text(format_lock(replace(lock, version="1.1", attestations=(row,))))
    return content


def test_a_bundle_contains_attestations_and_a_missing_one_is_an_error(
    copy: Near, far: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = attested(copy)
    name = f"pythons.attestations/{sha256(content).hexdigest()}.json"
    with pytest.raises(ProvisionError, match=r"is neither beside .*pythons\.lock nor in the cache") as caught:
        copy.create(tmp_path / "bundle.tar")
    assert caught.value.hint == "Run `provision attest` to download it."
    (copy.project.directory / name).parent.mkdir()
    (copy.project.directory / name).write_bytes(content)
    made = copy.create(tmp_path / "bundle.tar")
    assert present_created(made).document["attestations"] == 1
    shutil.copy(copy.project.lock, far.lock)
    carry(far, tmp_path / "bundle.tar")
    assert KeptBundles.of(far.cache, far.lock).read(Digest(sha256(content).hexdigest())) == content
    new = Project(tmp_path / "new" / "project")
    monkeypatch.chdir(new.directory)
    sync_bundles(replace(options_of(new), manifest=None), MINE, [tmp_path / "bundle.tar"], NoProgress())
    assert (new.directory / name).read_bytes() == content


def test_downloaded_components_are_in_the_bundle_as_a_file_for_the_cache(copy: Near, tmp_path: Path) -> None:
    learned = catalog_directory(copy.options)
    row = LearnedTag(versions={"openssl-3.5": "3.5.9"}, needs={"x86_64-unknown-linux-gnu": ("openssl-3.5",)})
    save_learned(learned, {BUILD: row, "20991231": row})
    made = copy.create(tmp_path / "bundle")
    content = (tmp_path / "bundle" / "components.json").read_bytes()
    assert list(json.loads(content)["tags"]) == [BUILD]
    far = tmp_path / "far"
    far.mkdir()
    (far / "components.json").write_bytes(content)
    assert learned_file(far, {BUILD}) == content
    assert made.facts == verify_bundle(tmp_path / "bundle")


# What cannot be created


def test_an_invalid_output_is_a_usage_error(near: Near, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "folder.tar").mkdir()
    for name in ("a.tar.gz", "a.tgz", "a.zip", "a.tar.zst"):
        with pytest.raises(UsageError, match=r"a file that ends in \.tar"):
            near.create(tmp_path / name)
    with pytest.raises(UsageError, match="already exists"):
        near.create(tmp_path / "full")
    with pytest.raises(UsageError, match="is not a file"):
        near.create(tmp_path / "folder.tar")
    with pytest.raises(UsageError, match=r"cannot read the bundle .*: it does not exist"):
        near.create(tmp_path / "a.tar", since=tmp_path / "nothing.tar")
    (tmp_path / "file.tar").touch()
    with pytest.raises(UsageError, match=r"cannot read the bundle .*: it does not exist"):
        near.create(tmp_path / "a.tar", since=tmp_path / "file.tar" / "nothing.tar")
    (tmp_path / "empty").mkdir()
    assert near.create(tmp_path / "empty").facts.archives


def test_an_earlier_bundle_is_not_replaced_by_the_one_that_leaves_out_its_archives(
    near: Near, earlier: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.tar"
    shutil.copy(earlier, own)
    with pytest.raises(UsageError, match="expected another path than that of `--since`"):
        near.create(own, since=tmp_path / "." / "own.tar")
    assert own.read_bytes() == earlier.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="symbolic links")
@pytest.mark.parametrize("name", ["out.tar", "out/a.tar", "out/a"])
def test_a_bundle_is_not_written_through_a_link_out_of_the_repository(name: str, copy: Near, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    place = copy.project.directory / name.partition("/")[0]
    place.symlink_to(tmp_path / "outside" / ("a.tar" if name == "out.tar" else ""))
    with pytest.raises(PolicyError, match="it links to"):
        copy.create(copy.project.directory / name)
    assert not any((tmp_path / "outside").iterdir())


def test_a_lock_that_is_out_of_date_is_not_bundled(copy: Near, tmp_path: Path) -> None:
    with copy.project.manifest.open("a") as file:
        file.write('more = "3.13"\n')
    with pytest.raises(LockFileError, match="out of date"):
        copy.create(tmp_path / "a.tar")
    assert not (tmp_path / "a.tar").exists()


@pytest.mark.parametrize("name", ["a.tar", "a"])
def test_a_bundle_is_complete_or_missing(name: str, near: Near, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_bytes(b"another archive")
    with open_bundle(bundle) as opened, pytest.raises(IntegrityError, match="changed while the bundle was written"):
        write_bundle(tmp_path / name, opened.contents, None, lambda _: tmp_path / "wrong")
    assert [path.name for path in tmp_path.iterdir()] == ["wrong"]


def test_an_earlier_tar_file_is_replaced(near: Near, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    near.create(path, entry(VERSIONS[0]))
    before = path.read_bytes()
    near.create(path, entry(VERSIONS[1]))
    assert path.read_bytes() != before
    assert len(verify_bundle(path).archives) == len(TARGETS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sync --bundle a.tar --no-locked", "`--bundle` cannot be combined with `--no-locked`"),
        ("sync --bundle a.tar today.plan", "a saved plan cannot be combined"),
        ("sync --bundle a.tar", "cannot read the bundle a.tar: it does not exist"),
        ("bundle create -o a.tar --target nothing", "--target: expected a target"),
        ("bundle create", "--output"),
    ],
)
def test_contradictory_options_are_a_usage_error(
    words: str, message: str, far: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(far.directory)
    with pytest.raises(UsageError, match=re.escape(message)):
        run_app(words.split())
