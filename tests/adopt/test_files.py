"""Which files are read, in which order they count, and what keeps one from being read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.adopt.files import find_files, is_known, known_names, load_reader, read_files
from provision.adopt.mention import MAX_MENTIONS


def problems(directory: Path) -> list[str]:
    return [str(problem) for problem in read_files(find_files(directory), directory).problems]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_every_supported_file_is_found_in_order_of_precedence(directory: Path) -> None:
    names = [name.replace("*", "x") for name in known_names()]
    for name in names:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text("")
        assert is_known(directory / name)
    assert [path.relative_to(directory).as_posix() for path in find_files(directory)] == names
    assert list(read_files(find_files(directory), directory).files) == names


def test_a_file_in_another_folder_is_recognised_by_its_name(directory: Path) -> None:
    path = directory / "services" / "api" / ".python-version"
    path.parent.mkdir(parents=True)
    path.write_text("3.12\n")
    (mention,) = read_files([path], directory).mentions
    assert mention.where == "services/api/.python-version:1"
    assert find_files(directory) == ()
    assert not is_known(directory / "README.md")
    assert not is_known(directory / "Dockerfile.d" / "notes.txt")


def test_files_that_cannot_be_read_are_named_and_the_others_are_read(directory: Path) -> None:
    (directory / ".python-version").write_bytes(b"\xff\xfe")
    (directory / ".tool-versions").write_text("python 3.12\n")
    (directory / "mise.toml").write_bytes(b"#" * (1 << 20) + b"#")
    (directory / "pnpm-workspace.yaml").write_bytes(b"#" * (1 << 17) + b"#")
    (directory / "runtime.txt").symlink_to("/etc/hostname")
    (directory / "tox.ini").mkdir()
    os.mkfifo(directory / "noxfile.py")
    assert problems(directory) == [
        ".python-version: is not UTF-8",
        "mise.toml: is 1048577 bytes large; the limit is 1048576 bytes",
        "pnpm-workspace.yaml: is 131073 bytes large; the limit is 131072 bytes",
        "runtime.txt: is a symbolic link out of the repository; not read",
    ]
    read = read_files([directory / "tox.ini", directory / "noxfile.py", directory / ".tool-versions"], directory)
    assert [str(problem) for problem in read.problems] == [
        "tox.ini: is not a regular file",
        "noxfile.py: is not a regular file",
    ]
    assert [str(mention.given) for mention in read.mentions] == ["3.12"]


def test_windows_line_endings_and_byte_order_marks_are_read(directory: Path) -> None:
    (directory / ".python-version").write_bytes("\ufeff3.12\r\n3.11\r\n".encode())
    read = read_files(find_files(directory), directory)
    assert [mention.text for mention in read.mentions] == ["3.12", "3.11"]


def test_a_file_that_names_thousands_of_versions_is_read_in_part(directory: Path) -> None:
    (directory / ".python-version").write_text("".join(f"3.12.{patch}\n" for patch in range(5000)))
    (directory / ".tool-versions").write_text("python 3.11\n")
    read = read_files(find_files(directory), directory)
    assert len(read.mentions) == MAX_MENTIONS + 1
    assert problems(directory) == [f".python-version: names more than {MAX_MENTIONS} versions; the rest is left out"]


def test_a_repository_that_names_thousands_of_versions_is_read_in_part(directory: Path) -> None:
    for number in range(7):
        text = "".join(f"FROM python:3.{minor}.{number}\n" for minor in range(MAX_MENTIONS))
        (directory / f"Dockerfile.{number}").write_text(text)
    assert problems(directory) == [
        f"Dockerfile.{number}: was not read: the files before it name more than 1000 versions" for number in (5, 6)
    ]


def test_a_file_that_expands_to_millions_of_characters_is_read_in_part(directory: Path) -> None:
    steps = "&s {uses: actions/setup-python, with: {python-version: *v }}" + ", *s" * 1000
    workflow = f"x: &v [{'3.13, ' * 1000}]\njobs: {{a: {{steps: [{steps}]}}}}\n"
    for name, text in {
        "Dockerfile": f"FROM python:3.11\nARG A={'x' * 9000}\nFROM {'$A' * 9000}\n",
        "tox.ini": f"[tox]\nenvlist = py312, {'{a,b}' * 10}{'-x' * 9000}\n",
        ".github/workflows/a.yml": workflow,
        "runtime.txt": "python-3.14.1\n",
    }.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    read = read_files(find_files(directory), directory)
    assert [mention.text for mention in read.mentions] == ["python-3.14.1", "3.11", "py312", "3.13"]
    assert [problem.message for problem in read.problems] == [
        "expands to more than 4194304 characters; the rest is left out"
    ] * 3


def test_a_reader_is_loaded_by_its_name() -> None:
    assert load_reader("tox:read_tox_ini").__name__ == "read_tox_ini"
