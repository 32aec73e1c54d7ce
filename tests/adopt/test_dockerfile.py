"""Images of Dockerfiles: which are Pythons, and which version each has."""

from __future__ import annotations

import pytest

from provision.adopt.dockerfile import read_dockerfile
from provision.adopt.mention import Reading


def read(text: str) -> Reading:
    reading = Reading("Dockerfile")
    read_dockerfile(text, reading)
    return reading


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("python:3.12", ["3.12"]),
        ("python:3.12.5-slim-bookworm AS build", ["3.12.5"]),
        ("--platform=$BUILDPLATFORM docker.io/library/python:3.12-alpine3.20", ["3.12"]),
        ("localhost:5000/python:3.12@sha256:00", ["3.12"]),
        ("python:3.15.0rc1-slim", ["3.15.0rc1"]),
        ("python:3", ["3"]),
        ("python", ["3"]),
        ("python:slim", ["3"]),
        ("python@sha256:00", ["3"]),
        ("pypy:3.10-7.3.15-slim", ["pypy3.10+7.3.15"]),
        ("pypy:3.10", ["pypy3.10"]),
        ("pypy", ["pypy3"]),
        ("ghcr.io/astral-sh/uv:0.8-python3.13t-bookworm", ["3.13t"]),
        ("ghcr.io/astral-sh/uv:latest", []),
        ("mcr.microsoft.com/devcontainers/python:1-3.12-bookworm", ["3.12"]),
        ("public.ecr.aws/lambda/python:3.13", ["3.13"]),
        ("gcr.io/distroless/python3-debian12", []),
        ("debian:12", []),
        ("python import x", []),
        ("${IMAGE}", []),
    ],
)
def test_the_version_of_an_image_is_read(image: str, found: list[str]) -> None:
    reading = read(f"# syntax=docker/dockerfile:1\nFROM {image}\n")
    assert [f"{mention.line} {mention.given}" for mention in reading.mentions] == [f"2 {each}" for each in found]
    assert reading.problems == []


def test_defaults_of_arguments_are_filled_in_and_other_variables_reported() -> None:
    reading = read(
        "ARG V=3.13\nARG W='3.12.5'\nARG X\nFROM python:${V}-slim\nfrom python:$W\nFROM python:${Z:-3.9}\n"
        "FROM \\\n  # a comment\n  python:3.10\nFROM python:${X}\n"
    )
    assert [mention.where + " " + mention.text for mention in reading.mentions] == [
        "Dockerfile:4 3.13",
        "Dockerfile:5 3.12.5",
        "Dockerfile:6 3.9",
        "Dockerfile:7 3.10",
    ]
    assert [problem.line for problem in reading.problems] == [10]
