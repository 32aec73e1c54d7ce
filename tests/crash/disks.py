"""Real file systems for tests, one that loses power and a small one, and another boot; they need mounts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
NO_LAYERS = 99  # the exit code of `in_layers` if nothing can be mounted


def in_another_boot(command: Sequence[str], boot: Path) -> list[str]:
    """The command, in a separate mount namespace where the kernel's boot id reads like ``boot``."""
    script = f'mount --bind "{boot}" {BOOT_ID} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", *command]


def require_mounts(tmp_path: Path) -> None:
    """Skip the test if mounts are not available."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("mounting takes root")
    place = tmp_path / "may-we-mount"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True, check=False).returncode:
        pytest.skip("mounts are not allowed here")
    _unmount(place)


@contextmanager
def small_disk(place: Path, *, size: str = "64k", inodes: int | None = None) -> Iterator[Path]:
    """A tmpfs of so many bytes, and of so many inodes if given."""
    place.mkdir(exist_ok=True)
    options = f"size={size}" + (f",nr_inodes={inodes}" if inodes else "")
    _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", place)
    try:
        yield place
    finally:
        _unmount(place)


class Layers:
    """An overlayfs, the file system of containers: the existing files are in a lower layer, and never change."""

    def __init__(self, lower: Path, place: Path) -> None:
        self._lower, self.place = lower, place
        self._upper, self._work = place.with_name(f"{place.name}.upper"), place.with_name(f"{place.name}.work")
        place.mkdir(exist_ok=True)
        self._mount()

    def reset(self) -> None:
        """Go back to the contents of the lower layer."""
        self.close()
        self._mount()

    def close(self) -> None:
        _unmount(self.place)
        for folder in (self._upper, self._work):
            shutil.rmtree(folder)

    def _mount(self) -> None:
        for folder in (self._upper, self._work):
            folder.mkdir()
        options = f"lowerdir={self._lower},upperdir={self._upper},workdir={self._work},redirect_dir=off"
        _run("mount", "-t", "overlay", "-o", options, "overlay", self.place)


def in_layers(command: Sequence[str], lower: Path, place: Path) -> list[str]:
    """The command, in a separate mount namespace where ``place`` is an overlayfs above ``lower``.

    It needs no root if users may make namespaces. Its exit code is `NO_LAYERS` if nothing can be mounted.
    """
    upper, work = place.with_name(f"{place.name}.upper"), place.with_name(f"{place.name}.work")
    for folder in (upper, work, place):
        folder.mkdir(exist_ok=True)
    options = f"lowerdir={lower},upperdir={upper},workdir={work},userxattr"
    script = f'mount -t overlay -o "{options}" overlay "{place}" || exit {NO_LAYERS}; exec "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *command]


class Disk:
    """An ext4 on an image file. A power cut loses what the kernel has not yet written to the image."""

    def __init__(self, folder: Path) -> None:
        self._image, self.place = folder / "disk.img", folder / "disk"
        self.place.mkdir()
        with self._image.open("wb") as file:
            file.truncate(48 << 20)
        _run("mkfs.ext4", "-q", "-F", self._image)
        self._mount()

    def flush_file(self, path: Path) -> None:
        """Let the disk get one file before all others and, as ext4 does, every name that exists by now."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lose_power(self) -> None:
        """From here on, there is only what the image contains now."""
        kept = self._image.with_name("after.img")
        shutil.copyfile(self._image, kept)
        _unmount(self.place)
        self._image = kept
        self._mount()

    def close(self) -> None:
        _unmount(self.place)

    def _mount(self) -> None:
        # Nothing is written back automatically for a minute: the tests decide what reaches the disk.
        _run("mount", "-o", "loop,commit=60", self._image, self.place)


def _unmount(place: Path) -> None:
    subprocess.run(["umount", place], capture_output=True, check=True)


def _run(*command: str | Path) -> None:
    subprocess.run(list(command), capture_output=True, check=True)
