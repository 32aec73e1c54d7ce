"""Each kind of command line that Typer refuses has the form of all errors, and says what was expected."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from provision.cli.app import run_app
from provision.cli.refusals import refusal
from provision.errors import UsageError
from provision.model.target import KNOWN_TARGETS

REFUSED = {
    # no such option
    "plan --lockd": ("`provision plan` has no option '--lockd'", "Run `provision plan --help`."),
    "--verison": ("`provision` has no option '--verison'", "Did you mean `--version`?"),
    "init --force": ("`provision init` has no option '--force'", "Run `provision init --help`."),
    "list --mainfest x": ("`provision list` has no option '--mainfest'", "Did you mean `--manifest`?"),
    "plan -X": ("`provision plan` has no option '-X'", "Run `provision plan --help`."),
    "run --foo one": ("`provision run` has no option '--foo'", "Run `provision run --help`."),
    # an option that would have no effect
    **{
        f"{command} {option}": (f"`provision {command}` has no option '{option}'", f"Run `provision {command} --help`.")
        for command, options in {
            "mirror check": ("--mirror",),
            "mirror list": ("--mirror",),
            "lock": ("--mirror", "--jobs"),
            "audit": ("--mirror", "--jobs"),
            "attest": ("--mirror", "--jobs"),
            "pre-commit": ("--mirror", "--jobs"),
            "doctor": ("--jobs",),
        }.items()
        for option in options
    },
    "image --push r.example/a --name b": ("`--name` requires `--output`: it names the image in a layout", None),
    # a wrong value
    "sync --jobs 99": ("--jobs: expected a whole number from 1 to 64, got '99'", "Run `provision sync --help`."),
    "sync -j x": ("--jobs: expected a whole number from 1 to 64, got 'x'", "Run `provision sync --help`."),
    "sync --jobs=": ("--jobs: expected a whole number from 1 to 64, got ''", "Run `provision sync --help`."),
    "catalog list --limit -1": (
        "--limit: expected a whole number of at least 0, got '-1'",
        "Run `provision catalog list --help`.",
    ),
    "sync --jitter 1m": ("--jitter: expected a number from 0 to 86400, got '1m'", "Run `provision sync --help`."),
    "prefetch --jitter -1": (
        "--jitter: expected a number from 0 to 86400, got '-1.0'",
        "Run `provision prefetch --help`.",
    ),
    "catalog list --flavor xyz": (
        "--flavor: expected one of install_only_stripped, install_only, full; got 'xyz'",
        None,
    ),
    "prefetch --target xyz": (
        "--target: expected a target such as linux-x86_64, got 'xyz'",
        f"Known: {', '.join(sorted(target.short for target in KNOWN_TARGETS.values()))}, and `all`.",
    ),
    "feed --implementation xyz": ("--implementation: expected one of cpython, graalpy, pypy; got 'xyz'", None),
    "catalog update --build a/b": ("--build: expected a build such as 20260814, got 'a/b'", None),
    # a missing value, and one too many
    "sync --jobs": ("--jobs: expected a value, got none", "Run `provision sync --help`."),
    "status -m": ("-m: expected a value, got none", "Run `provision status --help`."),
    "list --json=1": ("--json: expected no value", "Run `provision list --help`."),
    # arguments
    "hook": ("`provision hook` requires SHELL", "Pass one of bash, zsh, fish, pwsh, powershell, direnv."),
    "pre-commit": ("`provision pre-commit` requires ACTION", "Pass one of check, audit, lock."),
    "bundle create x.tar": ("`provision bundle create` requires --output", "Pass `-o PATH`."),
    "audit --advisories a b c": (
        "`provision audit` does not take the argument 'c'",
        "Pass `--advisories` once for each value.",
    ),
    "status --mirror a b": ("`provision status` has no option '--mirror'", "Run `provision status --help`."),
    "doctor --mirror a b": (
        "`provision doctor` does not take the argument 'b'",
        "Pass `--mirror` once for each value.",
    ),
    "list -o x": ("`provision list` has no option '-o'", "Run `provision list --help`."),
    "which": ("`provision which` requires NAME", "Run `provision which --help`."),
    "remove": ("`provision remove` requires NAME", "Run `provision remove --help`."),
    "add a": ("`provision add` requires REQUEST", "Run `provision add a 3.14`."),
    "add 3.14t": ("`provision add` requires REQUEST", "Run `provision add NAME 3.14t`."),
    "list more": ("`provision list` does not take the argument 'more'", "Run `provision list --help`."),
    "which a b c": ("`provision which` does not take the arguments 'b c'", "Run `provision which --help`."),
    # commands of a group
    "cache foo": ("`provision cache` has no command 'foo'", "The commands are dir, size, clean."),
    "bundle list": ("`provision bundle` has no command 'list'", "The commands are create, verify, diff."),
    "mirror pull": ("`provision mirror` has no command 'pull'", "The commands are push, check, list."),
    "cache siez": ("`provision cache` has no command 'siez'", "Did you mean `provision cache size`?"),
}


@pytest.mark.parametrize("line", REFUSED)
def test_errors_of_typer_have_the_form_of_all_errors(line: str) -> None:
    message, hint = REFUSED[line]
    with pytest.raises(UsageError) as caught:
        run_app(shlex.split(line))
    assert (caught.value.message, caught.value.hint, caught.value.exit_code) == (message, hint, 2)


def test_the_error_for_a_missing_entry_lists_those_of_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pythons.toml").write_text('[pythons]\ndefault = "3.14"\nfree = "3.14t"\n')
    monkeypatch.chdir(tmp_path)
    for command in ("which", "explain", "remove"):
        with pytest.raises(UsageError) as caught:
            run_app([command])
        assert caught.value.hint == "Pass one of default, free."


def test_any_other_error_keeps_its_message() -> None:
    """One of a later Typer, say, without a context or a parameter."""

    class Odd(Exception):
        def format_message(self) -> str:
            return "Something else."

    shown = refusal(Odd(), "sync")
    assert (shown.message, shown.hint) == ("something else", "Run `provision sync --help`.")
