"""What Typer refuses of a command line, in the words of all other errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from provision.errors import UsageError, nearest

_QUOTES = ("'", '"')
_EXTRA = re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)\.?", re.DOTALL)
_NO_COMMAND = re.compile(r"No such command '(.*?)'", re.DOTALL)
# "'x' is not a valid integer", "99 is not in the range 1<=x<=64", "'x' is not one of 'a', 'b'"
_VALUE = re.compile(r"(.*?) is not (?:a valid|in the range|one of)\b", re.DOTALL)


def refusal(error: Exception, command: str) -> UsageError:
    """The error to show for one of Typer's, whose classes have no public names; ``command`` is the one that was typed.

    Errors of the parser come without their context.
    """
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else f"provision {command}".rstrip()
    message, meant = _by_class(error, context, path) or _by_text(error, context, path)
    if not isinstance(meant, str):
        meant = f"Did you mean {' or '.join(f'`{word}`' for word in meant)}?" if meant else ""
    return UsageError(message, hint=meant or f"Run `{path} --help`.")


_Refused = tuple[str, list[str] | str]  # the message, and what was probably meant, or the hint
_MOST_VALUES = 12  # that a hint lists


def _by_class(error: Any, context: Any, path: str) -> _Refused | None:
    match type(error).__name__:
        case "NoSuchOption":
            given = error.option_name
            return f"`{path}` has no option {given!r}", _near_options(given, error.possibilities, context)
        case "MissingParameter":
            return f"`{path}` requires {_name(error.param, 'another argument')}", _how_to_pass(error.param, context)
        case "BadParameter":
            return f"{_name(error.param, 'a value')}: {_expected(error)}", []
        case "BadOptionUsage":
            takes_none = "does not take a value" in error.message
            return f"{error.option_name}: {'expected no value' if takes_none else 'expected a value, got none'}", []
    return None


def _by_text(error: Any, context: Any, path: str) -> _Refused:
    raw = error.format_message()
    if extra := _EXTRA.fullmatch(raw):
        refused = f"`{path}` does not take the argument{'s' * (' ' in extra[1])} {extra[1]!r}"
        return refused, _hint_on_repeating(context)
    if missing := _NO_COMMAND.match(raw):
        commands = getattr(context.command, "commands", {}) if context is not None else {}
        near = [f"{path} {name}" for name in nearest(missing[1], commands)]
        return f"`{path}` has no command {missing[1]!r}", near or f"The commands are {', '.join(commands)}."
    return f"{raw[:1].lower()}{raw[1:]}".rstrip("."), []


def _how_to_pass(parameter: Any, context: Any) -> str:
    """The hint for a missing parameter: the option with its metavar, or the values that an argument takes."""
    if parameter is None or context is None:
        return ""
    if parameter.param_type_name == "option":
        return f"Pass `{min(parameter.opts, key=len)} {parameter.metavar or 'VALUE'}`."
    if (given := context.params.get("name")) and parameter.name == "request":
        return f"Run `provision add NAME {given}`." if given[:1].isdigit() else f"Run `provision add {given} 3.14`."
    values = [found.value for found in parameter.shell_complete(context, "") if found.type == "plain"]
    if not 0 < len(values) <= _MOST_VALUES:
        return ""
    return f"Pass one of {', '.join(values)}." if values[1:] else f"Pass {values[0]}."


def _hint_on_repeating(context: Any) -> str:
    """Of the repeatable options that were passed: a pattern of the shell stands for several values."""
    if context is None:
        return ""
    repeatable = (each for each in context.command.params if getattr(each, "multiple", False))
    names = [_name(each, "") for each in repeatable if context.params.get(each.name)]
    return f"Pass {' and '.join(f'`{name}`' for name in names)} once for each value." if names else ""


def _near_options(given: str, possible: Iterable[str] | None, context: Any) -> list[str]:
    if context is None or not given.startswith("--"):
        return sorted(possible or ())
    options = [name for parameter in context.command.params for name in (*parameter.opts, *parameter.secondary_opts)]
    words = [name[2:] for name in options if name.startswith("--")]
    return [f"--{word}" for word in nearest(given[2:], words)]


def _name(parameter: Any, otherwise: str) -> str:
    """``--jobs`` for an option; ``NAME`` for an argument, as the help has it."""
    if parameter is None:
        return otherwise
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or (parameter.name or "").upper()).split("...")[0].strip("[]{}.")


def _expected(error: Any) -> str:
    """``expected a whole number from 1 to 64, got '99'``, or what a type says of a value that it refuses."""
    kind, raw = error.param.type if error.param is not None else None, error.message
    value = _VALUE.match(raw)
    expected = _description(kind)
    if value is None or not expected:
        return f"{raw[:1].lower()}{raw[1:]}".rstrip(".")
    given = value[1]
    return f"expected {expected}, got {given if given[:1] in _QUOTES else repr(given)}"


def _description(kind: Any) -> str:
    """What values a type has; empty for types that are not numbers."""
    name = getattr(kind, "name", "")
    if not name.startswith(("int", "float")):
        return ""
    number = "a whole number" if name.startswith("int") else "a number"
    least, most = getattr(kind, "min", None), getattr(kind, "max", None)
    if least is not None and most is not None:
        return f"{number} from {least:.15g} to {most:.15g}"
    return f"{number} of at least {least:.15g}" if least is not None else number
