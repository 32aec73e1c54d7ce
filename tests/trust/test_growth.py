"""Twice the hostile input takes at most two and a half times as long, for each parser and each pattern."""

from __future__ import annotations

import datetime
import gc
import gzip
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import pytest

from provision.adopt.entries import combine
from provision.adopt.files import load_reader
from provision.adopt.mention import Reading
from provision.advisories.read import read_record
from provision.catalog.cache import load_texts, open_catalog
from provision.catalog.components import bundled_table
from provision.catalog.documents import read_document
from provision.catalog.github import read_releases_page
from provision.catalog.learned_components import read_needs, read_versions
from provision.catalog.names import parse_name, parse_platform
from provision.catalog.upstream import read_custom_catalog, read_upstream
from provision.errors import ProvisionError, did_you_mean
from provision.fetch.http import decode, retry_after
from provision.fetch.part import Checkpoint
from provision.fetch.ranges import content_range
from provision.fetch.settings import configured_hosts
from provision.host.cpu import linux_features
from provision.host_policy import KNOWN_HOSTS, HostRule, lookalike_of
from provision.lock.conflicts import recover_lock
from provision.lock.lock import Lock
from provision.lock.positions import LockPositions
from provision.lock.read import parse_lock
from provision.manifest.edit import add_entry
from provision.manifest.keys import Policy
from provision.manifest.manifest import Manifest
from provision.manifest.positions import Positions
from provision.manifest.read import parse_manifest
from provision.manifest.toml import load_toml
from provision.manifest.version_request import parse_request
from provision.model.value import replace
from provision.model.version import Version
from provision.relocate.recipe import is_local_direct_url, update_record
from provision.relocate.rewrite import with_generic_tools, without_sysroot
from provision.relocate.scripts import relocate_config_script, relocate_script
from provision.relocate.sysconfig import (
    relocate_build_details,
    relocate_makefile,
    relocate_pkgconfig,
    relocate_sysconfig_vars,
    relocate_sysconfigdata,
)
from provision.review.audit import run_checks
from provision.review.diff_formats import diff_annotations, diff_document
from provision.review.diff_markdown import markdown_comment
from provision.review.diff_page import html_page
from provision.review.findings import AuditContext
from provision.review.review import DiffSide, Review
from provision.store.json_tables import parse_json_object
from provision.text import printable, without_ci_commands
from provision.unpack.compression import archive_kind, decompress
from provision.unpack.limits import Limits
from provision.unpack.tar import parse_records
from provision.url import Url, host_of, parse_url
from tests.relocate.samples import BUILD, CONFIG
from tests.support.variants import variants
from tests.unpack.archives import Zipped, directory, file, long_name, pax, unpack_bytes, unpack_tar, zip_file

_MOST = 2.5
# Of processor time in seconds: what takes less twice as large as `size` is not worth a measurement.
_NOTHING = 0.05


@dataclass(frozen=True)
class Growth:
    """``make`` gives the input of a size, ``call`` reads it; it may also refuse it.

    ``size`` is half of what the limits allow, or large enough to show more than linear growth.
    """

    make: Callable[[int], Any]
    call: Callable[[Any], object]
    size: int = 100_000


_FILE = Path("/project/pythons.toml")
_DIGEST = "0" * 64


def _manifest(text: str) -> object:
    return parse_manifest(text, _FILE)


def _lock(entries: int, url: str = "https://host-{0}.example/python-build-standalone/{0}.tar.gz") -> str:
    return 'lock-version = "1.0"\n' + "".join(
        f'\n[[python]]\nname = "e{number}"\nrequest = "sha256:{_DIGEST}"\nimplementation = "cpython"\n'
        'version = "3.13.5"\nbuild = "20261101"\nbuild-options = ["lto", "pgo"]\nflavor = "install_only"\n'
        f'\n[[python.asset]]\ntarget = "x86_64-unknown-linux-gnu"\ncpu = "baseline"\n'
        f'url = "{url.format(number)}"\nsha256 = "{number:064x}"\n'
        for number in range(entries)
    )


def _parse_lock(text: str) -> object:
    return parse_lock(text, "pythons.lock")


def _entries(count: int) -> Lock:
    lock = parse_lock(_lock(1), "pythons.lock").lock
    return replace(lock, pythons=tuple(replace(lock.pythons[0], name=f"e{number}") for number in range(count)))


def _requests(count: int) -> Manifest:
    manifest = parse_manifest('[pythons]\na = "3.13"\n', _FILE)
    requests = tuple(replace(manifest.requests[0], name=f"e{number}") for number in range(count))
    return replace(manifest, requests=requests)


def _audit(text: str) -> object:
    context = AuditContext(
        lock=parse_lock(text, "pythons.lock").lock,
        lines=LockPositions(text),
        file="pythons.lock",
        manifest=None,
        upstream=open_catalog((), base=Path(), cache_dir=Path("/nonexistent"), offline=True),
        components=bundled_table(),
        own_catalog=None,
        policy=Policy(),
        today=datetime.date(2026, 11, 28),
    )
    return run_checks(context)


def _diff(text: str) -> object:
    changed = text.replace("20261101", "20261030").replace("host-", "hast-")
    old, new = (DiffSide(label="x", text=each, lock=parse_lock(each, "x").lock) for each in (text, changed))
    reviews = [Review.of(old=DiffSide(label="none"), new=new), Review.of(old=old, new=new)]
    return [
        (html_page(review), markdown_comment(review), diff_document(review), diff_annotations(review))
        for review in reviews
    ]


def _unpacked(unpack: Callable[[Path], object]) -> None:
    with TemporaryDirectory() as folder:
        unpack(Path(folder))


def _decompress(data: bytes) -> None:
    with TemporaryFile(buffering=0) as opened:
        assert isinstance(opened, FileIO)
        opened.write(data)
        for _ in decompress(opened, archive_kind(opened), limits=Limits()):
            pass


def _zstd(blocks: bytes) -> bytes:
    """A frame of any size with these blocks, and an empty last one."""
    return b"\x28\xb5\x2f\xfd\x00\x58" + blocks + b"\x01\x00\x00"


def _nested(size: int, opening: str = "[", closing: str = "]") -> str:
    return opening * size + closing * size


def _repeated(piece: str, size: int, end: str = "") -> str:
    return piece * size + end


def _edit(text: str) -> object:
    return add_entry(text, "new", {"version": "3.13"})


def _makefile(line: str) -> object:
    return relocate_makefile(f"prefix=\t/install\nCC=\t{line}\nCONFIG_ARGS=\t{line}\nX=\t{line}\n", "a", BUILD, CONFIG)


def _config_script(text: str) -> object:
    return relocate_config_script(f"#!/bin/sh\n{text}", "bin/python3-config", BUILD, CONFIG)


def _sysconfigdata(value: str) -> object:
    return relocate_sysconfigdata(f"build_time_vars = {value}", "lib/python3.13/_sysconfigdata_.py", CONFIG)


def _script(text: str) -> object:
    return relocate_script(text, "bin/x", frozenset({"python3"}), "python3")


def _adopted(reader: str) -> Callable[[str], object]:
    def read(text: str) -> None:
        reading = Reading("x")
        with suppress(ProvisionError, ValueError):
            load_reader(reader)(text, reading)
        combine(reading.mentions, {})

    return read


_STEP = "{uses: actions/setup-python@v6, with: {python-version: '3.%d'}}"

# What a line of a Makefile could be made of to keep the patterns of `relocate.rewrite` busy.
_PIECES = [
    "/a", "/tools/deps", "/tools/deps,", "/tools/deps=", "-I/tools/deps=", "-I/tools/deps,", "-I/tools/deps/,=",
    "/tools/x/bin/", "-isysroot=", "-isysroot ", "--sysroot=a ", "-Wl,-rpath,/tools/deps:", "'--x=/tools/deps",
    "'x=/a", "'", "=/tools/deps\f", "-fdebug-default-version=1", "/tools/toolchain", "/tools/toolchain.", "toolchain",
    "/install", "a-", "/a-", "CC=cc-1", "'CC=", "'CC=a", " \t", "clang-", "/usr/bin/x86_64-linux-gnu-gcc-12",
    "$(prefix)", "sysroot/tools/", ".1", "=",
]  # fmt: skip

_GROWTHS: dict[str, Growth] = {
    # manifests
    "manifest: entries": Growth(
        lambda n: "".join(f'[pythons.e{i}]\nversion = "3.13"\n' for i in range(n)), _manifest, 4000
    ),
    "manifest: lines of dots": Growth(lambda n: "".join(f"k{i}{'.a' * 30} = 1\n" for i in range(n)), _manifest, 800),
    "manifest: one long key": Growth(lambda n: "a" + ".a" * n + " = 1", _manifest, 250_000),
    "manifest: quoted parts": Growth(lambda n: r'"\"x"' + r'."\"x"' * n + " = 1", _manifest, 80_000),
    "manifest: escaped quotes": Growth(lambda n: r'"' + r"\"." * n, _manifest, 150_000),
    "manifest: quotes": Growth(lambda n: '"' * n + "." * 20, _manifest, 500_000),
    "manifest: keys that are unknown": Growth(lambda n: "".join(f"k{i} = 1\n" for i in range(n)), _manifest, 6000),
    "manifest: a long word": Growth(lambda n: f'[pythons.a]\nversion = "{"1" * n}"', _manifest, 500_000),
    "manifest: a long unknown key": Growth(lambda n: f"[settings]\n{'cooldow' * n} = 1", _manifest, 70_000),
    "manifest: lists": Growth(lambda n: "a = " + _nested(n), _manifest, 250_000),
    "manifest: list of many": Growth(lambda n: f"[settings]\ntargets = [{'1, ' * n}]", _manifest, 20000),
    "manifest: hosts": Growth(lambda n: f"[policy]\nallow-hosts = [{chr(34)}{'a-' * n}{chr(34)}]", _manifest, 250_000),
    "manifest: comments": Growth(lambda n: "# a\n" * n, _manifest, 120_000),
    "manifest: arrays of tables": Growth(lambda n: "[[a]]\n" * n, _manifest, 12000),
    "manifest: inline tables": Growth(
        lambda n: "a = {" + "".join(f"k{i} = 1, " for i in range(n)) + "z = 1}", _manifest, 6000
    ),
    "toml: headers": Growth(lambda n: "".join(f"[a.b.c{i}]\n" for i in range(n)), lambda t: load_toml(t, "x"), 8000),
    "positions: strings": Growth(lambda n: 'a = """' + '""x' * n, Positions, 150_000),
    "positions: blanks": Growth(lambda n: " \n" * n + "a = 1", Positions, 250_000),
    "edit: entries": Growth(lambda n: "".join(f'[pythons.e{i}]\nversion = "3.13"\n' for i in range(n)), _edit, 3000),
    "edit: blank lines": Growth(lambda n: '[pythons.a]\nversion = "3.13"\n' + "\n" * n + "#\n" * n, _edit, 150_000),
    "edit: an inline table": Growth(
        lambda n: "pythons = {" + ", ".join(f'e{i} = "3.13"' for i in range(n)) + "}", _edit, 500
    ),
    "version request: digits": Growth(lambda n: "1" * n, parse_request),
    "version request: commas": Growth(lambda n: ">=3.1," * n, parse_request, 20_000),
    "version request: options": Growth(lambda n: "3.13+" + "a+" * n, parse_request),
    # locks
    "lock: entries": Growth(_lock, _parse_lock, 3000),
    "lock: lines of dots": Growth(lambda n: ("k" + ".a" * 2000 + " = 1\n") * n, _parse_lock, 200),
    "lock: different lines of dots": Growth(
        lambda n: "".join(f"k{i}{'.a' * 30} = 1\n" for i in range(n)), _parse_lock, 800
    ),
    "lock: mistakes": Growth(lambda n: _lock(n).replace("3.13.5", "3.x"), _parse_lock, 3000),
    "lock: keys that are unknown": Growth(
        lambda n: 'lock-version = "1.9"\n' + "".join(f"k{i} = 1\n" for i in range(n)), _parse_lock, 50_000
    ),
    "lock: names twice": Growth(lambda n: _lock(1) + _lock(1)[22:] * n, _parse_lock, 2000),
    "lock: conflicts": Growth(
        lambda n: 'lock-version = "1.0"\n' + '<<<<<<< a\n[[python]]\nname = "a"\n=======\n>>>>>>> b\n' * n,
        lambda text: recover_lock(text, "pythons.lock"),
        2000,
    ),
    "lock: positions": Growth(_lock, lambda text: LockPositions(text).entry("none"), 2000),
    "lock: every entry by its name": Growth(
        _entries, lambda lock: [lock.python(each.name) for each in lock.pythons], 4000
    ),
    "manifest: every entry by its name": Growth(
        _requests, lambda manifest: [manifest.request(each.name) for each in manifest.requests], 4000
    ),
    "audit: unknown hosts": Growth(_lock, _audit, 400),
    "audit: one unknown host": Growth(lambda n: _lock(n, "https://githab.com/{0}.tar.gz"), _audit, 400),
    "audit: names of PBS": Growth(
        lambda n: _lock(
            n, "https://a.example/{0}/cpython-3.13.5%2B20261101-x86_64-unknown-linux-gnu-install_only.tar.gz"
        ),
        _audit,
        400,
    ),
    "diff: unknown hosts": Growth(_lock, _diff, 150),
    "diff: one host": Growth(lambda n: _lock(n, "https://githab.com/{0}.tar.gz"), _diff, 150),
    # catalogs
    "catalog: lines": Growth(lambda n: b'{"a": 1}\n' * n, lambda data: read_upstream(data, "x"), 3000),
    "catalog: own lines": Growth(lambda n: b'{"a": 1}\n' * n, lambda data: read_custom_catalog(data, "x"), 3000),
    "catalog: nested": Growth(lambda n: _nested(n).encode(), lambda data: read_custom_catalog(data, "x"), 500_000),
    "catalog: releases": Growth(
        lambda n: json.dumps([{"tag_name": "20261101", "assets": [{"name": "a"}] * n}]).encode(),
        lambda data: read_releases_page(data, "x"),
        5000,
    ),
    "catalog: a document of many levels": Growth(
        lambda n: (f'{{"a": {_nested(n)}}}').encode(), lambda data: read_document(data, "x"), 500_000
    ),
    "catalog: a document of lines": Growth(lambda n: b"a  b\n" * n, lambda data: read_document(data, "x"), 20_000),
    "names: dashes": Growth(lambda n: "cpython-3.13.5+20261101" + "-a" * n, parse_name),
    "names: words": Growth(lambda n: "cpython-3.13.5+20261101-x86_64-unknown-linux-gnu-" + "pgo+" * n, parse_name),
    "names: digits": Growth(lambda n: "cpython-" + "1" * n, parse_name),
    "names: platforms": Growth(lambda n: "x86_64-" + "v-" * n, parse_platform),
    # files of other tools
    "adopt: versions": Growth(lambda n: "3.12.5 " * n, _adopted("version_files:read_python_version"), 100_000),
    "adopt: lines of versions": Growth(
        lambda n: "".join(f"python 3.{i}\n" for i in range(n)), _adopted("version_files:read_tool_versions"), 60_000
    ),
    "adopt: a long version": Growth(lambda n: "python-" + "3.1" * n, _adopted("version_files:read_runtime"), 300_000),
    "adopt: lists of mise": Growth(
        lambda n: "[tools]\npython = [" + '"3.12", ' * n + "]", _adopted("toml_files:read_mise"), 8000
    ),
    "adopt: tables of mise's lock": Growth(
        lambda n: '[[tools.python]]\nversion = "3.12"\n' * n, _adopted("toml_files:read_mise_lock"), 5000
    ),
    "adopt: environments of hatch": Growth(
        lambda n: "".join(f'[tool.hatch.envs.e{i}]\npython = "3.12"\n' for i in range(n)),
        _adopted("toml_files:read_pyproject"),
        3000,
    ),
    "adopt: lists of uv": Growth(lambda n: "pip = " + _nested(n), _adopted("toml_files:read_uv"), 100_000),
    "adopt: tox: braces": Growth(lambda n: "[tox]\nenvlist = " + "{a,b}" * n, _adopted("tox:read_tox_ini"), 3000),
    "adopt: tox: open braces": Growth(lambda n: "[tox]\nenvlist = " + "{" * n, _adopted("tox:read_tox_ini"), 100_000),
    "adopt: tox: environments": Growth(
        lambda n: "[tox]\nenvlist = " + "py312, " * n, _adopted("tox:read_tox_ini"), 50_000
    ),
    "adopt: tox: base pythons": Growth(
        lambda n: "# a\n" * n + "[testenv]\nbasepython = a: " + "python3.12, " * n, _adopted("tox:read_tox_ini"), 20_000
    ),
    "adopt: tox: long environments": Growth(
        lambda n: "[tox]\nenvlist = " + "{a,b}" * 10 + "-x" * n, _adopted("tox:read_tox_ini"), 20_000
    ),
    "adopt: tox: lines that are not INI": Growth(
        lambda n: "[tox]\nenvlist = py312\n" + "=\n" * n, _adopted("tox:read_tox_ini"), 40_000
    ),
    "adopt: tox: lists with braces": Growth(
        lambda n: "env_list = [" + f'"{"{a,b}" * 10}", ' * n + "]", _adopted("toml_files:read_tox"), 300
    ),
    "adopt: nox: lists": Growth(
        lambda n: "@nox.session(python=[" + '"3.12", ' * n + "])\ndef x(s): ...", _adopted("nox:read_noxfile"), 8000
    ),
    "adopt: nox: names that double": Growth(
        lambda n: (
            'P = ["3.12"]\n'
            + "".join(f"P{i} = P{i - 1 if i else ''} + P{i - 1 if i else ''}\n" for i in range(n))
            + f"@nox.session(python=P{n - 1})\ndef x(s): ..."
        ),
        _adopted("nox:read_noxfile"),
        9,
    ),
    "adopt: dockerfile: stages": Growth(
        lambda n: "FROM python:3.12\n" * n, _adopted("dockerfile:read_dockerfile"), 30_000
    ),
    "adopt: dockerfile: one line": Growth(
        lambda n: "FROM " + "--a " * n + "$" * n + "\\\n" * n, _adopted("dockerfile:read_dockerfile"), 50_000
    ),
    "adopt: dockerfile: variables": Growth(
        lambda n: "FROM python:" + "${a:-" * n, _adopted("dockerfile:read_dockerfile"), 50_000
    ),
    "adopt: dockerfile: a long variable": Growth(
        lambda n: "ARG A=" + "x" * n + "\nFROM " + "$A" * n, _adopted("dockerfile:read_dockerfile"), 5000
    ),
    "adopt: workflows: steps": Growth(
        lambda n: "jobs: {a: {steps: [" + ", ".join(_STEP % i for i in range(n)) + "]}}",
        _adopted("yaml_files:read_workflow"),
        300,
    ),
    "adopt: workflows: one list for many steps": Growth(
        lambda n: (
            f"jobs: {{a: {{steps: [&s {{uses: actions/setup-python, with: {{python-version: [{'3.1, ' * n}]}}}}"
            + ", *s" * n
            + "]}}"
        ),
        _adopted("yaml_files:read_workflow"),
        1000,
    ),
    "adopt: workflows: nested": Growth(
        lambda n: "# actions/setup-python\n" + _nested(n), _adopted("yaml_files:read_workflow"), 3000
    ),
    "adopt: pnpm: nested mappings": Growth(
        lambda n: "python:\n" + "".join(f"{' ' * i}a:\n" for i in range(min(n, 200))) + "# a\n" * n,
        _adopted("yaml_files:read_pnpm_workspace"),
        2000,
    ),
    # URLs and hosts
    "url: dots": Growth(lambda n: "https://example.com/" + "../" * n, Url.parse),
    "url: percent": Growth(lambda n: "https://example.com/" + "%2e" * n, parse_url),
    "url: host": Growth(lambda n: "https://" + "a." * n + "/a", Url.parse, 200_000),
    "url: ports": Growth(lambda n: "https://a" + ":1" * n, host_of),
    "host: rule": Growth(lambda n: "*." + "a-" * n, HostRule.parse),
    "components: needs": Growth(lambda n: b"a:\n  needs:\n" + b"    - a\n" * n, read_needs),
    "components: needs without a list": Growth(lambda n: b"a:\n" * n + b"  needs:\n" * n, read_needs),
    "components: versions": Growth(
        lambda n: b"DOWNLOADS = {" + b"".join(b"'%d': {'version': '1'}," % i for i in range(n)) + b"}",
        read_versions,
        2_000,  # of many more, the garbage collector takes most of the time
    ),
    "host: look-alike": Growth(lambda n: "github" * n, lambda host: lookalike_of(host, KNOWN_HOSTS), 20_000),
    "host: look-alike in parts": Growth(lambda n: "g.i.t." * n, lambda host: lookalike_of(host, KNOWN_HOSTS), 20_000),
    # text
    "text: printable": Growth(lambda n: "\x1b" * n, printable),
    "text: commands": Growth(lambda n: " " * n + "::" * n + "##" * n, without_ci_commands),
    "text: command words": Growth(lambda n: "#a" * n, without_ci_commands),
    "text: did you mean": Growth(lambda n: "a" * n, lambda word: did_you_mean(word, ["flavor", "build"])),
    "version": Growth(lambda n: "1" * n + ".1.1", Version.parse),
    "cpuinfo": Growth(lambda n: "flags : " + "a " * n, linux_features),
    # HTTP
    "http: a range": Growth(lambda n: {"content-range": "bytes " + "1" * n}, content_range),
    "http: retry-after": Growth(lambda n: "Mon, " + "1 " * n, retry_after),
    "http: a coding": Growth(
        lambda n: [gzip.compress(b"") * n], lambda chunks: list(decode(chunks, "gzip", limit=1 << 20)), 5000
    ),
    "checkpoint": Growth(lambda n: _nested(n).encode(), Checkpoint.parse),
    "json": Growth(lambda n: ('{"a":' * n).encode(), parse_json_object),
    # archives
    "zstd: empty blocks": Growth(lambda n: _zstd(b"\0\0\0" * n), _decompress, 500_000),
    "zstd: blocks of a byte": Growth(lambda n: _zstd(b"\x08\0\0a" * n), _decompress, 500_000),
    "zstd: repeated bytes": Growth(lambda n: _zstd(b"\x0a\0\0a" * n), _decompress, 500_000),
    "gzip: stored blocks": Growth(
        lambda n: b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"\0\0\0\xff\xff" * n + b"\x03\0" + bytes(8), _decompress, 500_000
    ),
    "tar: records": Growth(lambda n: b"9 a=bcde\n" * n, parse_records, 20_000),
    "tar: a record of digits": Growth(lambda n: b"1" * n, parse_records),
    "tar: implied directories": Growth(
        lambda n: [long_name(b"python/" + b"%d/" % i + b"a/" * 50 + b"x") + file(b"x") for i in range(n)],
        lambda members: _unpacked(lambda work: unpack_tar(*members, work=work)),
        10,
    ),
    "tar: directories, each in the one before": Growth(
        lambda n: [directory(b"python/" + b"a/" * (i % 40) + b"b%d" % i) for i in range(n)],
        lambda members: _unpacked(lambda work: unpack_tar(*members, work=work)),
        100,
    ),
    "tar: headers of headers": Growth(
        lambda n: [pax((b"a", b"b")) for _ in range(n)],
        lambda members: _unpacked(lambda work: unpack_tar(*members, work=work)),
        5000,
    ),
    "zip: extra fields": Growth(
        lambda n: zip_file(Zipped(name=b"python/a", extra=b"\1\1\0\0" * n)),
        lambda data: _unpacked(lambda work: unpack_bytes(data, work)),
        8000,
    ),
    # files of a tree
    "script: interpreters": Growth(lambda n: "#!/" + "/python" * n, _script),
    "script: one long name": Growth(lambda n: "#!/a/" + "python" * n, _script),
    "script: polyglot": Growth(lambda n: "#!/bin/sh\n'''exec' " + '/python" -a' * n, _script, 20_000),
    "config script: functions": Growth(
        lambda n: "# Returns the actual prefix\ninstalled_prefix ()\n{\n" * n, _config_script, 10_000
    ),
    "config script: echoes": Growth(lambda n: '$(echo "' * n, _config_script, 20_000),
    "pkgconfig": Growth(
        lambda n: "prefix=" + " \t" * n + "x\n", lambda text: relocate_pkgconfig(text, "a.pc", BUILD, CONFIG)
    ),
    "sysconfigdata: nested": Growth(lambda n: '{"a": ' + _nested(n) + "}", _sysconfigdata, 20_000),
    "sysconfigdata: variables": Growth(
        lambda n: json.dumps({f"v{i}": "-I/tools/deps" for i in range(n)}), _sysconfigdata, 2000
    ),
    "sysconfig vars": Growth(
        lambda n: json.dumps({f"v{i}": "/install" for i in range(n)}),
        lambda text: relocate_sysconfig_vars(text, "a.json", BUILD, CONFIG),
        3000,
    ),
    "build details": Growth(
        lambda n: '{"base_prefix": "/install", "a": ' + _nested(n) + "}",
        lambda text: relocate_build_details(text, "build-details.json", BUILD, CONFIG),
        100_000,
    ),
    "direct url": Growth(_nested, is_local_direct_url),
    "record": Growth(lambda n: "a,\n" * n, lambda text: update_record(text, "a/b.dist-info/RECORD", ["x"], {}), 50_000),
    "tools: dashes": Growth(lambda n: "/" + "a-" * n, lambda text: with_generic_tools("CC", text), 5000),
    "tools: slashes": Growth(lambda n: "/a-" * n, lambda text: with_generic_tools("CC", text), 5000),
    **{f"makefile: {piece!r}": Growth(partial(_repeated, piece), _makefile, 3000) for piece in _PIECES},
    **{
        f"makefile, marked: {piece!r}": Growth(partial(_repeated, piece, end=" /tools/deps,"), without_sysroot, 3000)
        for piece in _PIECES
    },
}
_QUICK = (
    "manifest: quoted parts",
    "lock: lines of dots",
    'makefile: "\'x=/a"',
    "zstd: empty blocks",
)


def _seconds(growth: Growth, size: int) -> float:
    given = growth.make(size)
    best = float("inf")
    gc.collect()
    gc.disable()  # a full collection comes at some number of objects, which may lie between the two sizes
    try:
        for _ in range(3):
            began = time.process_time()
            with suppress(ProvisionError, ValueError):
                growth.call(given)
            best = min(best, time.process_time() - began)
    finally:
        gc.enable()
    return best


@pytest.mark.parametrize("name", variants(_GROWTHS, quick=_QUICK))
def test_the_time_for_an_input_grows_linearly(name: str) -> None:
    growth = _GROWTHS[name]
    ratios = []
    for _ in range(5):  # a busy machine makes one measurement wrong, not all
        double = _seconds(growth, 2 * growth.size)
        if double < _NOTHING:
            return
        ratios.append(double / _seconds(growth, growth.size))
        if ratios[-1] <= _MOST:
            return
    pytest.fail(f"{name}: twice the input takes {min(ratios):.1f} times as long")


# JSON and TOML, which are read by recursion: `{}` stands for many levels.
_NESTED: dict[str, Callable[[str], object]] = {
    "json": lambda nested: parse_json_object(f'{{"a": {nested}}}'.encode()),
    "checkpoint": lambda nested: Checkpoint.parse(f'{{"source": {nested}}}'.encode()),
    "releases": lambda nested: read_document(f'[{{"tag_name": "x", "assets": {nested}}}]'.encode(), "x"),
    "metadata of uv": lambda nested: read_document(f'{{"a": {{"url": {nested}}}}}'.encode(), "x"),
    "catalog": lambda nested: read_custom_catalog(f'{{"artifacts": {nested}}}'.encode(), "x"),
    "advisory": lambda nested: read_record(f'{{"affected": [{nested}]}}'.encode(), database="x"),
    "sysconfigdata": lambda nested: _sysconfigdata(f'{{"a": {nested}}}'),
    "sysconfigdata of Python": lambda nested: _sysconfigdata(f"{{'a': {nested}}}"),
    "build details": lambda nested: relocate_build_details(
        f'{{"base_prefix": "/install", "a": {nested}}}', "lib/build-details.json", BUILD, CONFIG
    ),
    "direct url": lambda nested: is_local_direct_url(f'{{"url": {nested}}}'),
    "manifest": lambda nested: _manifest(f"a = {nested}"),
    "lock": lambda nested: _parse_lock(f'lock-version = "1.0"\na = {nested}'),
    "configuration": lambda nested: _configured(f"allow-hosts = {nested}"),
    "texts of releases": lambda nested: _texts(f'{{"x": {nested}}}'),
}


def _configured(text: str) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "config.toml").write_text(text)
        configured_hosts({"PROVISION_CONFIG_DIR": folder})


def _texts(text: str) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "releases.json").write_text(text)
        load_texts(Path(folder))


@pytest.mark.parametrize("name", _NESTED)
def test_no_depth_of_nesting_crashes_a_parser(name: str) -> None:
    for depth in (*range(150, 1000, 50), *range(900, 1000, 7), 5000, 100_000):
        with suppress(ProvisionError, ValueError):
            _NESTED[name](_nested(depth))
