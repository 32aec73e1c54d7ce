"""`pythons.lock` read: values that are safe, every mistake with its line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import LockFileError, ProvisionError, SeveralErrors
from provision.lock.lock import Lock
from provision.lock.read import (
    MAX_ERRORS,
    MAX_LOCK_SIZE,
    parse_lock,
    read_lock,
    read_lock_text,
)
from provision.lock.write import format_lock
from tests.lock.samples import LOCK, asset, python
from tests.lock.strategies import locks

TEXT = format_lock(Lock(pythons=(python(asset(size=1, published="2026-08-14T12:00:00Z"), asset(cpu="v2")),)))


def errors(text: str) -> list[str]:
    with pytest.raises((LockFileError, SeveralErrors)) as caught:
        parse_lock(text, LOCK)
    error = caught.value
    return [str(each) for each in (error.errors if isinstance(error, SeveralErrors) else (error,))]


def changed(key: str, value: str, *, asset: bool = False) -> str:
    """The sample with one value replaced, in the entry or in its first asset."""
    head, header, tail = TEXT.partition("[[python.asset]]\n")
    part = tail if asset else head
    lines = [f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in part.split("\n")]
    whole = "\n".join(lines)
    return f"{head}{header}{whole}" if asset else f"{whole}{header}{tail}"


def test_a_lock_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "pythons.lock"
    assert read_lock_text(path) is None
    with pytest.raises(LockFileError, match=r"pythons\.lock does not exist"):
        read_lock(path)
    path.write_text(TEXT)
    assert read_lock(path).lock.pythons[0].name == "default"


def test_files_that_cannot_be_a_lock_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pythons.lock"
    path.mkdir()
    with pytest.raises(LockFileError, match=r"pythons\.lock: is not a regular file") as directory:
        read_lock_text(path)
    path.rmdir()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LockFileError, match="is not UTF-8") as text:
        read_lock_text(path)
    assert directory.value.hint == text.value.hint == "Check that the path is that of a lock file."
    with path.open("wb") as file:
        file.truncate(MAX_LOCK_SIZE + 1)
    with pytest.raises(LockFileError, match="the limit is 16777216"):
        read_lock_text(path)
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(LockFileError, match="cannot be read"):
        read_lock_text(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("name", '"../up"', "5: python[0].name: is '../up'; expected a name"),
        ("name", '"Free"', "5: python[0].name: is 'Free'; expected a name"),
        ("name", '""', "5: python[0].name: is ''; expected a name"),
        ("name", "3", "5: python[0].name: is 3; expected text"),
        ("name", f'"{"x" * 65}"', "5: python[0].name: a name has at most 64 characters; got 65"),
        ("name", '"bin"', "5: python[0].name: 'bin' cannot be the name of a link on every system"),
        ("request", '"abc"', "6: python[0].request: is 'abc'; expected sha256:"),
        ("request", f'"sha256:{"A" * 64}"', "6: python[0].request: is 'AAAA"),
        ("implementation", '"perl"', "7: python[0].implementation: is 'perl'; expected one of cpython, pypy"),
        ("implementation", '"pyodide"', "7: python[0].implementation: is 'pyodide'; expected one of cpython, pypy"),
        ("version", '"3.14"', "8: python[0].version: '3.14' is not a Python version"),
        ("version", '"3.14.2/../.."', "8: python[0].version: '3.14.2/../..' is not"),
        ("build", '".."', "9: python[0].build: is '..'; expected a build"),
        ("build", '"a/b"', "9: python[0].build: is 'a/b'; expected a build"),
        ("build-options", '["fast"]', "10: python[0].build-options: 'fast' is not a build option"),
        ("build-options", '["pgo", "pgo"]', "10: python[0].build-options: is ['pgo', 'pgo']; expected each word once"),
        ("build-options", '"pgo"', "10: python[0].build-options: is 'pgo'; expected a list of words"),
        ("build-options", "[1]", "10: python[0].build-options: is [1]; expected a list of words"),
        ("flavor", '"huge"', "11: python[0].flavor: is 'huge'; expected one of install_only_stripped"),
    ],
)
def test_unsafe_values_of_an_entry_are_refused(key: str, value: str, message: str) -> None:
    assert errors(changed(key, value))[0].startswith(f"pythons.lock:{message}")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "target",
            '"linux-x86_64"',
            "14: python[0].asset[0].target: is 'linux-x86_64'; expected a target triple",
        ),
        ("cpu", '"v5"', "15: python[0].asset[0].cpu: is 'v5'; expected one of baseline, v2, v3, v4"),
        ("cpu", '["v2"]', "15: python[0].asset[0].cpu: is ['v2']; expected one of"),
        (
            "url",
            '"ftp://example.com/a"',
            "16: python[0].asset[0].url: 'ftp://example.com/a': expected an absolute https://",
        ),
        (
            "url",
            '"http://example.com/a"',
            "16: python[0].asset[0].url: 'http://example.com/a': http is allowed for loopback",
        ),
        ("url", '"https://a:b@example.com/a"', "16: python[0].asset[0].url: expected a URL without credentials"),
        (
            "url",
            '"https://example.com/"',
            "16: python[0].asset[0].url: 'https://example.com/': expected the URL of a file",
        ),
        (
            "url",
            '"https://example.com/a/"',
            "16: python[0].asset[0].url: is 'https://example.com/a/'; expected the URL of a file",
        ),
        (
            "url",
            '"https://example.com/a b"',
            "16: python[0].asset[0].url: 'https://example.com/a b' contains characters",
        ),
        (
            "url",
            '"https://example.com/\\u001b[2J"',
            "16: python[0].asset[0].url: 'https://example.com/\\x1b[2J' contains",
        ),
        ("url", '"https:///etc/passwd"', "16: python[0].asset[0].url: 'https:///etc/passwd': expected a host"),
        ("url", '"https://[::1/a"', "16: python[0].asset[0].url: 'https://[::1/a': expected a host"),
        (
            "url",
            '"file://host/etc"',
            "16: python[0].asset[0].url: 'file://host/etc': expected a file:// URL that names",
        ),
        ("url", "3", "16: python[0].asset[0].url: is 3; expected text"),
        ("sha256", f'"{"a" * 63}"', "17: python[0].asset[0].sha256: is 'aaaa"),
        ("sha256", f'"{"A" * 64}"', "17: python[0].asset[0].sha256: is 'AAAA"),
        ("size", "-1", "18: python[0].asset[0].size: is -1; expected a number of bytes"),
        ("size", "true", "18: python[0].asset[0].size: is True; expected a number of bytes"),
        ("size", "1e3", "18: python[0].asset[0].size: is 1000.0; expected a number of bytes"),
        ("size", "99999999999999999", "18: python[0].asset[0].size: is 99999999999999999; expected"),
        ("published", '"today"', "19: python[0].asset[0].published: is 'today'; expected a time in UTC"),
        ("published", "2026-08-14T12:00:00Z", "19: python[0].asset[0].published: is datetime.datetime(2026"),
    ],
)
def test_unsafe_values_of_an_asset_are_refused(key: str, value: str, message: str) -> None:
    assert errors(changed(key, value, asset=True))[0].startswith(f"pythons.lock:{message}")


def test_a_row_without_a_required_key_is_refused() -> None:
    lines = [line for line in TEXT.split("\n") if not line.startswith(("sha256", "flavor"))]
    assert errors("\n".join(lines)) == [
        "pythons.lock:4: python[0].flavor: is missing",
        "pythons.lock:12: python[0].asset[0].sha256: is missing",
        "pythons.lock:19: python[0].asset[1].sha256: is missing",
    ]


def test_an_entry_without_assets_is_refused() -> None:
    assert errors(TEXT[: TEXT.index("[[python.asset]]")]) == [
        "pythons.lock:4: python[0].asset: is missing: an entry has at least one [[python.asset]]"
    ]


def test_duplicate_entries_and_rows_are_refused() -> None:
    entry = TEXT[TEXT.index("[[python]]") :]
    assert errors(f"{TEXT}\n{entry}") == [
        "pythons.lock:28: python[1].name: is 'default', which is the name of an earlier entry"
    ]
    row = entry[entry.rindex("[[python.asset]]") :]
    assert errors(f"{TEXT}\n{row}") == [
        "pythons.lock:28: python[0].asset[2].target: is x86_64-unknown-linux-gnu, which an earlier asset has for v2"
    ]


def test_only_x86_64_has_levels() -> None:
    text = format_lock(Lock(pythons=(python(asset(target="linux-aarch64", cpu="v2")),)))
    assert errors(text) == [
        "pythons.lock:15: python[0].asset[0].cpu: is v2; only x86_64 has levels, not aarch64-unknown-linux-gnu"
    ]


def test_the_options_of_an_asset_include_those_of_its_entry() -> None:
    text = TEXT.replace('cpu = "v2"', 'cpu = "v2"\nbuild-options = ["pgo"]')
    assert errors(text) == [
        "pythons.lock:24: python[0].asset[1].build-options: is pgo; the entry also requires pgo+lto"
    ]


def test_unknown_keys_are_errors_with_the_nearest_known_one() -> None:
    assert errors(changed("flavor", '"full"\nbuild-option = []')) == [
        "pythons.lock:12: python[0].build-option: is not a key of a lock file; did you mean 'build-options'?"
    ]
    assert errors('metadata = 1\nlock-version = "1.0"\n') == ["pythons.lock:1: metadata: is not a key of a lock file"]


def test_unknown_keys_of_a_newer_minor_version_are_warnings() -> None:
    text = TEXT.replace('"1.0"', '"1.7"').replace('cpu = "', 'signed = true\ncpu = "') + "new = 1\n"
    parsed = parse_lock(f"top = 1\n{text}", LOCK)
    assert parsed.lock.version == "1.7"
    assert parsed.warnings == (
        "pythons.lock: top is unknown to this version of provision; the key is ignored",
        "pythons.lock: python.asset.signed is unknown to this version of provision; the key is ignored",
        "pythons.lock: python.asset.new is unknown to this version of provision; the key is ignored",
    )


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (
            'lock-version = "2.0"',
            "pythons.lock: lock-version 2.0 is not supported; this version of provision reads 1.x",
        ),
        (
            'lock-version = "0.9"',
            "pythons.lock: lock-version 0.9 is not supported; this version of provision reads 1.x",
        ),
        ('lock-version = "1"', "pythons.lock: lock-version: is '1'; expected a version such as 1.0"),
        ("lock-version = 1.0", "pythons.lock: lock-version: expected text"),
        ("", "pythons.lock: is not a lock file: lock-version is missing"),
    ],
)
def test_the_format_must_be_a_known_one(head: str, message: str) -> None:
    assert errors(TEXT.replace('lock-version = "1.0"', head)) == [message]


@pytest.mark.parametrize("value", ["1", '"a"', "[1]", "{}", "[{}, 1]", "[[]]"])
def test_values_in_the_place_of_tables_are_refused(value: str) -> None:
    assert errors(f'lock-version = "1.0"\npython = {value}\n')[0] == "pythons.lock:2: python: is not a list of tables"


def test_only_the_first_of_many_errors_are_reported() -> None:
    text = 'lock-version = "1.0"\n' + "[[python]]\n" * 1000
    found = errors(text)
    assert len(found) == MAX_ERRORS + 1
    assert found[-1] == "pythons.lock: has more errors"


@given(locks())
def test_windows_line_endings_change_nothing(lock: Lock) -> None:
    assert parse_lock(format_lock(lock).replace("\n", "\r\n"), LOCK).lock == lock


@given(st.text() | st.text("[]python.aset\"= \n'{}0", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ProvisionError):
        parse_lock(text, LOCK)


@given(locks(), st.data())
def test_a_damaged_lock_is_read_or_refused(lock: Lock, data: st.DataObject) -> None:
    text = format_lock(lock)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 40, len(text))))
    with suppress(LockFileError, SeveralErrors):
        parse_lock(text[:start] + data.draw(st.text(max_size=10)) + text[end:], LOCK)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[pythons]\ndefault = "3.13"\n', "x: is a manifest, not a lock file"),
        ("[project]\nname = 'x'\n", "x: is not a lock file: lock-version is missing"),
        ("# Read me\n\nA text.\n", "x:3:3: is not valid TOML: Expected '=' after a key in a key/value pair"),
        ('{"version": 1}\n', "x:1:1: is not valid TOML: Invalid statement"),
    ],
)
def test_no_hint_suggests_to_delete_a_file_that_is_not_a_lock_file(text: str, message: str) -> None:
    with pytest.raises(LockFileError) as caught:
        parse_lock(text, "x")
    assert str(caught.value) == message
    assert "remove" not in str(caught.value.hint)


def test_the_hint_for_a_damaged_lock_file_is_to_restore_or_delete_it() -> None:
    with pytest.raises(LockFileError) as caught:
        parse_lock(f"{TEXT}\nname = ", "x")
    assert "delete it and run `provision lock`" in str(caught.value.hint)
