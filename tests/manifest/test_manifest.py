"""The digest of a request: as in lock files, the same for every spelling; and the names of entries."""

from __future__ import annotations

import hashlib
import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import ManifestError
from provision.manifest.edit import add_entry
from provision.manifest.manifest import NAME_PATTERN, canonical_request, check_name, request_digest
from provision.model.value import replace
from tests.manifest.samples import SHA, one, parse
from tests.manifest.strategies import specs, unhurried

OTHER = "fedcba9876543210" * 4
URL = "https://example.com/a.tar.gz"
OWN = f'{{ version = "3.13.5", url = {{ linux-x86_64 = "{URL}" }}, sha256 = {{ linux-x86_64 = "{SHA}" }} }}'


# The digests in existing lock files: a change here makes every one of them stale.
PINNED = [
    (
        '"3.14"',
        "",
        '{"implementation":"cpython","targets":"host","version":"3.14"}',
        "f87a6a59fd5b6279762d4388524d0608180005c62ad18262cf99d4184905d5c3",
    ),
    (
        '"pypy>=3.10,<3.12"',
        'cooldown = "3 days"\nflavor = "full"\ncpu = "auto"',
        (
            '{"cooldown":259200,"cpu":"auto","implementation":"pypy","preferred-flavor":"full","targets":"host",'
            '"version":">=3.10,<3.12"}'
        ),
        "70f6bdd660feacaf34d8c13d70b0dc12ae3ad4794e0f488cd430d66ef4aa3f07",
    ),
    (
        (
            '{ version = "3.14td", build = "20260814", targets = ["macos-aarch64", "linux-x86_64"], flavor = "full", '
            'cpu = "v3", build-options = ["pgo", "lto"], prereleases = true, bytecode = "unchecked-hash", '
            'externally-managed = false, without = ["tests", "idle"] }'
        ),
        "",
        (
            '{"build":"20260814","build-options":["lto","pgo"],"bytecode":"unchecked-hash","cpu":"v3","cpu-strict":true,'
            '"debug":true,"externally-managed":false,"flavor":"full","freethreaded":true,"implementation":"cpython",'
            '"prereleases":true,"targets":["aarch64-apple-darwin","x86_64-unknown-linux-gnu"],"version":"3.14",'
            '"without":["idle","tests"]}'
        ),
        "4f57df5aa966081bd4e1c2898bbe836d1b833560518ce8b95a242758f31a0126",
    ),
    (
        OWN,
        "",
        (
            f'{{"implementation":"cpython","sha256":{{"x86_64-unknown-linux-gnu":"{SHA}"}},'
            f'"targets":["x86_64-unknown-linux-gnu"],"url":{{"x86_64-unknown-linux-gnu":"{URL}"}},"version":"3.13.5"}}'
        ),
        "291fc0a32d2a1878aa6e252fdc1b5587babe88baef12c55784dd14e635e4f69d",
    ),
]


@pytest.mark.parametrize(
    ("spec", "settings", "canonical", "digest"), PINNED, ids=["plain", "ranges", "everything", "own archives"]
)
def test_digests_never_change(spec: str, settings: str, canonical: str, digest: str) -> None:
    request = one(spec, settings)
    assert canonical_request(request) == canonical
    assert str(request_digest(request)) == digest


@pytest.mark.parametrize(
    ("spelling", "other"),
    [
        ('"3.14t"', '{ version = "3.14", freethreaded = true }'),
        ('"3.14"', '{ version = "==3.14.*", debug = false, prereleases = false, cooldown = 0, cpu = "baseline" }'),
        ('">=3.12,<3.14"', '" < 3.14.0 , >= 3.12 "'),
        ('"3.15rc1"', '{ version = "3.15.0rc1", prereleases = true }'),
        ('{ version = "3", targets = ["linux-x86_64"] }', '{ targets = ["x86_64-unknown-linux-gnu"], version = "3" }'),
        (
            '{ version = "3", targets = ["linux-x86_64", "macos-arm64"] }',
            '{ version = "3", targets = ["macos-aarch64", "linux-amd64"] }',
        ),
        ('{ version = "3", build-options = ["pgo", "lto"] }', '{ version = "3", build-options = ["lto", "pgo"] }'),
        ('{ version = "3", without = ["tests", "idle"] }', '{ version = "3", without = ["idle", "tests"] }'),
        ('{ version = "3", without = [], bytecode = false, externally-managed = true }', '"3"'),
        (
            f'{{ version = "3", sha256 = {{ linux-x86_64 = "{SHA}" }} }}',
            f'{{ version = "3", sha256 = {{ x86_64-unknown-linux-gnu = "sha256:{SHA.upper()}" }} }}',
        ),
        (
            f'{{ version = "3", sha256 = {{ linux-x86_64 = "{SHA}", linux-aarch64 = "{OTHER}" }} }}',
            f'{{ version = "3", sha256 = {{ linux-aarch64 = "{OTHER}", linux-x86_64 = "{SHA}" }} }}',
        ),
        ('{ version = "3", cooldown = "1 day" }', '{ version = "3", cooldown = "24 hours" }'),
    ],
)
def test_the_spelling_does_not_change_a_digest(spelling: str, other: str) -> None:
    assert request_digest(one(spelling)) == request_digest(one(other))


def test_name_and_place_of_a_request_do_not_change_its_digest() -> None:
    here, there = one('"3.14"'), parse('\n\n[pythons]\nother-name = "3.14"\n').requests[0]
    assert request_digest(here) == request_digest(there)


@pytest.mark.parametrize(
    "settings", ['catalogs = ["a.ndjson"]', 'flavor = "install_only_stripped"', 'cpu = "baseline"']
)
def test_settings_equal_to_the_defaults_do_not_change_a_digest(settings: str) -> None:
    assert request_digest(one('"3.14"', settings)) == request_digest(one('"3.14"'))


def test_any_other_change_changes_the_digest() -> None:
    keys = [
        'build = "20260814"',
        'flavor = "install_only_stripped"',
        'flavor = "full"',
        'cpu = "v2"',
        'cpu = "v3"',
        'cpu = "auto"',
        'targets = ["linux-x86_64"]',
        'targets = ["linux-x86_64", "linux-aarch64"]',
        "build-options = []",
        'build-options = ["lto"]',
        "prereleases = true",
        'cooldown = "1 day"',
        f'sha256 = {{ linux-x86_64 = "{SHA}" }}',
        f'sha256 = {{ linux-x86_64 = "{OTHER}" }}',
        f'sha256 = {{ linux-aarch64 = "{SHA}" }}',
        'bytecode = "unchecked-hash"',
        "externally-managed = false",
        'without = ["tests"]',
        'without = ["tests", "idle"]',
    ]
    specs = [f'{{ version = "3.14", {key} }}' for key in keys]
    specs += [f'"{version}"' for version in ("3.14", "3.14.0", "pypy3.14", "3.14t", "3.14d", "3.14td", ">=3.14")]
    specs += [OWN, OWN.replace("a.tar.gz", "b.tar.gz"), OWN.replace(SHA, OTHER)]
    settings = ['targets = ["macos-aarch64"]', 'flavor = "full"', 'flavor = "install_only"', 'cpu = "v2"', 'cpu = "v3"']
    requests = [one(spec) for spec in specs] + [one('"3.14"', each) for each in settings]
    assert len({request_digest(request) for request in requests}) == len(requests)


@unhurried
@given(specs())
def test_the_canonical_text_is_canonical_json(spec: dict[str, object]) -> None:
    request = parse(add_entry("", "x", spec)).requests[0]
    text = canonical_request(request)
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert str(request_digest(request)) == hashlib.sha256(text.encode()).hexdigest()


@unhurried
@given(specs(), st.randoms())
def test_the_order_of_keys_does_not_change_a_digest(spec: dict[str, object], shuffled: random.Random) -> None:
    keys = list(spec)
    shuffled.shuffle(keys)
    first, second = (parse(add_entry("", "x", each)).requests[0] for each in (spec, {key: spec[key] for key in keys}))
    assert request_digest(first) == request_digest(second)


def test_texts_that_json_escapes_are_escaped() -> None:
    request = replace(one('"3.14"'), build='a"b\\c\x1b')
    assert json.loads(canonical_request(request))["build"] == 'a"b\\c\x1b'


# The names of entries.


@pytest.mark.parametrize("name", ["default", "3.14", "py3.12", "a-b_c.d", "0", "binary", "bin.x", "x" * 64])
def test_valid_names_are_accepted(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "'' is not a name; expected lower-case letters, digits and . _ -, first a letter or digit"),
        ("Free", "'Free' is not a name"),
        (".stamp", "'.stamp' is not a name"),
        ("../x", "'../x' is not a name"),
        ("a/b", "'a/b' is not a name"),
        ("ä", "'ä' is not a name"),
        ("\x1b[31m", "'\\x1b[31m' is not a name"),
        ("x" * 65, "at most 64 characters; got 65"),
        ("bin", "'bin' cannot be the name of a link on every system"),  # .pythons/bin holds the executables
        ("nul", "'nul' cannot be the name of a link"),
        ("com1.txt", "'com1.txt' cannot be the name of a link"),
        ("a.", "'a.' cannot be the name of a link"),
    ],
)
def test_invalid_names_are_refused(name: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        check_name(name)


@unhurried
@given(st.text(max_size=5) | st.text("ab.-_0B/", max_size=5))
def test_the_pattern_accepts_all_names(name: str) -> None:
    try:
        check_name(name)
    except ValueError:
        return
    assert re.search(NAME_PATTERN, name)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ('default = "3.13"\nother = "3.12"', "default"),
        ('other = "3.12"\ndefault = "3.13"', "default"),
        ('default = "3.13"\nother = { version = "3.12", default = true }', "other"),
        ('one = { version = "3.12", default = true }\nother = "3.12"', "one"),
        ('only = "3.13"', "only"),
        ('one = "3.13"\nother = "3.12"', ""),
        ('one = { version = "3.13", default = false }\nother = "3.12"', ""),
        ("", ""),
    ],
)
def test_the_default_entry_is_the_one_that_python_starts(entries: str, expected: str) -> None:
    assert parse(f"[pythons]\n{entries}\n").default_name() == expected


def test_of_two_defaults_the_second_is_an_error() -> None:
    entries = "".join(f'{name} = {{ version = "3.13", default = true }}\n' for name in ("one", "two"))
    with pytest.raises(ManifestError, match=r":3:\d+: pythons\.two\.default: only one .*'one'"):
        parse(f"[pythons]\n{entries}")
