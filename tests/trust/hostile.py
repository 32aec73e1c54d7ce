"""Manifests, locks and files that a hostile pull request brings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.support.project import Project

ESCAPE = "\x1b]0;owned\x07\x1b[2J"
# Names that control terminals, logs, shells, paths and option parsers, in TOML's spelling.
_NAMES = {
    "escapes": "\\u001b]0;owned\\u0007\\u001b[2J",
    "right-to-left": "\\u202elmot.snohtyp",
    "a line break": "x\\n::error file=a,line=1::owned",
    "an older command": "##[add-mask]owned",
    "Azure's command": "##vso[task.setvariable variable=PATH]owned",
    "a path": "../../../../tmp/owned",
    "an absolute path": "/tmp/owned",
    "an option": "-rf",
    "a long option": "--home=/tmp/owned",
    "a shell": "$(touch /tmp/owned)`touch /tmp/owned`",
    "nothing": "",
    "much": "x" * 5000,
    "a reserved name": "bin",
    "a NUL": "x\\u0000y",
    "another alphabet": "рython",
}
_URLS = {
    "plain http": "http://evil.example/cpython-3.13.5.tar.gz",
    "a look-alike": "http://127.0.0.1.evil.example/x.tar.gz",
    "credentials": "https://github.com@evil.example/x.tar.gz",
    "a backslash": "https://evil.example\\\\@github.com/x.tar.gz",
    "another scheme": "gopher://evil.example/x.tar.gz",
    "no URL": "-oProxyCommand=owned",
    "a command in the fragment": "https://evil.example/x##[add-mask]owned",
    "a unicode host": "https://ｇithub.com/x.tar.gz",
}
_CATALOGS = {"unknown": "https://evil.example/c.ndjson", "a device": "/dev/zero", "a file": "/etc/passwd"}
SHA = "0123456789abcdef" * 4
SOUND = '[pythons]\none = "3.13.5"\n'


def lock_text(**changes: str) -> str:
    """A lock with one row, and some of its values exchanged; each is TOML."""
    values = {
        "lock_version": '"1.0"',
        "name": '"one"',
        "request": f'"sha256:{SHA}"',
        "implementation": '"cpython"',
        "version": '"3.13.5"',
        "build": '"20250723"',
        "build_options": '["lto", "pgo"]',
        "flavor": '"install_only_stripped"',
        "target": '"x86_64-unknown-linux-gnu"',
        "cpu": '"baseline"',
        "url": '"https://evil.example/cpython-3.13.5.tar.gz"',
        "sha256": f'"{SHA}"',
        **changes,
    }
    lines = [f"{key.replace('_', '-')} = {value}\n" for key, value in values.items()]
    return "".join([lines[0], "\n[[python]]\n", *lines[1:8], "\n[[python.asset]]\n", *lines[8:]])


Case = Callable[[Project], None]


def _files(manifest: str = SOUND, lock: str = "") -> Case:
    def bring(project: Project) -> None:
        project.write(manifest)
        project.lock.write_text(lock or lock_text())

    return bring


def _forged_links(project: Project) -> None:
    """A `.pythons` as if everything were installed: links, commands and a stamp that lead to the repository's own
    program.
    """
    _files()(project)
    program = project.directory / "owned"
    program.write_text("#!/bin/sh\ntouch owned-by-it\n")
    program.chmod(0o755)
    folder = project.directory / ".pythons"
    (folder / "bin").mkdir(parents=True)
    (folder / "one").symlink_to("..")
    (folder / "bin" / "python3.13").symlink_to("../one/owned")
    (folder / "bin" / "ls").write_text(program.read_text())
    (folder / ".stamp").write_text(f"provision-stamp 3 1\npython\tone\t{program}\nend\n")


def _linked(name: str, target: str) -> Case:
    def bring(project: Project) -> None:
        _files()(project)
        path = project.directory / name
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return bring


def _fifo(name: str) -> Case:
    def bring(project: Project) -> None:
        _files()(project)
        path = project.directory / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    return bring


def _code(project: Project) -> None:
    """Files that Python, its tools and git would run if they were allowed to."""
    _files()(project)
    for name in ("sitecustomize.py", "usercustomize.py", "json.py", "tomllib.py", "provision.py", "conftest.py"):
        (project.directory / name).write_text("open('owned-by-it', 'w')\n")
    program = project.directory / "git"
    program.write_text("#!/bin/sh\ntouch owned-by-it\n")
    program.chmod(0o755)
    (project.directory / "pyvenv.cfg").write_text("home = .\n")


CASES: dict[str, Case] = {
    **{
        f"name: {what}": _files(f'[pythons]\n"{name}" = "3.13"\n', lock_text(name=f'"{name}"'))
        for what, name in _NAMES.items()
    },
    **{
        f"version: {what}": _files(f'[pythons]\none = "{text}"\n', lock_text(version=f'"{text}"'))
        for what, text in _NAMES.items()
    },
    **{f"build: {what}": _files(lock=lock_text(build=f'"{text}"')) for what, text in _NAMES.items()},
    **{f"implementation: {what}": _files(lock=lock_text(implementation=f'"{text}"')) for what, text in _NAMES.items()},
    **{
        f"url: {what}": _files(
            '[pythons.one]\nversion = "3.13.5"\n'
            f'url = {{ linux-x86_64 = "{url}" }}\nsha256 = {{ linux-x86_64 = "{SHA}" }}\n',
            lock_text(url=f'"{url}"'),
        )
        for what, url in _URLS.items()
    },
    **{
        f"catalog: {what}": _files(f'[settings]\ncatalogs = ["{url}"]\n[pythons]\none = "3.13"\n')
        for what, url in {**_URLS, **_CATALOGS}.items()
    },
    "unknown keys": _files(f'"{_NAMES["escapes"]}" = 1\n[pythons]\none = "3.13"\n', f'"{_NAMES["escapes"]}" = 1\n'),
    "a newer lock": _files(lock=f'"{_NAMES["an older command"]}" = 1\n' + lock_text(lock_version='"1.9"')),
    "conflict markers": _files(lock=f"<<<<<<< {ESCAPE}\n{lock_text()}=======\n{lock_text()}>>>>>>> x\n"),
    "no TOML": _files(f"{ESCAPE}\n", f"{ESCAPE}\n"),
    "no text": _files(lock="\udcff".encode("utf-8", "surrogateescape").decode("latin-1")),
    "deep lists": _files(f"x = {'[' * 50_000}\n", f"x = {'[' * 50_000}\n"),
    "deep keys": _files(f"{'a.' * 50_000}a = 1\n", f"{'a.' * 50_000}a = 1\n"),
    "a huge number": _files(f"x = {'9' * 100_000}\n", f"x = {'9' * 100_000}\n"),
    "a huge manifest": _files("#" * (2 << 20)),
    "a huge lock": _files(lock="#" * (20 << 20)),
    "many entries": _files("[pythons]\n" + "".join(f'x{number} = "3.13.{number}"\n' for number in range(1200))),
    "many errors": _files("[pythons]\n" + "".join(f'x{number} = "{ESCAPE!r}"\n' for number in range(800))),
    "many rows": _files(lock=lock_text() + '[[python]]\nname = "x"\n' * 20_000),
    "forged links": _forged_links,
    "code beside it": _code,
    "the manifest is a device": _linked("pythons.toml", "/dev/zero"),
    "the manifest is elsewhere": _linked("pythons.toml", "../outside/secret"),
    "the lock is a device": _linked("pythons.lock", "/dev/zero"),
    "the lock is elsewhere": _linked("pythons.lock", "../outside/secret"),
    "the lock leads nowhere": _linked("pythons.lock", "../outside/new"),
    "the lock is a circle": _linked("pythons.lock", "pythons.lock"),
    "the links are elsewhere": _linked(".pythons", "../outside"),
    "the manifest is a pipe": _fifo("pythons.toml"),
    "the lock is a pipe": _fifo("pythons.lock"),
}  # fmt: skip


def bring(case: str, directory: Path) -> Project:
    """A project for the case, next to files that must neither be printed nor changed."""
    outside = directory / "outside"
    outside.mkdir(parents=True)
    (outside / "secret").write_text("machine evil.example login me password hunter2\n")
    project = Project(directory / "project")
    CASES[case](project)
    return project
