"""Making a manifest, adding entries and removing them: the change happens, and nothing else does."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import ManifestError, ProvisionError, SeveralErrors
from provision.manifest.edit import (
    COMMON_TARGETS,
    add_entry,
    insert_block,
    insert_line,
    new_manifest,
    remove_entry,
    remove_lines,
    with_final_newline,
)
from provision.model.target import Target
from provision.text import line_ending
from tests.manifest.documents import Writer, spelled
from tests.manifest.samples import EXAMPLE, FILE, SHA, parse
from tests.manifest.strategies import NAMES, specs, unhurried

SIMPLE = """\
# Ours.
[settings]
cpu = "auto"  # all

[pythons]
# The main one.
default = "3.14"  # newest
fast = { version = "3.13", cpu = "auto" }

[policy]
cooldown = "1 day"
"""
TABLES = """\
[pythons.a]
version = "3.14"

# The other one.
[pythons.b]
version = "3.13"
sha256.linux-x86_64 = "{SHA}"
# Where b comes from.

# What it must not be.
[policy]
cooldown = "1 day"
""".replace("{SHA}", SHA)


def changed(before: str, after: str) -> list[str]:
    """The removed and added lines, in the form of diff."""
    old, new = before.splitlines(), after.splitlines()
    return [f"-{line}" for line in old if line not in new] + [f"+{line}" for line in new if line not in old]


def refusal(add: tuple[str, str, dict[str, object]]) -> ProvisionError:
    with pytest.raises(ProvisionError) as caught:
        add_entry(*add)
    return caught.value


def test_a_new_manifest_is_valid_and_has_four_targets() -> None:
    text = new_manifest()
    assert "schema" not in text  # no line that an editor would look up somewhere
    manifest = parse(text)
    assert manifest.settings.targets == COMMON_TARGETS
    assert [target.short for target in COMMON_TARGETS] == [
        "linux-x86_64",
        "linux-aarch64",
        "macos-aarch64",
        "windows-x86_64",
    ]
    assert [(request.name, str(request.version)) for request in manifest.requests] == [("default", "3.14")]


def test_a_new_manifest_for_other_targets_and_another_version() -> None:
    manifest = parse(new_manifest([Target.parse("linux-riscv64")], version="3.13"))
    assert manifest.settings.targets == (Target.parse("linux-riscv64"),)
    assert str(manifest.requests[0].version) == "3.13"
    assert parse(new_manifest([])).settings.targets is None


def test_a_new_manifest_is_valid_with_its_comments_uncommented() -> None:
    text = re.sub(r"(?m)^# (targets|cooldown|free|fast|full) ", r"\1 ", new_manifest([]))
    assert [request.name for request in parse(text).requests] == ["default", "free", "fast", "full"]


@pytest.mark.parametrize("name", ["free", "fast", "full"])
def test_an_example_is_removed_when_an_entry_of_its_name_is_added(name: str) -> None:
    text = new_manifest(version="3.13")
    added = add_entry(text, name, {"version": "3.14"})
    assert [line for line in changed(text, added) if line.startswith("-")] == [
        "-" + next(line for line in text.splitlines() if line.startswith(f"# {name} = "))
    ]
    crlf = add_entry(text.replace("\n", "\r\n"), name, {"version": "3.14"})
    assert f"# {name} = " not in crlf
    edited = text.replace(f"# {name} = ", f"# {name} = our own ")
    assert f"# {name} = our own " in add_entry(edited, name, {"version": "3.14"}), "somebody changed it"


def test_a_comment_is_written_next_to_an_entry_and_ends_with_its_line() -> None:
    hostile = "tox.ini\n[settings]"
    for text in (SIMPLE, TABLES):
        added = add_entry(text, "new", {"version": "3.12", "cpu": "auto"}, comment=hostile)
        assert "  # tox.ini\\n[settings]\n" in added
        assert parse(added).request("new") is not None


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ({"version": "3.12"}, '+new = "3.12"'),
        ({"version": "3.14", "freethreaded": True}, '+new = "3.14t"'),
        ({"version": "3.14t", "debug": True}, '+new = "3.14td"'),
        ({"version": "3.14", "freethreaded": False, "debug": False}, '+new = "3.14"'),
        ({"version": "3.14+freethreaded"}, '+new = "3.14+freethreaded"'),
        ({"version": ">=3.13,<3.14", "debug": True}, '+new = ">=3.13,<3.14+debug"'),
        ({"version": "pypy3.11"}, '+new = "pypy3.11"'),
        ({"version": "3.14", "cpu": "auto"}, '+new = { version = "3.14", cpu = "auto" }'),
        ({"version": "3", "without": ("tests", "idle")}, '+new = { version = "3", without = ["tests", "idle"] }'),
        ({"version": "3", "cooldown": 0, "debug": True}, '+new = { version = "3", cooldown = 0, debug = true }'),
    ],
)
def test_an_entry_is_added_below_the_last_in_its_shortest_form(spec: dict[str, object], line: str) -> None:
    text = add_entry(SIMPLE, "new", spec)
    assert changed(SIMPLE, text) == [line]
    assert [request.name for request in parse(text).requests] == ["default", "fast", "new"]


def test_equals_signs_stay_in_their_column() -> None:
    assert changed(EXAMPLE, add_entry(EXAMPLE, "n", {"version": "3.12"})) == ['+n       = "3.12"']
    assert changed(EXAMPLE, add_entry(EXAMPLE, "much-longer", {"version": "3.12"})) == ['+much-longer = "3.12"']


def test_a_name_with_a_dot_is_quoted() -> None:
    assert changed(SIMPLE, add_entry(SIMPLE, "py3.12", {"version": "3.12"})) == ['+"py3.12" = "3.12"']


def test_an_entry_that_would_be_a_long_line_becomes_a_table() -> None:
    spec: dict[str, object] = {"version": "3.12.11", "build": "20250818", "sha256": {"linux-x86_64": SHA}}
    text = add_entry(SIMPLE, "new", spec)
    table = f'[pythons.new]\nversion = "3.12.11"\nbuild = "20250818"\nsha256 = {{ linux-x86_64 = "{SHA}" }}\n'
    assert f'fast = {{ version = "3.13", cpu = "auto" }}\n\n{table}\n[policy]' in text


def test_a_new_entry_is_a_table_if_other_entries_are_tables() -> None:
    text = add_entry(TABLES, "new", {"version": "3.12"})
    assert f'"{SHA}"\n# Where b comes from.\n\n[pythons.new]\nversion = "3.12"\n\n# What it must not be.' in text


def test_a_short_entry_is_one_line_if_only_long_entries_are_tables() -> None:
    text = SIMPLE + '\n[pythons.t]\nversion = "3"\n'
    added = add_entry(text, "new", {"version": "3", "cpu": "auto"})
    assert changed(text, added) == ['+new = { version = "3", cpu = "auto" }']
    without_inline = text.replace('fast = { version = "3.13", cpu = "auto" }\n', "")
    added = add_entry(without_inline, "new", {"version": "3", "cpu": "auto"})
    assert added.endswith('[pythons.t]\nversion = "3"\n\n[pythons.new]\nversion = "3"\ncpu = "auto"\n')


def test_a_new_table_does_not_capture_keys_of_the_top_level() -> None:
    text = 'pythons.a = "3.14"\npolicy.cooldown = 0  # none\n'
    spec: dict[str, object] = {"version": "3.12.11", "build": "20250818", "sha256": {"linux-x86_64": SHA}}
    assert add_entry(text, "b", spec).startswith(f'{text}\n[pythons.b]\nversion = "3.12.11"\n')


def test_dotted_keys_stay_dotted() -> None:
    text = 'pythons.a = "3.14"\npythons.b.version = "3.13"\n[settings]\n'
    assert changed(text, add_entry(text, "c", {"version": "3.12"})) == ['+pythons.c = "3.12"']
    assert changed(text, remove_entry(text, "b")) == ['-pythons.b.version = "3.13"']


def test_one_inline_table_stays_one() -> None:
    text = '\ufeffpythons = { a = "3.14", b = "3.13" }  # all\r\n'
    added = add_entry(text, "py3.12", {"version": "3.12", "debug": True, "cpu": "auto"})
    assert added.startswith("\ufeff")
    assert added.endswith("}  # all\r\n")
    assert tomllib.loads(added.removeprefix("\ufeff"))["pythons"] == {
        "a": "3.14",
        "b": "3.13",
        "py3.12": {"version": "3.12", "debug": True, "cpu": "auto"},
    }
    assert tomllib.loads(remove_entry(added, "a").removeprefix("\ufeff"))["pythons"].keys() == {"b", "py3.12"}


@pytest.mark.parametrize("text", ["", "# mine", '[settings]\ncpu = "auto"', "\ufeff\n\n"])
def test_a_manifest_without_entries_gets_a_table_for_them(text: str) -> None:
    added = add_entry(text, "default", {"version": "3.14"})
    assert added.endswith('[pythons]\ndefault = "3.14"\n')
    assert added.startswith(text)
    parse(added)


def test_line_endings_are_kept() -> None:
    text = SIMPLE.replace("\n", "\r\n")
    for edited in (add_entry(text, "new", {"version": "3.12"}), remove_entry(text, "default")):
        assert edited.count("\n") == edited.count("\r\n")


def test_removing_a_line_keeps_the_others() -> None:
    assert changed(SIMPLE, remove_entry(SIMPLE, "default")) == ['-default = "3.14"  # newest']


def test_removing_a_table_keeps_adjacent_tables_and_their_comments() -> None:
    assert remove_entry(TABLES, "a") == TABLES.removeprefix('[pythons.a]\nversion = "3.14"\n\n')
    expected = TABLES[: TABLES.index("[pythons.b]")] + TABLES[TABLES.index("# Where b") :]
    assert remove_entry(TABLES, "b") == expected


def test_all_parts_of_an_entry_are_removed_wherever_they_are() -> None:
    text = f"""\
[pythons.a]
version = "3.14"

[settings]
cpu = "auto"

[pythons.b]
version = "3.13"

[pythons.a.sha256]
linux-x86_64 = "{SHA}"
"""
    assert remove_entry(text, "a") == '[settings]\ncpu = "auto"\n\n[pythons.b]\nversion = "3.13"\n'


def test_the_last_entry_leaves_an_empty_table() -> None:
    assert remove_entry('[pythons]\na = "3"\n', "a") == "[pythons]\n"
    assert remove_entry('[pythons.a]\nversion = "3"\n', "a") == "[pythons]\n"
    left = remove_entry('pythons.a = "3"\npolicy.cooldown = 0\n', "a")
    assert tomllib.loads(left) == {"policy": {"cooldown": 0}, "pythons": {}}


def test_a_name_that_already_exists_is_refused() -> None:
    error = refusal((SIMPLE, "default", {"version": "3"}))
    assert str(error) == "pythons.toml:7:1: pythons.default: entry already exists"
    assert error.hint == "Edit the entry in the file, or run `provision remove default` first."


@pytest.mark.parametrize(
    ("name", "spec", "complaint"),
    [
        ("New", {"version": "3"}, "New: 'New' is not a name"),
        ("bin", {"version": "3"}, "bin: 'bin' cannot be the name"),
        ("new", {"version": "3.14x"}, "new.version: '3.14x' is not a version request"),
        ("new", {"version": "3", "flavour": "full"}, "new.flavour: 'flavour' is not a key of an entry of [pythons]"),
        ("new", {"version": "3.14t", "freethreaded": False}, "new.freethreaded: false contradicts `version` (3.14t)"),
        ("new", {}, "new: `version` is missing"),
    ],
)
def test_an_invalid_entry_is_refused(name: str, spec: dict[str, object], complaint: str) -> None:
    error = refusal((SIMPLE, name, spec))
    assert str(error).startswith(complaint)
    assert error.place is None
    assert error.exit_code == 2


def test_an_invalid_manifest_is_not_edited() -> None:
    error = refusal(('[settings]\ncpus = "auto"\n', "new", {"version": "3"}))
    assert str(error).startswith("pythons.toml:2:1: settings.cpus: ")
    with pytest.raises(ManifestError, match=r"elsewhere\.toml:1:1: not valid TOML"):
        remove_entry("?", "a", path=FILE.with_name("elsewhere.toml"))
    assert isinstance(refusal(("[pythons]\na = 1\nb = 2\n", "new", {"version": "3"})), SeveralErrors)


def test_a_name_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ManifestError) as caught:
        remove_entry(SIMPLE, "defualt")
    assert str(caught.value) == "pythons.toml has no entry 'defualt'"
    assert caught.value.hint == "The entries are default, fast. Did you mean 'default'?"
    with pytest.raises(ManifestError) as caught:
        remove_entry("[pythons]\n", "default")
    assert caught.value.hint == "The manifest has no entries yet."


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, object]:
    """What a manifest says, as TOML's values, for a writer to spell."""
    entries = draw(st.dictionaries(NAMES, specs(), max_size=4))
    pythons = {name: spec if draw(st.booleans()) else spec["version"] for name, spec in entries.items()}
    settings = draw(st.sampled_from([None, {}, {"cpu": "auto", "targets": ["linux-x86_64"]}]))
    policy = draw(st.sampled_from([None, {"cooldown": "1 day"}, {"ignore": [{"code": "PV001", "reason": "x"}]}]))
    tables: dict[str, object] = {"settings": settings, "pythons": pythons, "policy": policy}
    order = draw(st.permutations(sorted(tables)))
    return {name: tables[name] for name in order if tables[name] is not None}


@unhurried
@given(st.data(), manifests(), NAMES, specs())
def test_only_added_and_removed_entries_change(
    data: st.DataObject, document: dict[str, object], name: str, spec: dict[str, object]
) -> None:
    writer = Writer(data)
    writer.table((), spelled(document))
    text = writer.text
    before = {request.name: request for request in parse(text).requests}

    if name not in before:
        text = add_entry(text, name, spec)
        after = {request.name: request for request in parse(text).requests}
        assert {key: after[key] for key in before} == before
        assert after.keys() - before.keys() == {name}
        assert _others(text) == _others(writer.text)
        assert comments(writer.text) == comments(text)

    for gone in data.draw(st.permutations(sorted({name, *before}))):
        left = [request for request in parse(text).requests if request.name != gone]
        shorter = remove_entry(text, gone)
        assert list(parse(shorter).requests) == left
        assert _others(shorter) == _others(text)
        text = shorter
    assert parse(text).requests == ()


def _others(text: str) -> dict[str, object]:
    return {key: value for key, value in tomllib.loads(text.removeprefix("\ufeff")).items() if key != "pythons"}


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


@unhurried
@given(st.lists(st.tuples(NAMES, specs()), min_size=1, max_size=4, unique_by=lambda entry: entry[0]))
def test_adding_and_removing_again_gives_the_same_text(entries: list[tuple[str, dict[str, object]]]) -> None:
    texts = [SIMPLE]
    for name, spec in entries:
        if name in {"default", "fast"}:
            return
        texts.append(add_entry(texts[-1], name, spec))
    for (before, after), (name, _) in zip(pairwise(texts), entries, strict=True):
        assert remove_entry(after, name) == before


# Lines of a text.


def test_inserted_lines_have_the_line_endings_of_the_text() -> None:
    assert line_ending("a\nb") == "\n"
    assert line_ending("a\r\nb") == "\r\n"
    assert with_final_newline("a\r\nb") == "a\r\nb\r\n"
    assert with_final_newline("a\n") == "a\n"
    assert with_final_newline("") == ""


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a|\nb\n", "a\nNEW\nb\n"),
        ("a|  # comment\nb\n", "a  # comment\nNEW\nb\n"),
        ("a|", "a\nNEW\n"),
        ("a|\r\nb\r\n", "a\r\nNEW\r\nb\r\n"),
    ],
)
def test_a_line_is_inserted_below_another(text: str, after: str) -> None:
    assert insert_line(text.replace("|", ""), text.index("|"), "NEW") == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a|\n", "a\n\nNEW\n"),
        ("a|", "a\n\nNEW\n"),
        ("a|\n\nb\n", "a\n\nNEW\n\nb\n"),
        ("a|\nb\n", "a\n\nNEW\n\nb\n"),
        ("a|\n# on a\n", "a\n# on a\n\nNEW\n"),
        ("a|\n# on a\n\nb\n", "a\n# on a\n\nNEW\n\nb\n"),
        ("a|\n# on b\nb\n", "a\n\nNEW\n\n# on b\nb\n"),
        ("a|\n\n\n", "a\n\nNEW\n\n\n"),
    ],
)
def test_a_block_is_surrounded_by_blank_lines(text: str, after: str) -> None:
    assert insert_block(text.replace("|", ""), text.index("|"), ["NEW"]) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a\n|b|\nc\n", "a\nc\n"),
        ("a\n|b|  # comment\nc\n", "a\nc\n"),
        ("a\n|b\nb|\nc\n", "a\nc\n"),
        ("a\n\n|b|\n\nc\n", "a\n\nc\n"),
        ("a\n\n|b|\n\n  c\n", "a\n\n  c\n"),
        ("a\n\n|b|\n", "a\n"),
        ("a\n\n|b|\n\n", "a\n"),
        ("a\n\n|b|", "a\n"),
        ("|b|\n\nc\n", "c\n"),
        ("|b|", ""),
        ("a\r\n\r\n|b|\r\n\r\nc\r\n", "a\r\n\r\nc\r\n"),
        ("a\n  |b|\nc\n", "a\nc\n"),
    ],
)
def test_removing_lines_leaves_no_double_blank_lines(text: str, after: str) -> None:
    start = text.index("|")
    end = text.index("|", start + 1) - 1
    assert remove_lines(text.replace("|", ""), start, end) == after
