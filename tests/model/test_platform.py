"""Platforms of images: their names, their targets, and the levels that are variants."""

from __future__ import annotations

import pytest

from provision.model.platform import PLATFORMS, Platform
from provision.model.target import KNOWN_TARGETS


@pytest.mark.parametrize("platform", sorted(PLATFORMS), ids=str)
def test_a_platform_is_parsed_and_formatted_and_has_targets(platform: Platform) -> None:
    assert Platform.parse(str(platform)) == platform
    assert {Platform.of(target) for target in platform.targets()} == {platform}


def test_each_linux_target_belongs_to_one_platform() -> None:
    found = [target for platform in PLATFORMS for target in platform.targets()]
    assert sorted(map(str, found)) == sorted(str(each) for each in KNOWN_TARGETS.values() if each.os == "linux")


@pytest.mark.parametrize(
    ("text", "platform", "cpu", "targets"),
    [
        ("linux/amd64", "linux/amd64", "baseline", ["linux-x86_64", "linux-x86_64-musl"]),
        ("linux/amd64/v1", "linux/amd64", "baseline", ["linux-x86_64", "linux-x86_64-musl"]),
        ("linux/amd64/v3", "linux/amd64/v3", "v3", ["linux-x86_64", "linux-x86_64-musl"]),
        ("linux/arm64/v8", "linux/arm64", "baseline", ["linux-aarch64", "linux-aarch64-musl"]),
        ("linux/x86_64", "linux/amd64", "baseline", ["linux-x86_64", "linux-x86_64-musl"]),
        ("linux/x86_64/v3", "linux/amd64/v3", "v3", ["linux-x86_64", "linux-x86_64-musl"]),
        ("linux/aarch64", "linux/arm64", "baseline", ["linux-aarch64", "linux-aarch64-musl"]),
        ("linux/i686", "linux/386", "baseline", ["linux-i686", "linux-i686-musl"]),
        ("linux/arm/v7", "linux/arm/v7", "baseline", ["linux-armv7-gnueabihf", "linux-armv7-gnueabi"]),
    ],
)
def test_variants_are_levels_and_targets_for_glibc_come_first(
    text: str, platform: str, cpu: str, targets: list[str]
) -> None:
    found = Platform.parse(text)
    assert (str(found), found.cpu, [each.short for each in found.targets()]) == (platform, cpu, targets)


@pytest.mark.parametrize(
    "text",
    ["", "linux", "amd64", "linux/x86_32", "linux/arm", "linux/arm64/v9", "linux/amd64/v5", "windows/amd64"],
)
def test_a_platform_without_targets_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a known platform"):
        Platform.parse(text)
