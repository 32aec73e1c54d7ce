"""The common spellings of options, read without Typer.

`cli.fast` asks before anything else is loaded, so this module imports nothing. Any spelling that it does not know is
left to Typer: it need not know all, but what it reads, Typer would read the same.
"""

_SWITCHES = {
    "--quiet": ("quiet", True),
    "-q": ("quiet", True),
    "--verbose": ("verbose", True),
    "-v": ("verbose", True),
    "--json": ("as_json", True),
}
VALUE_OPTIONS = {"--manifest": "manifest", "-m": "manifest", "--home": "home", "--cache-dir": "cache_dir"}
_TRANSFER_SWITCHES = {
    "--offline": ("offline", True),
    "--progress": ("progress", True),
    "--no-progress": ("progress", False),
}

# Of the commands that are run without Typer: their own switches, whether they take names, and the options of transfers.
_OWN = {
    "sync": {"--locked": ("locked", True), "--no-locked": ("locked", False), "--frozen": ("frozen", True)},
    "plan": {"--frozen": ("frozen", True), "--exit-code": ("exit_code", True)},
    "lock": {"--check": ("check", True)},
    "list": {},
    "which": {"--store": ("store", True)},
}
_OWN_VALUES = {"sync": {"--jobs": "jobs", "-j": "jobs", "--jitter": "jitter"}}
_TAKE_NAMES = ("sync", "plan", "which")
_TRANSFER = ("sync", "lock")


class Line:
    """A command line: the command, its names, and its options by the names of their parameters."""

    __slots__ = ("command", "names", "options")

    def __init__(self, command: str) -> None:
        self.command = command
        self.names: list[str] = []
        self.options: dict[str, str | bool] = {}


def read_line(argv: list[str]) -> Line | None:
    """Read a command line; None for another command, an unknown or invalid option, or options that contradict."""
    if not argv or argv[0] not in _OWN:
        return None
    line = Line(argv[0])
    switches = {**_SWITCHES, **_OWN[line.command], **(_TRANSFER_SWITCHES if line.command in _TRANSFER else {})}
    values = {**VALUE_OPTIONS, **_OWN_VALUES.get(line.command, {})}
    words = iter(argv[1:])
    for word in words:
        option, equals, value = word.partition("=")
        if word in switches:
            name, given = switches[word]
            line.options[name] = given
        elif option in values and (option.startswith("--") or not equals):
            value = value if equals else next(words, "")
            if not value or value.startswith("-"):
                return None
            line.options[values[option]] = value
        elif word.startswith("-") or not word or line.command not in _TAKE_NAMES:
            return None
        else:
            line.names.append(word)
    contradict = {"quiet", "verbose"} <= line.options.keys() or (
        "frozen" in line.options and line.options.get("locked") is True
    )
    unnamed = line.command == "which" and len(line.names) != 1
    return line if _are_valid(line.options) and not contradict and not unnamed else None


def _are_valid(options: dict[str, str | bool]) -> bool:
    """Whether the values that are numbers are those that the options take."""
    from provision.host.variables import is_jitter, is_jobs

    return is_jobs(str(options.get("jobs", "1"))) and is_jitter(str(options.get("jitter", "0")))


def is_plan_file(text: str) -> bool:
    """Whether an argument of `sync` is a saved plan, not the name of an entry: by a slash or the extension.

    Whether such a file exists is irrelevant: a pull request could add one that is named like an entry.
    """
    return "/" in text or "\\" in text or text.endswith((".plan", ".json"))
