"""Any `pythons.lock`: a lock that is written the same again and has no paths elsewhere, or a `LockFileError`."""

from __future__ import annotations

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents, encoded
from provision.errors import LockFileError, SeveralErrors
from provision.lock.conflicts import recover_lock
from provision.lock.lock import Lock
from provision.lock.read import ParsedLock, parse_lock
from provision.lock.syntax import parse_canonical
from provision.lock.write import format_lock
from provision.model.tree import store_key
from provision.review.review import DiffSide, Review, review_rows
from provision.store.layout import is_key
from provision.url import parse_url
from tests.lock.strategies import locks

_FILE = "pythons.lock"
_LINES = [
    'lock-version = "1.0"', 'lock-version = "1.9"', 'lock-version = "2.0"', "lock-version = 1", "[[python]]",
    "[[python.asset]]", "[python]", 'name = "free"', 'name = "../../x"', 'name = "-rf"', 'name = "\\u001b[2J"',
    f'request = "sha256:{"0" * 64}"', 'implementation = "cpython"', 'implementation = "../x"', 'version = "3.14.2"',
    'version = "3.14.2/../.."', 'build = "20260127"', 'build = ".."', 'build = "a/b"', 'build-options = ["pgo", "lto"]',
    'build-options = ["x"]', 'flavor = "full"', 'flavor = "install_only"', 'bytecode = "unchecked-hash"',
    "externally-managed = false", 'without = ["tests"]', 'target = "x86_64-unknown-linux-gnu"', 'cpu = "baseline"',
    'cpu = "v3"', 'url = "https://example.com/a.tar.gz"', 'url = "http://evil.example/a"', 'url = "file:///etc/passwd"',
    f'sha256 = "{"a" * 64}"', "size = 1", "size = -1", "size = 99999999999999999999",
    'published = "2026-01-01T00:00:00Z"',
    "<<<<<<< ours", "||||||| base", "=======", ">>>>>>> theirs", "x = " + "[" * 200 + "]" * 200, "# a comment",
]  # fmt: skip

_sound = locks().map(format_lock).map(encoded)


def _conflicting(ours: bytes, theirs: bytes) -> bytes:
    return b"<<<<<<< ours\n" + ours + b"=======\n" + theirs + b">>>>>>> theirs\n"


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with soon():
        parsed = _read(parse_lock, text)
        recovered = _read(recover_lock, text)
        if parsed is not None:
            assert recovered == parsed
            _check_lock(parsed.lock)
            canonical = parse_canonical(text)
            assert canonical is None or "lock-version" in canonical
        elif recovered is not None:
            _check_lock(recovered.lock)


def _read(read: object, text: str) -> ParsedLock | None:
    assert callable(read)
    try:
        parsed = read(text, _FILE)
    except (LockFileError, SeveralErrors) as error:
        showable(error, LockFileError.exit_code)
        return None
    assert isinstance(parsed, ParsedLock)
    return parsed


def _check_lock(lock: Lock) -> None:
    assert parse_lock(format_lock(lock), _FILE).lock == lock
    for python in lock.pythons:
        assert is_key(python.name)
        for asset in python.assets:
            assert is_key(store_key(asset, python.tree))
            assert parse_url(asset.url) == asset.url
            assert "/" not in asset.filename
    found = Review.of(
        DiffSide(label="none"), DiffSide(label="lock", text=format_lock(lock), lock=lock), file="pythons.lock"
    )
    assert len(review_rows(found.diff)) >= len(lock.pythons)


TARGET = Target(
    inputs=_sound | mutated(_sound) | mutated(st.builds(_conflicting, _sound, _sound)) | documents(_LINES),
    check=check,
)
