"""The files of other tools in a repository, and their readers.

A file that cannot be read is a problem; the others are still read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from provision.adopt.mention import LineError, Mention, Problem, Reading
from provision.errors import ManifestError, reason_of
from provision.host.files import FileTooLargeError, NotRegularFileError, is_directory, is_file, read_small_file
from provision.host.repository import display_path
from provision.model.value import frozen
from provision.text import plain_lines

Reader = Callable[[str, Reading], None]

_LARGEST = 1 << 20  # bytes
_LARGEST_YAML = 1 << 17  # PyYAML reads about 100 kB in a second
_MOST_WORKFLOWS = 100
_MOST_MENTIONS = 1000  # of all files; what names more is no repository that people work in
_WORKFLOWS = ".github/workflows"

# All files that are read, in the order in which they count if they disagree; a name with `*` is a pattern. First what
# people run every day, then what is tested with, last what the code supports.
_KINDS: tuple[tuple[str, str], ...] = (
    (".python-version", "version_files:read_python_version"),
    (".python-versions", "version_files:read_python_version"),
    (".tool-versions", "version_files:read_tool_versions"),
    ("mise.toml", "toml_files:read_mise"),
    (".mise.toml", "toml_files:read_mise"),
    ("mise/config.toml", "toml_files:read_mise"),
    (".mise/config.toml", "toml_files:read_mise"),
    (".config/mise.toml", "toml_files:read_mise"),
    (".config/mise/config.toml", "toml_files:read_mise"),
    ("uv.toml", "toml_files:read_uv"),
    ("pnpm-workspace.yaml", "yaml_files:read_pnpm_workspace"),
    ("runtime.txt", "version_files:read_runtime"),
    ("Dockerfile", "dockerfile:read_dockerfile"),
    ("Containerfile", "dockerfile:read_dockerfile"),
    ("Dockerfile.*", "dockerfile:read_dockerfile"),
    ("*.Dockerfile", "dockerfile:read_dockerfile"),
    (".devcontainer/Dockerfile", "dockerfile:read_dockerfile"),
    ("pyproject.toml", "toml_files:read_pyproject"),
    ("hatch.toml", "toml_files:read_hatch"),
    ("tox.toml", "toml_files:read_tox"),
    ("tox.ini", "tox:read_tox_ini"),
    ("setup.cfg", "tox:read_tox_ini"),
    ("noxfile.py", "nox:read_noxfile"),
    (f"{_WORKFLOWS}/*.yml", "yaml_files:read_workflow"),
    (f"{_WORKFLOWS}/*.yaml", "yaml_files:read_workflow"),
    ("mise.lock", "toml_files:read_mise_lock"),
)
_EXCLUDED_SUFFIXES = (".dockerignore",)


@frozen
class Read:
    """The Python versions in a repository's files, the most important first.

    ``files`` are those that were read, by the names that messages use.
    """

    files: tuple[str, ...]
    mentions: tuple[Mention, ...]
    problems: tuple[Problem, ...]


def find_files(directory: Path) -> tuple[Path, ...]:
    """The known files of a directory, in the order in which they count."""
    return tuple(dict.fromkeys(path for pattern, _ in _KINDS for path in _matching(directory, pattern)))


def is_known(path: Path) -> bool:
    """Whether there is a reader for a file of this name."""
    return reader_of(path) is not None


def reader_of(path: Path) -> str | None:
    """The reader for a file of this name, for `load_reader`; None if there is none."""
    found = _rank_and_reader(path)
    return found[1] if found else None


def known_names() -> tuple[str, ...]:
    """The names of the known files, patterns included."""
    return tuple(name for name, _ in _KINDS)


def read_files(paths: Iterable[Path], directory: Path) -> Read:
    """Read files that `is_known` accepts; those in ``directory`` must not be links that lead out of it."""
    known = {path: found for path in paths if (found := _rank_and_reader(path))}
    readings: list[Reading] = []
    left = _MOST_MENTIONS
    for path in sorted(known, key=lambda path: (known[path][0], path.as_posix())):
        reading = Reading(display_path(path))
        if left > 0:
            _read(path, known[path][1], reading, directory)
        else:
            reading.problem(f"was not read: the files before it name more than {_MOST_MENTIONS} versions")
        left -= len(reading.mentions)
        readings.append(reading)
    return Read(
        files=tuple(reading.file for reading in readings),
        mentions=tuple(mention for reading in readings for mention in reading.mentions),
        problems=tuple(problem for reading in readings for problem in reading.problems),
    )


def _matching(directory: Path, pattern: str) -> Iterator[Path]:
    if "*" not in pattern:
        if is_file(directory / pattern):
            yield directory / pattern
        return
    folder, _, name = pattern.rpartition("/")
    if is_directory(directory / folder):
        try:
            found = sorted(path for path in (directory / folder).glob(name) if is_file(path))
        except OSError:  # no permission: treated as missing
            found = []
        yield from [path for path in found if path.suffix not in _EXCLUDED_SUFFIXES][:_MOST_WORKFLOWS]


def _rank_and_reader(path: Path) -> tuple[int, str] | None:
    """The position of a file in the order, and its reader; in any folder, as `import services/api/.python-version`."""
    matching = [(rank, *kind) for rank, kind in enumerate(_KINDS) if path.match(kind[0])]
    if not matching:
        return None
    rank, _, reader = max(matching, key=lambda each: each[1].count("/"))
    return rank, reader


def load_reader(name: str) -> Reader:
    """The reader ``module:function`` of this package; its module is imported only if such a file exists."""
    from importlib import import_module

    module, _, function = name.partition(":")
    reader: Reader = getattr(import_module(f"provision.adopt.{module}"), function)
    return reader


def _read(path: Path, reader: str, reading: Reading, directory: Path) -> None:
    limit = _LARGEST_YAML if path.suffix in {".yml", ".yaml"} else _LARGEST
    try:
        if path.is_relative_to(directory) and not path.resolve().is_relative_to(directory.resolve()):
            reading.problem("is a symbolic link out of the repository; not read")
            return
        text = plain_lines(read_small_file(path, limit).decode())
        load_reader(reader)(text, reading)
    except FileTooLargeError as error:
        reading.problem(f"is {error.size} bytes large; the limit is {limit} bytes")
    except NotRegularFileError:
        reading.problem("is not a regular file")
    except UnicodeDecodeError:
        reading.problem("is not UTF-8")
    except ManifestError as error:  # of TOML
        reading.problem(error.message, error.place.line if error.place else None)
    except LineError as error:
        reading.problem(str(error), error.line)
    except ValueError as error:
        reading.problem(str(error))
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        reading.problem(f"cannot be read: {reason_of(error)}")
