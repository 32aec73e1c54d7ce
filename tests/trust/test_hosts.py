"""Only hosts that the user's settings allow are contacted: not directly, not through a proxy, not even a look-up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.proxy import Proxy
from tests.support.server import Server
from tests.support.variants import variants
from tests.trust.hostile import SHA, lock_text
from tests.trust.watching import Seen, look

POLICY = 5


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def canary(server: Server) -> Iterator[Proxy]:
    """A proxy for everything, behind which `evil.example` really responds: any request to it is seen."""
    server.put("c.ndjson", b"")
    with Proxy({"evil.example": server.port, "127.0.0.1.evil.example": server.port}) as proxy:
        yield proxy


def ask(project: Project, canary: Proxy, *words: str, **environ: str) -> Seen:
    proxies = {"http_proxy": canary.url, "https_proxy": canary.url, "all_proxy": canary.url}
    config = str(project.directory.parent / "config")
    return look(project, words, **{"GITHUB_TOKEN": "secret", "PROVISION_CONFIG_DIR": config, **proxies, **environ})


def refused(seen: Seen, canary: Proxy) -> None:
    assert seen.code == POLICY, seen.err
    assert seen.of("network") == ()
    assert canary.seen == []
    assert "secret" not in seen.out + seen.err


@pytest.mark.parametrize("command", [("lock",), ("sync",), ("lock", "--upgrade"), ("catalog", "list")])
def test_a_catalog_on_an_unknown_host_is_refused_before_any_connection(
    project: Project, canary: Proxy, command: tuple[str, ...]
) -> None:
    project.write('[settings]\ncatalogs = ["https://evil.example/c.ndjson"]\n[pythons]\none = "3.13.5"\n')
    seen = ask(project, canary, *command)
    refused(seen, canary)
    assert "host evil.example is not allowed" in seen.err
    assert "--allow-host evil.example" in seen.err
    assert not project.lock.exists()


def test_an_archive_on_an_unknown_host_is_refused_before_any_connection(project: Project, canary: Proxy) -> None:
    url = "https://evil.example/cpython-3.13.5.tar.gz"
    project.write(
        f'[pythons.one]\nversion = "3.13.5"\nurl = {{ linux-x86_64 = "{url}" }}\n'
        f'sha256 = {{ linux-x86_64 = "{SHA}" }}\n'
    )
    assert ask(project, canary, "lock", "--offline").code == 0
    refused(ask(project, canary, "sync"), canary)


@pytest.mark.parametrize("words", [("sync", "--frozen"), ("sync", "--frozen", "--target", "all")])
def test_a_lock_file_alone_does_not_allow_a_host(project: Project, canary: Proxy, words: tuple[str, ...]) -> None:
    project.write('[pythons]\none = "3.13.5"\n')
    project.lock.write_text(lock_text())
    refused(ask(project, canary, *words), canary)


@pytest.mark.parametrize(
    "url",
    variants(
        [
            "http://evil.example/c.ndjson",
            "http://127.0.0.1.evil.example/c.ndjson",
            "http://127.0.0.999/c.ndjson",
            "http://localhost.evil.example/c.ndjson",
            "http://github.com/c.ndjson",
            "http://2130706433/c.ndjson",
            "http://0.0.0.0/c.ndjson",
        ],
        quick=["http://127.0.0.1.evil.example/c.ndjson", "http://github.com/c.ndjson", "http://0.0.0.0/c.ndjson"],
    ),
)
def test_plain_http_is_allowed_for_this_machine_only(project: Project, canary: Proxy, url: str) -> None:
    project.write(f'[settings]\ncatalogs = ["{url}"]\n[pythons]\none = "3.13.5"\n')
    project.lock.write_text(lock_text(url=f'"{url}"'))
    for words, code in ((("lock",), 2), (("sync", "--frozen"), 4)):
        seen = ask(project, canary, *words)
        assert (seen.code, seen.of("network")) == (code, ()), seen.err
    assert canary.seen == []


@pytest.mark.parametrize(
    "way", ["option", *(pytest.param(way, marks=pytest.mark.slow) for way in ("variable", "file"))]
)
def test_only_the_user_can_allow_a_host(project: Project, canary: Proxy, way: str) -> None:
    project.write('[settings]\ncatalogs = ["https://evil.example/c.ndjson"]\n[pythons]\none = "3.13.5"\n')
    words, environ = ["lock"], {}
    match way:
        case "option":
            words += ["--allow-host", "evil.example"]
        case "variable":
            environ = {"PROVISION_ALLOW_HOSTS": "other.example, evil.example"}
        case _:
            config = project.directory.parent / "config"
            config.mkdir()
            (config / "config.toml").write_text('allow-hosts = ["evil.example"]\n')
    ask(project, canary, *words, PROVISION_DEADLINE="1", **environ)
    assert canary.seen, "it is asked now"


def test_a_repository_cannot_allow_a_host(project: Project, canary: Proxy) -> None:
    """Not in its manifest, nor in any file by a name that other programs read settings from."""
    project.write(
        '[settings]\ncatalogs = ["https://evil.example/c.ndjson"]\n[pythons]\none = "3.13.5"\n'
        '[policy]\nallow-hosts = ["evil.example"]\n'
    )
    for name in ("config.toml", ".provision.toml", "provision.toml", ".env", ".netrc"):
        (project.directory / name).write_text('allow-hosts = ["evil.example"]\nPROVISION_ALLOW_HOSTS=evil.example\n')
    refused(ask(project, canary, "lock"), canary)


def test_a_catalog_from_the_network_cannot_name_local_files(project: Project, server: Server) -> None:
    row = (
        '{"version": "3.13.5+20990101", "artifacts": [{"url": "file:///etc/passwd", "sha256": "' + SHA + '",'
        '"platform": "x86_64-unknown-linux-gnu", "variant": "install_only"}]}\n'
    )
    server.put("c.ndjson", row.encode())
    project.write(f'[settings]\ncatalogs = ["{server.url}/c.ndjson"]\n[pythons]\none = "3.13.5"\n')
    assert "a downloaded catalog cannot list files" in project.run("lock", expect=1).err


def test_a_local_file_is_used_by_its_sha256_only_and_never_printed(project: Project) -> None:
    secret = project.directory.parent / "secret"
    secret.write_text("hunter2\n")
    project.write(
        f'[settings]\ncatalogs = ["{secret}"]\n[pythons.one]\nversion = "3.13.5"\n'
        f'url = {{ linux-x86_64 = "file://{secret}" }}\nsha256 = {{ linux-x86_64 = "{SHA}" }}\n'
        '[pythons.two]\nversion = "3.13"\n'
    )
    for words in (("lock",), ("lock", "--offline"), ("status",), ("audit",)):
        ended = project.run(*words, expect=None)
        assert "hunter2" not in ended.out + ended.err
    project.lock.write_text(lock_text(url=f'"file://{secret}"'))
    ended = project.run("sync", "--frozen", expect=5)
    assert "hunter2" not in ended.out + ended.err
