"""Any file in place of a saved plan: it is the plan that would be made anyway, or it is refused in one sentence."""

from __future__ import annotations

import atexit
import json
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from fuzz.laws import showable, soon
from fuzz.mutations import mutated
from fuzz.target import Target
from fuzz.texts import documents, words
from provision.errors import LockFileError, ManifestError, SeveralErrors, UsageError
from provision.workflows.lock import lock
from provision.workflows.options import Options, Scope
from provision.workflows.plan import load_plan, plan, save_plan

_PIECES = [
    "{", "}", "[", "]", ":", ",", '"provision-plan": 1', '"provision-plan": true', '"wanted": {', '"names": ["one"]',
    '"names": ["-x", "../y"]', '"targets": ["all"]', '"targets": ["linux-x86_64"]', '"cpu": "v3"', '"cpu": "baseline"',
    '"prune": true', '"prune": false', '"plan": {', "[" * 300, '"\\ud800"', "1e999", "null", '"x": ' * 50, '"lock": 1',
]  # fmt: skip


@cache
def _options() -> Options:
    """A project with a lock, whose store is empty; made once, and changed by no check."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    root = Path(folder.name)
    root.joinpath("pythons.toml").write_text('[pythons]\none = "3.13.5"\ntwo = "3.14.0"\n')
    options = Options.of({}, home=root / "home", cache=root / "cache", manifest=root / "pythons.toml", offline=True)
    lock(options)
    return options


@cache
def _saved() -> bytes:
    options = _options()
    path = options.home.with_name("sound.plan")
    save_plan(path, plan(options, Scope()))
    return path.read_bytes()


def _changed(key: str, value: object) -> bytes:
    document = json.loads(_saved())
    inner, _, last = key.rpartition(".")
    (document[inner] if inner else document)[last] = value
    return json.dumps(document).encode()


_keys = [
    "provision-plan",
    "wanted",
    "plan",
    "wanted.names",
    "wanted.targets",
    "wanted.cpu",
    "wanted.prune",
    "plan.lock",
]
_values = st.one_of(words, st.integers(), st.none(), st.booleans(), st.lists(words | st.just("one"), max_size=3))


def check(data: bytes) -> None:
    options = _options()
    path = options.home.with_name("drawn.plan")
    path.write_bytes(data)
    with soon():
        try:
            planned = load_plan(options, path)
        except (UsageError, LockFileError, ManifestError, SeveralErrors) as error:
            showable(error)
            return
    assert planned.plan == plan(options, planned.scope).plan


TARGET = Target(
    inputs=st.deferred(lambda: mutated(st.just(_saved())))
    | st.builds(_changed, st.sampled_from(_keys), _values)
    | documents(_PIECES, between=""),
    check=check,
)
