"""`pythons.toml` from its file to its values: what is found, read and refused, and the place of each mistake.

Entries: `test_read_entries`.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import ManifestError, ProvisionError
from provision.manifest.keys import IgnoreRule, ManifestSettings, Policy
from provision.manifest.read import find_manifest, parse_manifest, read_manifest, read_policy
from provision.model.target import Target
from tests.manifest.documents import DOCUMENTS, Writer
from tests.manifest.samples import EXAMPLE, FILE, complaints, error_lines, parse
from tests.manifest.strategies import unhurried

MINIMAL = '[pythons]\ndefault = "3.14"\n'


def test_the_example_of_the_documentation_is_read() -> None:
    manifest = parse(EXAMPLE)
    assert manifest.settings == ManifestSettings(
        targets=tuple(map(Target.parse, ("linux-x86_64", "linux-aarch64", "macos-aarch64", "windows-x86_64"))),
        flavor="install_only_stripped",
        cpu="baseline",
        prereleases=False,
        cooldown=259_200,
        catalogs=("https://example.com/catalog.ndjson",),
    )
    names = [request.name for request in manifest.requests]
    assert names == ["default", "free", "debug", "fast", "embed", "alpine", "pinned", "ours"]
    assert manifest.path == FILE
    assert manifest.policy is None


def test_settings_are_optional() -> None:
    manifest = parse(MINIMAL)
    assert manifest.settings == ManifestSettings()
    assert [str(request.version) for request in manifest.requests] == ["3.14"]


def test_a_manifest_may_declare_nothing() -> None:
    assert parse("[pythons]\n").requests == ()


def test_the_policy_is_checked_and_normalised() -> None:
    manifest = parse(
        MINIMAL
        + '[policy]\nallow-hosts = ["*.example.com"]\ncooldown = "1 day"\nallow-prereleases = false\n'
        + 'allow-end-of-life = true\nignore = [{ code = "PV012", reason = "needed" }]\n'
    )
    assert manifest.policy == Policy(
        allow_hosts=("*.example.com",),
        cooldown=86_400,
        allow_prereleases=False,
        allow_end_of_life=True,
        ignore=(IgnoreRule(code="PV012", reason="needed"),),
    )


def test_one_reason_for_a_finding_is_enough() -> None:
    rule = '{ code = "PV012", reason = "needed" }'
    assert error_lines(MINIMAL + f"[policy]\nignore = [{rule}, {rule}]\n") == [
        "4:50: policy.ignore[1]: {'code': 'PV012', 'reason': 'needed'} is listed twice"
    ]


def test_a_request_has_its_place() -> None:
    manifest = parse(EXAMPLE)
    request = manifest.request("embed")
    assert request is not None
    assert str(request.place) == "pythons.toml:16:1: pythons.embed"
    assert manifest.request("embedded") is None


def test_the_same_text_gives_the_same_value() -> None:
    assert parse(EXAMPLE) == parse(EXAMPLE)


def test_all_problems_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = """\
[setings]
[settings]
flavour = "full"
targets = ["linux-x86_64", "linux-aarch46"]
cooldown = 3
[pythons]
default = 3.14
Free = "3.14t"
free = { version = "3.14t", freethreaded = false, tagets = [] }
bin = "3.14"
[pythons.pinned]
sha256 = { linux-x86_64 = "abc" }
[policy]
allow-host = []
"""
    assert error_lines(text) == [
        "1:2: setings: 'setings' is not a table of the manifest. Did you mean 'settings'?",
        "3:1: settings.flavour: 'flavour' is not a key of the [settings] table. Did you mean 'flavor'?",
        "4:28: settings.targets[1]: 'linux-aarch46' is not a known target. Did you mean 'linux-aarch64'?",
        '5:1: settings.cooldown: expected a duration such as "3 days", or 0; got the number 3',
        '7:1: pythons.default: expected a version such as "3.14", or a table; got the number 3.14',
        "8:1: pythons.Free: this name differs from 'free' only in case",
        "9:29: pythons.free.freethreaded: false contradicts `version` (3.14t), which requests a freethreaded build",
        "9:51: pythons.free.tagets: 'tagets' is not a key of an entry of [pythons]. Did you mean 'targets'?",
        "10:1: pythons.bin: 'bin' cannot be the name of a link on every system; choose another name",
        "11:10: pythons.pinned: `version` is missing",
        "12:12: pythons.pinned.sha256.linux-x86_64: 'abc' is not a sha256: expected 64 hexadecimal digits",
        "14:1: policy.allow-host: 'allow-host' is not a key of the [policy] table. Did you mean 'allow-hosts'?",
    ]
    assert {error.exit_code for error in complaints(text)} == {2}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [": no [pythons] table"]),
        ("# nothing yet\n", [": no [pythons] table"]),
        ("[settings]\n", [": no [pythons] table"]),
        ("[python]\n", ["1:2: python: 'python' is not a table of the manifest. Did you mean 'pythons'?"]),
        ("pythons = 3\n", ["1:1: pythons: expected the [pythons] table; got the number 3"]),
        ("[[pythons]]\n", ["1:3: pythons: expected the [pythons] table; got a list"]),
        ("settings = 3\n[pythons]\n", ["1:1: settings: expected the [settings] table; got the number 3"]),
        (
            '[pythons]\n"\\u001b[31m" = "3.14"\n',
            ["2:1: pythons.\"\\x1b[31m\": '\\x1b[31m' is not a name; expected lower-case"],
        ),
        ('[pythons]\n"" = "3.14"\n', ["2:1: pythons.\"\": '' is not a name"]),
        ("[pythons]\nx = 3.14t\n", ["2:9: not valid TOML: expected newline"]),
    ],
)
def test_each_error_has_its_place_and_message(text: str, lines: list[str]) -> None:
    messages = error_lines(text)
    assert len(messages) == len(lines)
    assert all(
        line.lstrip(": ").startswith(expected.lstrip(": ")) for line, expected in zip(messages, lines, strict=True)
    )


def test_the_error_for_an_empty_manifest_shows_what_to_write() -> None:
    (error,) = complaints("")
    assert error.hint == 'Add a table [pythons] with an entry, for example default = "3.14".'


@unhurried
@given(st.data())
def test_any_document_is_read_or_refused(data: st.DataObject) -> None:
    writer = Writer(data)
    writer.table((), {data.draw(st.sampled_from(["pythons", "settings", "policy"])): data.draw(DOCUMENTS)})
    try:
        parse_manifest(writer.text, FILE)
    except ProvisionError as error:
        str(error).encode()


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pythons.toml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode())
    assert read_manifest(path).requests == parse(EXAMPLE).requests


def refusal(path: Path) -> ManifestError:
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    return caught.value


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    error = refusal(tmp_path / "pythons.toml")
    assert str(error) == f"{tmp_path / 'pythons.toml'}: does not exist"
    assert error.hint == "Run `provision init` to create it."


def test_a_directory_in_place_of_the_manifest_is_an_error(tmp_path: Path) -> None:
    assert refusal(tmp_path).message == "is a directory; expected a manifest"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX")
def test_pipes_and_devices_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").message == "is not a regular file; expected a manifest"
    (tmp_path / "endless").symlink_to("/dev/zero")
    assert refusal(tmp_path / "endless").message == "is not a regular file; expected a manifest"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").touch(0o000)
    assert refusal(tmp_path / "pythons.toml").message == "cannot be read: permission denied"


def test_an_impossible_path_is_an_error(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a\0b").message.startswith("cannot be read: ")
    assert refusal(tmp_path / ("x" * 300)).message.startswith("cannot be read: ")


def test_bytes_that_are_not_utf8_have_a_place(tmp_path: Path) -> None:
    path = tmp_path / "pythons.toml"
    path.write_bytes("[pythons]\n# grüß ".encode() + b"\xff\n")
    error = refusal(path)
    assert str(error) == f"{path}:2:8: not valid UTF-8: unexpected byte 0xff"
    assert error.hint == "Save the file as UTF-8."


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pythons.toml"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    assert refusal(path).message == "is too large for a manifest; the limit is 1024 KiB"


def test_the_nearest_manifest_is_found(tmp_path: Path) -> None:
    (tmp_path / "pythons.toml").touch()
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_manifest(inner) == tmp_path / "pythons.toml"
    (tmp_path / "a" / "pythons.toml").touch()
    assert find_manifest(inner) == tmp_path / "a" / "pythons.toml"
    assert find_manifest(tmp_path) == tmp_path / "pythons.toml"


@pytest.mark.parametrize("worktree", [False, True])
def test_the_search_ends_at_the_root_of_the_repository(tmp_path: Path, worktree: bool) -> None:
    (tmp_path / "pythons.toml").touch()
    repository = tmp_path / "repository"
    (repository / "a").mkdir(parents=True)
    git = repository / ".git"
    git.write_text("gitdir: elsewhere") if worktree else git.mkdir()
    with pytest.raises(ManifestError, match=r"no pythons\.toml in .* or its parent directories up to ") as caught:
        find_manifest(repository / "a")
    assert caught.value.hint == "Run `provision init` to create it."
    with pytest.raises(ManifestError) as caught:
        find_manifest(repository)
    assert str(caught.value) == f"no pythons.toml in {repository.resolve()}"
    (repository / "pythons.toml").touch()
    assert find_manifest(repository / "a") == repository / "pythons.toml"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_manifest_in_a_world_writable_parent_directory_is_skipped(tmp_path: Path) -> None:
    public = tmp_path / "public"
    (public / "mine").mkdir(parents=True)
    public.chmod(0o1777)
    (public / "pythons.toml").touch()
    (tmp_path / "pythons.toml").touch()
    assert find_manifest(public / "mine") == tmp_path / "pythons.toml"
    assert find_manifest(public) == public / "pythons.toml"  # a user who works there means it


def test_reading_imports_nothing_that_is_slow_to_import(tmp_path: Path) -> None:
    path = tmp_path / "pythons.toml"
    path.write_text(EXAMPLE)
    program = (
        "import sys; from provision.manifest.read import read_manifest; from pathlib import Path\n"
        f"for one in read_manifest(Path({str(path)!r})).requests:\n"
        "    from provision.manifest.manifest import request_digest; request_digest(one)\n"
        "print(*sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    slow = {"packaging", "pydantic", "tomlkit", "httpx", "difflib", "json", "tempfile", "subprocess", "logging"}
    assert slow.isdisjoint(done.stdout.split())
    # Hundreds of lines of patterns, for messages only.
    assert importlib.util.find_spec("provision.manifest.positions")
    assert "provision.manifest.positions" not in done.stdout.split()


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('default = "3.14"', "Move `default` into the table [pythons], which has the entries."),
        ('fast = { version = "3.14" }', "Move `fast` into the table [pythons], which has the entries."),
        ('targets = ["linux-x86_64"]', "Move `targets` into the table [settings]."),
        ("allow-prereleases = true", "Move `allow-prereleases` into the table [policy]."),
    ],
)
def test_the_hint_for_a_key_at_the_top_level_names_its_table(line: str, hint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(f'{line}\n[pythons]\none = "3.13"\n', Path("pythons.toml"))
    assert caught.value.hint == hint


@pytest.mark.parametrize("mark", ["<<<<<<< HEAD", "||||||| base", ">>>>>>> topic"])
def test_a_merge_conflict_is_named_with_its_line(mark: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(f'[pythons]\n{mark}\none = "3.13"\n', Path("pythons.toml"))
    assert str(caught.value) == "pythons.toml:2: has an unresolved merge conflict"
    assert "Resolve the conflict" in str(caught.value.hint)


def test_a_missing_policy_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="does not exist") as caught:
        read_policy(tmp_path / "nofile")
    assert caught.value.hint == "Pass a file with a [policy] table."
