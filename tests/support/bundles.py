"""Locked projects with their archives, bundles of them, and tar files that were changed."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from provision.host.detect import detect_host
from provision.protocols import NoProgress
from provision.workflows.bundle import CreatedBundle, create_bundle
from provision.workflows.options import Options, parse_targets
from tests.support import trees
from tests.support.builds import Build, write_catalog
from tests.support.project import Project
from tests.support.small import INTERPRETER

HERE = detect_host().target.short
TARGETS = (HERE, *[each for each in ("linux-aarch64", "macos-aarch64", "linux-x86_64") if each != HERE][:2])
VERSIONS = ("3.13.5", "3.13.6", "3.13.7", "3.13.8")


def entry(version: str) -> str:
    """The name of the entry of a version: ``e8`` for 3.13.8."""
    return f"e{version.rpartition('.')[2]}"


def archives(folder: Path, versions: Sequence[str] = VERSIONS) -> list[Build]:
    """An archive of each version for each of the targets; those for this machine run."""
    return [
        trees.build(
            folder,
            target,
            {
                "bin/python3.13": INTERPRETER.format(implementation="cpython", version=version),
                "lib/python3.13/os.py": f"name = '{target}'  # of {version}\n",
            },
            trees.UNIX_LINKS,
            version=version,
        )
        for version in versions
        for target in TARGETS
    ]


@dataclass(frozen=True)
class Near:
    """A project on the side that has a network; ``www`` is what serves its archives."""

    project: Project
    www: Path

    @property
    def options(self) -> Options:
        return options_of(self.project)

    def lock(self, url: str, versions: Sequence[str] = VERSIONS) -> None:
        """Lock these versions for all targets, from what is served at a URL."""
        folder = self.www / trees.BUILD
        write_catalog(folder, archives(folder, versions))
        lines = "".join(f'{entry(each)} = {{ version = "{each}", build = "{trees.BUILD}" }}\n' for each in versions)
        targets = ", ".join(f'"{each}"' for each in TARGETS)
        catalog = f"{url}/{trees.BUILD}/catalog.ndjson"
        self.project.write(f'[settings]\ncatalogs = ["{catalog}"]\ntargets = [{targets}]\n\n[pythons]\n{lines}')
        self.project.run("lock")

    def create(
        self, output: Path, *names: str, targets: Sequence[str] = (), since: Path | None = None
    ) -> CreatedBundle:
        """Create a bundle, in this process."""
        chosen = parse_targets(targets)
        return create_bundle(self.options, output, names, chosen, since=since, progress=NoProgress())


def options_of(project: Project, **environ: str) -> Options:
    """The options of commands in a project that has a manifest, or will have one."""
    return Options.of(environ, home=project.home, cache=project.cache, manifest=project.manifest)


Member = tuple[tarfile.TarInfo, bytes]
Change = Callable[[list[Member]], list[Member]]


def rewrite(source: Path, target: Path, change: Change) -> Path:
    """Write the members of a tar file to another one, after a change."""
    with tarfile.open(source) as tar:
        members = [(each, _content(tar, each)) for each in tar.getmembers()]
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
        for info, content in change(members):
            info.size = len(content)
            tar.addfile(info, BytesIO(content))
    return target


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isreg() else None
    return file.read() if file else b""


def member(name: str, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "") -> Member:
    """A member for `rewrite`."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, content
