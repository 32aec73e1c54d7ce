"""Options from the command line and the environment, and the entries and targets that a command line names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.errors import UsageError
from provision.model.target import Target
from provision.workflows.options import DEFAULT_JOBS, Options, in_ci, parse_scope, parse_targets

LINUX, MAC = Target.parse("linux-x86_64"), Target.parse("macos-aarch64")


def test_the_command_line_takes_precedence_over_the_environment(tmp_path: Path) -> None:
    environ = {
        "PROVISION_HOME": str(tmp_path / "environ"),
        "PROVISION_MANIFEST": "environ.toml",
        "PROVISION_MIRROR": "https://one.example https://two.example",
        "PROVISION_JOBS": "2",
    }
    options = Options.of(environ)
    assert (options.home, options.manifest, options.jobs) == (tmp_path / "environ", Path("environ.toml"), 2)
    assert options.mirrors == ("https://one.example", "https://two.example")
    given = Options.of(
        environ, home=tmp_path / "given", manifest=Path("given.toml"), mirrors=("https://given.example",), jobs=3
    )
    assert (given.home, given.manifest, given.jobs) == (tmp_path / "given", Path("given.toml"), 3)
    assert given.mirrors == ("https://given.example",)


def test_allowed_hosts_of_the_command_line_and_the_environment_are_combined() -> None:
    options = Options.of({"PROVISION_ALLOW_HOSTS": "b.example, c.example"}, allow_hosts=("a.example",))
    assert options.allow_hosts == ("a.example", "b.example", "c.example")


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("yes", True), ("0", False), ("Off", False), ("", False)])
def test_a_flag_can_be_set_in_the_environment(value: str, expected: bool) -> None:
    assert in_ci({"CI": value}) is expected
    assert Options.of({"PROVISION_OFFLINE": value}).offline is expected


@pytest.mark.parametrize("value", ["0", "65", "-1", "many", "1.5"])
def test_an_invalid_number_of_jobs_is_refused(value: str) -> None:
    assert Options.of({"PROVISION_JOBS": ""}).jobs == DEFAULT_JOBS
    with pytest.raises(UsageError, match="PROVISION_JOBS: expected a number from 1 to 64"):
        Options.of({"PROVISION_JOBS": value})


def test_a_scope_has_each_name_and_target_once() -> None:
    scope = parse_scope(["b", "a", "b"], ["linux-x86_64", "macos-aarch64", "x86_64-unknown-linux-gnu"])
    assert (scope.names, scope.targets, scope.foreign) == (("b", "a"), (LINUX, MAC), True)
    assert not parse_scope(["a"], []).foreign
    every = parse_scope([], ["all"])
    assert (every.targets, every.all_targets, every.foreign) == ((), True, True)


def test_a_cpu_level_is_one_of_four_and_requires_a_target() -> None:
    assert parse_scope([], ["linux-x86_64"], cpu="v3").cpu == "v3"
    with pytest.raises(UsageError, match="--cpu: expected one of baseline, v2, v3, v4; got 'v5'"):
        parse_scope([], ["linux-x86_64"], cpu="v5")
    with pytest.raises(UsageError, match="`--cpu` requires `--target`"):
        parse_scope([], [], cpu="v3")


def test_an_unknown_target_is_refused_with_a_suggestion() -> None:
    assert parse_targets(["linux-x86_64", "all"]) == (), "all of them"
    with pytest.raises(UsageError):
        parse_targets(["all", "nothing"])
    with pytest.raises(
        UsageError, match=r"--target: expected a target .*, got 'linux-x86-64'\. Did you mean 'linux-x86_64'\?"
    ):
        parse_targets(["linux-x86-64"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"environ": {"PROVISION_MIRROR": "https://m.example banana"}},
            "PROVISION_MIRROR: invalid mirror 'banana/?'",
        ),
        ({"mirrors": ("ftp://m.example",)}, "--mirror: invalid mirror 'ftp://m.example/?'"),
        (
            {"environ": {"PROVISION_ALLOW_HOSTS": "a.example,b/c"}},
            "PROVISION_ALLOW_HOSTS: 'b/c' is not a host to allow",
        ),
        ({"allow_hosts": ("a b",)}, "--allow-host: 'a b' is not a host to allow"),
    ],
)
def test_mirrors_and_hosts_are_checked_by_every_command(given: dict[str, Any], said: str) -> None:
    """Though only a download uses them."""
    with pytest.raises(UsageError, match=said):
        Options.of(given.pop("environ", {}), **given)


def test_jitter_is_set_by_the_command_line_or_the_environment() -> None:
    options = Options.of({"HOME": "/home/me", "PROVISION_JITTER": "30"})
    assert (options.jitter, options.with_jitter(None).jitter, options.with_jitter(0.0).jitter) == (30.0, 30.0, 0.0)
    with pytest.raises(UsageError, match="--jitter: expected a number of seconds, got 'nan'"):
        options.with_jitter(float("nan"))
