"""`provision image` as users run it; its images read, copied and run by container tools."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.fleet.image_layers import HOME
from provision.protocols import NoProgress
from provision.workflows.image import ImageRequest, image
from provision.workflows.options import Scope
from provision.workflows.sync import sync
from tests.fleet.images import make, project
from tests.support.builds import Build
from tests.support.images import read_layout, write_layout
from tests.support.project import COMMAND, Project
from tests.support.servers.containers import debian_root, need, run_in_image
from tests.support.servers.programs import ServerUnavailableError
from tests.support.servers.registry import PASSWORD, USER, Registry
from tests.support.strangers import without_privilege
from tests.support.trees import BUILD

ROOT = Path(__file__).resolve().parents[2]
FLEET = ROOT / "docs" / "fleet.md"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="images are of Linux, and run there")

# The libraries that the test interpreters are linked with; a shell for what tests start.
_PACKAGES = ("libc6", "dash", "coreutils", "zlib1g", "libexpat1", "libffi8", "libssl3t64", "libuuid1", "liblzma5")


@contextmanager
def available() -> Iterator[None]:
    """Skip the test if something that the body needs is missing."""
    try:
        yield
    except ServerUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def root_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that gives packages of Debian for a processor, unpacked once."""

    @cache
    def of(arch: str, *packages: str) -> Path:
        with available():
            return debian_root(tmp_path_factory.mktemp(arch), arch, *packages)

    return of


def sh(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_reports_created_images_and_refuses_impossible_ones(tmp_path: Path) -> None:
    options = project(tmp_path / "project")
    typed = Project(tmp_path / "project", home=options.home, cache=options.cache)
    ended = typed.run("image", "-o", "out", "--platform", "linux/arm64,linux/amd64", "--label", "a=b", "--json")
    document = ended.document()
    assert [each["platform"] for each in document["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert document["places"] == ["out:latest"]
    assert "note: the image has no C library" in ended.err
    assert "wrote out:latest for linux/amd64, linux/arm64: 4 layers, " in ended.err
    again = typed.run("image", "-o", "again", "--label", "a=b")
    assert again.out == f"{document['digest']}\n"
    assert "`provision image` requires `--output` or `--push`" in typed.run("image", expect=2).err
    said = typed.run("image", "-o", "x", "--compression", "xz", expect=2).err
    assert "--compression: expected one of none, gzip, zstd; got 'xz'" in said
    assert "is not locked for linux/s390x" in typed.run("image", "-o", "x", "--platform", "linux/s390x", expect=4).err
    assert not (tmp_path / "project" / "x").exists()


@pytest.mark.slow
def test_another_user_with_another_home_gets_the_same_digests(builds: tuple[Build, ...], tmp_path: Path) -> None:
    """Of a real interpreter, which each of the two installs."""
    options = project(tmp_path / "project", f"one = {builds[-1].entry}", builds[-1:])
    other = Project(tmp_path / "project", home=tmp_path / "home of another", cache=tmp_path / "cache of another")
    for more in ((), ("--archive-layer",)):
        here = make(options, tmp_path / f"here{len(more)}", archive_layer=bool(more))
        words = (*COMMAND, "image", "-o", str(tmp_path / f"there{len(more)}"), *more)
        done = subprocess.run(
            without_privilege(["sh", "-c", 'umask 77; exec "$@"', "-", *words], uid=1234),
            env=other.environ({"HOME": str(tmp_path / "home"), "TZ": "Asia/Tokyo", "LC_ALL": "C"}),
            cwd=other.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, f"sha256:{here.image.digest}\n"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("archive_layer", [False, True], ids=["tree", "archive"])
def test_an_image_pushed_to_a_real_registry_is_pulled_unchanged(tmp_path: Path, archive_layer: bool) -> None:
    options = project(tmp_path / "project")
    expected = make(options, tmp_path / "layout", archive_layer=archive_layer)
    with available(), Registry(tmp_path / "registry", auth="token") as registry:
        need("skopeo", "skopeo")
        reference = f"{registry.host}/team/python:3.13"
        for _ in range(2):
            request = ImageRequest(push=f"{USER}:{PASSWORD}@{reference}", archive_layer=archive_layer)
            assert image(options, request, NoProgress()).image == expected.image
        login = ("--src-creds", f"{USER}:{PASSWORD}", "--src-tls-verify=false")
        copy = ("--all", "--preserve-digests", f"docker://{reference}", f"oci:{tmp_path / 'pulled'}:latest")
        sh("skopeo", "copy", "-q", *login, *copy)
        based = image(
            options, ImageRequest(output=tmp_path / "next", base=f"{USER}:{PASSWORD}@{reference}"), NoProgress()
        )
    assert read_layout(tmp_path / "pulled") == read_layout(tmp_path / "layout")
    notes = read_layout(tmp_path / "next")["linux/arm64"].manifest["annotations"]
    assert notes["org.opencontainers.image.base.name"] == reference
    assert notes["org.opencontainers.image.base.digest"] == f"sha256:{expected.platforms[1].image.digest}"
    assert based.is_based


@pytest.mark.slow
@pytest.mark.parametrize("archive_layer", [False, True], ids=["tree", "archive"])
def test_a_real_interpreter_runs_in_its_image(
    builds: tuple[Build, ...], root_of: Callable[..., Path], tmp_path: Path, archive_layer: bool
) -> None:
    target = str(builds[-1].name.target.arch)
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(target) or pytest.skip(f"no base for {target}")
    base = write_layout(tmp_path / "base", {f"linux/{arch}": root_of(arch, *_PACKAGES)}, config={"Cmd": ["sh"]})
    options = project(tmp_path / "project", f"one = {builds[-1].entry}", builds[-1:])
    made = make(options, tmp_path / "layout", base=str(base), archive_layer=archive_layer)
    with available():
        need("skopeo", "skopeo")
        shown = json.loads(sh("skopeo", "inspect", f"oci:{tmp_path / 'layout'}:latest"))
        assert shown["Digest"] == f"sha256:{made.image.digest}"
        assert shown["Env"][0].startswith("PATH=/opt/pythons/bin:")
        sh(
            "skopeo",
            "copy",
            "-q",
            "--preserve-digests",
            f"oci:{tmp_path / 'layout'}:latest",
            f"oci:{tmp_path / 'copy'}:other",
        )
        assert read_layout(tmp_path / "copy", "other") == read_layout(tmp_path / "layout")
        moved = "/python" if archive_layer else "/opt/pythons"
        script = f"""
            set -e
            cp -a {moved}/. /tmp/moved
            /tmp/moved/bin/python -V
            python -V
            python3 -c 'import sys; print(sys.prefix)'
            python -m venv --without-pip /tmp/v
            /tmp/v/bin/python -c 'import sys, encodings, sysconfig; print(sys.base_prefix)'
        """
        done = run_in_image(f"{tmp_path / 'layout'}:latest", tmp_path, "sh", "-c", script, arch=arch)
    assert done.returncode == 0, done.stderr
    copied, version, prefix, base_prefix = done.stdout.splitlines()
    assert copied == version == f"Python {builds[-1].name.version}"
    assert prefix.startswith("/python" if archive_layer else "/opt/pythons/store/cpython-")
    assert base_prefix == "/opt/pythons"


@pytest.mark.slow
def test_an_arm64_image_created_here_runs_under_emulation(root_of: Callable[..., Path], tmp_path: Path) -> None:
    """Its interpreter is Debian's, as no other build for ARM is available, in upstream's layout."""
    root = root_of("arm64", "python3.13", "libpython3.13-stdlib", *_PACKAGES)
    archive = tmp_path / f"cpython-3.13.5+{BUILD}-aarch64-unknown-linux-gnu-install_only_stripped.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(root / "usr/bin/python3.13", "python/bin/python3.13")
        tar.add(root / "usr/lib/python3.13", "python/lib/python3.13", filter=_plain)
        for name in ("python", "python3"):
            link = tarfile.TarInfo(f"python/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "python3.13"
            tar.addfile(link)
    base = write_layout(tmp_path / "base", {"linux/arm64": root})
    entry = f'arm = {{ version = "3.13.5", build = "{BUILD}", targets = ["linux-aarch64"] }}'
    options = project(tmp_path / "project", entry, [Build(archive)])
    make(options, tmp_path / "layout", base=str(base))
    with available():
        script = "import platform, sys, ssl; print(platform.machine(), sys.version_info[:2], sys.prefix[:19])"
        done = run_in_image(f"{tmp_path / 'layout'}:latest", tmp_path, "python", "-c", script, arch="arm64")
    assert (done.returncode, done.stdout) == (0, "aarch64 (3, 13) /opt/pythons/store/\n"), done.stderr


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Debian links some files to its own configuration, out of the tree."""
    return None if member.issym() and (member.linkname.startswith("/") or "../.." in member.linkname) else member


@pytest.mark.slow
def test_python_works_in_the_image_of_the_dockerfile_in_the_manual(
    builds: tuple[Build, ...], root_of: Callable[..., Path], tmp_path: Path
) -> None:
    """Its last stage, made by hand: what it copies, and its `PATH` and command."""
    if builds[-1].name.target.arch != "x86_64":
        pytest.skip("the base is for x86-64")
    (text,) = re.findall(r"```dockerfile\n(FROM python.*?)```", (ROOT / "docs" / "ci.md").read_text(), re.DOTALL)
    last = text[text.rindex("FROM ") :]
    home = re.findall(r"^ENV PROVISION_HOME=(\S+)$", text, re.MULTILINE)[0]
    copies = re.findall(r"^COPY --from=pythons (\S+) (\S+)$", last, re.MULTILINE)
    assert copies == [(home, home), ("/project/.pythons", "/project/.pythons")]
    path = re.findall(r"^ENV PATH=(\S+):\$PATH$", last, re.MULTILINE)[0]
    # The paths of the Dockerfile, below the directory of the test: links and launchers name them.
    options = project(tmp_path / "project", f"default = {builds[-1].entry}", builds[-1:], home=tmp_path / home[1:])
    sync(options, Scope(), NoProgress())
    root = tmp_path / "root"
    shutil.copytree(root_of("amd64", *_PACKAGES), root, symlinks=True)
    for source, _ in copies:
        shutil.copytree(f"{tmp_path}{source}", f"{root}{tmp_path}{source}", symlinks=True)
    command = json.loads(re.findall(r"^CMD (.*)$", last, re.MULTILINE)[0])
    config = {"Env": [f"PATH={tmp_path}{path}:/usr/bin"], "Cmd": command}
    layout = write_layout(tmp_path / "layout", {"linux/amd64": root}, config=config)
    with available():
        done = run_in_image(f"{layout}:base", tmp_path, *command, "-V")
    assert (done.returncode, done.stdout) == (0, f"Python {builds[-1].name.version}\n"), done.stderr


def test_the_pods_of_the_manual_mount_their_declared_volumes() -> None:
    pods = [
        yaml.safe_load(text)["spec"] for text in re.findall(r"```yaml\n(spec:.*?)```", FLEET.read_text(), re.DOTALL)
    ]
    assert len(pods) == 2
    for pod in pods:
        containers = [*pod.get("initContainers", ()), *pod["containers"]]
        mounts = [mount for each in containers for mount in each["volumeMounts"]]
        assert {mount["name"] for mount in mounts} == {volume["name"] for volume in pod["volumes"]}
        path = pod["containers"][0]["env"][0]["value"].split(":")[0]
        assert (f"/{HOME}", f"/{HOME}/bin") == (pod["containers"][0]["volumeMounts"][0]["mountPath"], path)
    assert pods[0]["containers"][0]["volumeMounts"][0]["subPath"] == HOME
    assert pods[1]["initContainers"][0]["command"] == ["cp", "-a", f"/{HOME}/.", "/shared"]


def test_the_base_of_these_tests_is_read_as_it_was_written(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "base", {"linux/amd64": {"a": b"1"}, "linux/arm64": {"a": b"2"}})
    contents: dict[str, Any] = {name: found.content("a") for name, found in read_layout(layout, "base").items()}
    assert contents == {"linux/amd64": b"1", "linux/arm64": b"2"}
