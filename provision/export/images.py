"""A Dockerfile that installs the archives, and a matching devcontainer.json.

The Dockerfile has one stage for each entry and platform; ``ADD --checksum`` downloads and verifies, and BuildKit builds
only the stages for its platform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from provision.export.rows import HEADER, Export, Fitting, LeftOut, Place, Row, nothing_left
from provision.model.platform import Platform
from provision.model.target import KNOWN_TARGETS

_FOLDER = "/opt/pythons"
_BASE, _DEVCONTAINER_BASE = "debian:stable-slim", "mcr.microsoft.com/devcontainers/base:debian"
# TARGETARCH and TARGETVARIANT of BuildKit, joined, for glibc with hardware floating point.
_PLATFORMS = {
    target.short: "".join(str(Platform.of(target)).split("/")[1:])
    for target in KNOWN_TARGETS.values()
    if target.libc in {"gnu", "gnueabihf"}
}
# A Dockerfile expands variables and reads quotes in the words of `ADD`.
_is_plain = re.compile(r"https?://[0-9A-Za-z._~:/%+?&=,@!-]+").fullmatch


def export_dockerfile(rows: Sequence[Row]) -> Export:
    """A Dockerfile for the platforms that all of its entries are locked for."""
    fitting = _fit("dockerfile", rows)
    lines = ["# syntax=docker/dockerfile:1", f"# {HEADER.format('dockerfile')}", f"ARG BASE={_BASE}"]
    entries = fitting.by_entry()
    for entry, of_entry in entries.items():
        lines += [line for row in of_entry for line in _stage(row)]
        tree = f"{_FOLDER}/{entry}"
        lines += [
            "",
            "# hadolint ignore=DL3006",
            f"FROM download-{entry}-${{TARGETARCH}}${{TARGETVARIANT}} AS unpack-{entry}",
            f"RUN mkdir -p {tree} && tar -xzf /archive.tar.gz -C {tree} --strip-components=1",
        ]
    path = ":".join(f"{_FOLDER}/{entry}/bin" for entry in entries)
    lines += [
        "",
        "FROM ${BASE}",
        *(f"COPY --from=unpack-{entry} {_FOLDER}/{entry} {_FOLDER}/{entry}" for entry in entries),
        f"ENV PATH={path}:${{PATH}}",
    ]
    return fitting.export("\n".join(lines) + "\n")


def export_devcontainer(rows: Sequence[Row]) -> Export:
    """A devcontainer.json that builds the Dockerfile of `export_dockerfile` on a base for development."""
    fitting = _fit("devcontainer", rows)
    first = next(iter(fitting.by_entry()))
    document = {
        "name": ", ".join(f"{entry} {of[0].asset.version}" for entry, of in fitting.by_entry().items()),
        "build": {"dockerfile": "Dockerfile", "args": {"BASE": _DEVCONTAINER_BASE}},
        "customizations": {
            "vscode": {
                "extensions": ["ms-python.python"],
                "settings": {"python.defaultInterpreterPath": f"{_FOLDER}/{first}/bin/python3"},
            }
        },
    }
    return fitting.export(json.dumps(document, indent=2) + "\n")


def _fit(style: str, rows: Sequence[Row]) -> Fitting:
    """The rows of platforms for which every entry with any row is locked."""
    place = Place(
        targets=_PLATFORMS,
        key=lambda row: (row.entry, row.asset.target),
        url=_url_refusal,
    )
    fitting = place.fit(style, rows)
    shared = set.intersection(*({row.asset.target for row in of} for of in fitting.by_entry().values()))
    kept = tuple(row for row in fitting.rows if row.asset.target in shared)
    partly = [LeftOut(row, "not locked for all entries") for row in fitting.rows if row.asset.target not in shared]
    left_out = (*fitting.left_out, *partly)
    if not kept:
        raise nothing_left(style, left_out)
    return Fitting(rows=kept, left_out=left_out)


def _url_refusal(url: str) -> str:
    """Why `ADD` cannot download from a URL, or `tar -xzf` not unpack what is there; empty if they can."""
    if not url.startswith(("http://", "https://")):
        return f"{url.partition(':')[0]}:// instead of https://"
    if not url.partition("?")[0].endswith(".tar.gz"):
        return "not a .tar.gz file"
    return "" if _is_plain(url) else "special characters in the URL"


def _stage(row: Row) -> tuple[str, ...]:
    return (
        "",
        f"FROM ${{BASE}} AS download-{row.entry}-{_PLATFORMS[row.asset.target.short]}",
        f"ADD --checksum=sha256:{row.asset.sha256} \\",
        f"    {row.asset.url} /archive.tar.gz",
    )
