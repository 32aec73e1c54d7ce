"""The `PROVISION_*` variables whose values have a form, and their readers.

Each is checked at the start of every command, whether the command uses it or not. `store.stamp` uses this before
anything else is loaded, so this module imports nothing at the top.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provision.errors import UsageError
    from provision.model.asset import CpuLevel

_TRUE = ("1", "true", "yes", "on", "t", "y")
_FALSE = ("0", "false", "no", "off", "f", "n", "")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
MOST_JOBS = 64
MOST_CONNECTIONS = 16
LONGEST_JITTER = 86_400.0  # in seconds


def read_flag(environ: "Mapping[str, str]", name: str) -> bool | None:
    """A variable that mirrors an option without a value; None where it is not set or empty."""
    text = environ.get(name, "").strip().lower()
    if not text:
        return None
    if not is_flag(text):
        raise _unexpected(name, environ[name], "one of 1, true, yes, on, 0, false, no, off")
    return text in _TRUE


def is_flag(text: str) -> bool:
    """Whether a text is yes or no, in the forms that `read_flag` accepts."""
    return text.strip().lower() in _TRUE + _FALSE


def read_jobs(environ: "Mapping[str, str]", name: str = "PROVISION_JOBS") -> int | None:
    """A number of downloads or installations; None where the variable is not set."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not is_jobs(text):
        raise _unexpected(name, text, f"a number from 1 to {MOST_JOBS}")
    return int(text)


def read_connections(environ: "Mapping[str, str]", name: str = "PROVISION_CONNECTIONS") -> int | None:
    """A number of connections for one archive; None where the variable is not set."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= MOST_CONNECTIONS):
        raise _unexpected(name, text, f"a number from 1 to {MOST_CONNECTIONS}")
    return int(text)


def read_jitter(environ: "Mapping[str, str]", name: str = "PROVISION_JITTER") -> float | None:
    """A number of seconds, as ``--jitter`` takes it; None where the variable is not set."""
    text = environ.get(name, "").strip()
    if text and not is_jitter(text):
        raise _unexpected(name, text, f"a number of seconds from 0 to {LONGEST_JITTER:.0f}")
    return float(text) if text else None


def is_jitter(text: str) -> bool:
    """Whether a text is a number of seconds that ``--jitter`` accepts."""
    try:
        return 0 <= float(text) <= LONGEST_JITTER
    except ValueError:
        return False


def is_jobs(text: str) -> bool:
    """Whether a text is a number that ``--jobs`` accepts."""
    return text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST_JOBS


def read_number(environ: "Mapping[str, str]", name: str, *, unit: str = "seconds", zero: bool = False) -> float | None:
    """A number of a unit above 0, or from 0 with ``zero``; None where the variable is not set."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (0 < value < 1e9 or (zero and value == 0)):
        raise _unexpected(name, text, f"a number of {unit}{', 0 or more' if zero else ' above 0'}")
    return value


def read_size(environ: "Mapping[str, str]", name: str) -> int | None:
    """A number of bytes, or of KiB, MiB or GiB (``6G``, ``6GiB``); None where the variable is not set."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    digits = text.lower().removesuffix("b").removesuffix("i")
    unit = digits[-1:] if digits[-1:] in ("k", "m", "g") else ""
    number = digits.removesuffix(unit)
    if not (number.isascii() and number.isdigit() and len(number) <= 18) or (not unit and digits != text.lower()):
        raise _unexpected(name, text, "a number of bytes, or a number with K, M or G such as 6G")
    return int(number) * _UNITS[unit]


def read_directories(environ: "Mapping[str, str]", name: str) -> "tuple[str, ...]":
    """Absolute directories, separated as those of `PATH` are; none where the variable is not set."""
    import os

    found = tuple(dict.fromkeys(text for text in environ.get(name, "").split(os.pathsep) if text.strip()))
    for text in found:
        if not os.path.isabs(text):  # noqa: PTH117 - nothing is imported for it
            raise _unexpected(name, text, f"absolute directories separated by {os.pathsep!r}")
    return found


def read_cpu(environ: "Mapping[str, str]", name: str = "PROVISION_CPU") -> "CpuLevel | None":
    """An x86-64 level; None where the variable is not set."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    from provision.model.asset import CPU_LEVELS

    for level in CPU_LEVELS:
        if text == level:
            return level
    raise _unexpected(name, text, f"one of {', '.join(CPU_LEVELS)}", f"Unset {name} for no limit.")


def _seconds(environ: "Mapping[str, str]", name: str) -> float | None:
    return read_number(environ, name)


_READERS: "dict[str, Callable[[Mapping[str, str], str], object]]" = {
    "PROVISION_CONNECTIONS": read_connections,
    "PROVISION_CPU": read_cpu,
    "PROVISION_DEADLINE": _seconds,
    "PROVISION_JITTER": read_jitter,
    "PROVISION_JOBS": read_jobs,
    "PROVISION_LOCKED": read_flag,
    "PROVISION_LOCK_TIMEOUT": lambda environ, name: read_number(environ, name, zero=True),
    "PROVISION_MAX_ARCHIVE": lambda environ, name: read_number(environ, name, unit="MiB"),
    "PROVISION_MAX_UNPACKED": read_size,
    "PROVISION_NO_PROGRESS": read_flag,
    "PROVISION_OFFLINE": read_flag,
    "PROVISION_STORES": read_directories,
    "PROVISION_TIMEOUT": _seconds,
}


# Variables with any value; together with the others, all variables of provision.
_TEXTS = (
    "ALLOW_HOSTS",
    "CACHE_DIR",
    "CATALOG_URL",
    "CONFIG_DIR",
    "DEBUG",
    "GITHUB_API",
    "HOME",
    "MANIFEST",
    "MIRROR",
    "TRUSTED_ROOT",
)
KNOWN_VARIABLES = (*_READERS, *(f"PROVISION_{name}" for name in _TEXTS))


def misspelled_variables(environ: "Mapping[str, str]") -> "dict[str, str]":
    """Variables that are set, unknown, and close to a known one: those known ones, by the name that is set."""
    unknown = [name for name in environ if name.startswith("PROVISION_") and name not in KNOWN_VARIABLES]
    if not unknown:
        return {}
    import difflib

    near = {name: difflib.get_close_matches(name, KNOWN_VARIABLES, n=1, cutoff=0.88) for name in unknown}
    return {name: found[0] for name, found in near.items() if found}


def check_variables(environ: "Mapping[str, str]") -> None:
    """Raise `UsageError` for the first variable with an invalid value."""
    for name, read in _READERS.items():
        if name in environ:
            read(environ, name)


def _unexpected(name: str, text: str, expected: str, hint: str = "") -> "UsageError":
    from provision.errors import UsageError

    return UsageError(f"{name}: expected {expected}; got {text!r}", hint=hint or None)
