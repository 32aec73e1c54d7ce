"""`attest` and the policy `provenance`, run as users do, against a simulated GitHub API on loopback."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import cramjam
import jsonschema
import pytest

from provision.attest.signer import ATTESTATION_PROBLEMS
from provision.attest.verify import MissingPackagesError
from provision.catalog.learned_components import attested_commits
from provision.cli.app import run_app
from provision.cli.commands.attest import present_attested
from provision.cli.console import Console
from provision.cli.present.audit import present_audit
from provision.cli.present.diff import present_diff
from provision.errors import INTEGRITY, NETWORK, NetworkError, PolicyError, ProvisionError, SeveralErrors
from provision.host.detect import detect_host
from provision.host.distribution import install_command
from provision.lock.read import parse_lock
from provision.lock.write import format_lock
from provision.manifest.keys import Policy
from provision.model.value import replace
from provision.protocols import NoProgress
from provision.review.changes import compare_locks
from provision.review.diff_formats import diff_document
from provision.review.notices import find_notices
from provision.review.review import Review
from provision.workflows.attest import Attested, attest, audit_provenance
from provision.workflows.audit import audit
from provision.workflows.bundle import create_bundle, sync_bundles
from provision.workflows.diff import diff
from provision.workflows.list import list_pythons
from provision.workflows.lock import lock
from provision.workflows.options import Options, Scope, parse_scope
from provision.workflows.store import Verified, verify
from provision.workflows.sync import Synced, sync
from tests.support.minting import COMMIT, Mint
from tests.support.project import Project
from tests.support.schemas import check_document, read_schema
from tests.support.server import Server
from tests.support.small import small_build

TARGETS = ("linux-x86_64", "linux-aarch64", "linux-x86_64-musl", "macos-aarch64", "macos-x86_64", "windows-x86_64")
ENTRIES = ("3.14.9", "3.13.17", "3.12.15", "3.11.17", "3.13.17t", "3.14.9t", "3.10.22", "3.13.16")
MINT = Mint()


class Api:
    """GitHub's API for attestations: ``bundles`` by their digests; ``status`` for all responses other than 200."""

    def __init__(self) -> None:
        self.bundles: list[tuple[frozenset[str], dict[str, Any]]] = []
        self.inline, self.status = False, 0
        self.asked: list[str] = []
        self.sent: list[str | None] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.asked.append(self.path)
                api.sent.append(self.headers.get("authorization"))
                status, kind, body = api.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/blob/"):
            content = json.dumps(self.bundles[int(path.rpartition("/")[2])][1], indent=1).encode()
            return 200, "application/x-snappy", bytes(cramjam.snappy.compress_raw(content))
        if self.status:
            return self.status, "application/json", b"{}"
        repository, _, digest = path.partition("?")[0].partition("/attestations/sha256:")
        assert repository in {"/repos/astral-sh/python-build-standalone", "/repos/example/pythons"}, path
        found = [
            {"bundle": bundle if self.inline else None, "bundle_url": f"{self.url}/blob/{number}"}
            for number, (digests, bundle) in enumerate(self.bundles)
            if digest in digests
        ]
        return (200 if found else 404), "application/json", json.dumps({"attestations": found}).encode()

    def publish(self, digests: list[str], subjects: list[str] | None = None, **how: Any) -> object:
        bundle = MINT.attest({f"local-{each[:8]}": each for each in subjects or digests}, **how)
        self.bundles = [*self.bundles, (frozenset(digests), bundle)]
        return bundle


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    Thread(target=api.server.serve_forever, args=(0.02,), daemon=True).start()
    yield api
    api.server.shutdown()
    api.server.server_close()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of 8 entries for 6 targets, locked from the bundled catalog."""
    project = Project(tmp_path_factory.mktemp("attest") / "project")
    lines = [f'e{number} = "{version}"' for number, version in enumerate(ENTRIES)]
    targets = ", ".join(f'"{each}"' for each in TARGETS)
    project.write(f"[settings]\ntargets = [{targets}]\n\n[pythons]\n" + "\n".join(lines) + "\n")
    project.run("lock", "--offline")
    return project.directory


class Attesting:
    """A copy of that project, with the API and the root that its commands use."""

    def __init__(self, directory: Path, locked: Path, api: Api) -> None:
        shutil.copytree(locked, directory / "project")
        self.project, self.api = Project(directory / "project"), api
        self.root = directory / "trusted_root.json"
        self.trust(MINT.trusted_root())
        self.lock = parse_lock(self.text, "pythons.lock").lock
        self.digests: dict[str, list[str]] = {}
        for python in self.lock.pythons:
            self.digests.setdefault(python.build, []).extend(asset.sha256.hex for asset in python.assets)

    @property
    def text(self) -> str:
        return self.project.lock.read_text()

    def trust(self, root: dict[str, Any]) -> object:
        return self.root.write_text(json.dumps(root))

    @property
    def environ(self) -> dict[str, str]:
        return {"PROVISION_GITHUB_API": self.api.url, "PROVISION_TRUSTED_ROOT": str(self.root)}

    def publish(self, **how: Any) -> object:
        return [self.api.publish(digests, **how) for digests in self.digests.values()]

    def run(self, *words: str, expect: int = 0, **environ: str) -> Any:
        return self.project.run(*words, expect=expect, cwd=None, **environ, **self.environ)

    def options(self, **environ: str) -> Options:
        return Options.of(
            self.environ | environ, home=self.project.home, cache=self.project.cache, manifest=self.project.manifest
        )

    def attest(self, *, vendor: bool = False) -> Attested:
        """In this process, which is faster."""
        return attest(self.options(), vendor=vendor, root=None, progress=NoProgress())

    def problems(self) -> set[str]:
        return {row.problem for row in self.attest().rows if row.problem}


@pytest.fixture
def attesting(tmp_path: Path, locked: Path, api: Api) -> Attesting:
    return Attesting(tmp_path, locked, api)


@pytest.mark.slow
def test_every_platform_is_verified_from_one_host_and_again_offline(attesting: Attesting) -> None:
    attesting.publish()
    ended = attesting.run("attest", "--vendor", GITHUB_TOKEN="ghp_secret")
    builds = len(attesting.digests)
    assert sum(path.startswith("/repos/") for path in attesting.api.asked) == builds, "one question a build"
    assert set(attesting.api.sent) == {None}, "the token is for api.github.com alone"
    assert f"built by release.yml of python-build-standalone at commit {COMMIT[:12]}" in ended.out
    assert ended.out.startswith("required  SLSA provenance v1 signed by https://github.com/astral-sh/")
    lock = parse_lock(attesting.text, "pythons.lock").lock
    assert (lock.version, len(lock.attestations), lock.pythons) == ("1.1", builds, attesting.lock.pythons)
    assert len(list((attesting.project.directory / "pythons.attestations").iterdir())) == builds

    before, asked = attesting.text, len(attesting.api.asked)
    shutil.rmtree(attesting.project.cache)
    attesting.api.status = 500
    document = attesting.run("attest", "--offline", "--json").document()
    check_document("attest", document)
    assert {row["verification"] for row in document["archives"]} == {"provenance+offline bundle"}
    assert len(document["archives"]) == 48
    assert (attesting.text, len(attesting.api.asked)) == (before, asked)


def test_verified_commits_are_saved_for_the_catalog_by_confirmed_tags(attesting: Attesting) -> None:
    catalogs = attesting.project.cache / "catalog"
    attesting.publish()
    genuine, text = dict(attesting.digests), attesting.text
    for digest in (digest for digests in genuine.values() for digest in digests):
        text = text.replace(digest, hashlib.sha256(digest.encode()).hexdigest())
    attesting.project.lock.write_text(text)
    attesting.api.publish(
        [hashlib.sha256(each.encode()).hexdigest() for digests in genuine.values() for each in digests]
    )
    assert not attesting.problems()
    assert attested_commits(catalogs) == {}, "PBS signed these archives, but the tags are the lock's alone"
    attesting.project.lock.write_text(format_lock(attesting.lock))
    attesting.attest()
    assert attested_commits(catalogs) == dict.fromkeys(genuine, COMMIT)


def test_inline_bundles_and_bundles_behind_a_url_give_the_same_attestations(attesting: Attesting) -> None:
    attesting.publish()
    attesting.attest()
    first = parse_lock(attesting.text, "").lock.attestations
    attesting.api.inline = True
    shutil.rmtree(attesting.project.cache)
    attesting.attest()
    assert parse_lock(attesting.text, "").lock.attestations == first != ()


@pytest.mark.parametrize("status", [403, 401, 418])
def test_an_api_without_response_does_not_count_as_missing_attestations(attesting: Attesting, status: int) -> None:
    attesting.api.status = status
    with pytest.raises(NetworkError, match="attestations"):
        attesting.attest()


@pytest.mark.parametrize("status", [404, 422])
def test_missing_attestations_upstream_are_a_problem_and_leave_the_lock_file_unchanged(
    attesting: Attesting, status: int
) -> None:
    attesting.api.status = status
    before = attesting.text
    assert attesting.problems() == {"missing"}
    assert attesting.text == before


Tamper = Callable[[Attesting], object]


def forge(attesting: Attesting, **fields: Any) -> None:
    attesting.publish()
    attesting.attest()
    lock = parse_lock(attesting.text, "").lock
    rows = tuple(replace(row, **fields) for row in lock.attestations)
    attesting.project.lock.write_text(format_lock(replace(lock, attestations=rows)))


def lose_bundles(attesting: Attesting) -> None:
    attesting.publish()
    attesting.attest()
    shutil.rmtree(attesting.project.cache)
    attesting.api.status = 404


def alter(attesting: Attesting, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the published bundle after it was signed."""
    attesting.publish()
    for _, bundle in attesting.api.bundles:
        change(bundle)


def log_entry(bundle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bundle["verificationMaterial"]["tlogEntries"][0]
    return found


TAMPERED: dict[str, tuple[Tamper, str]] = {
    "another workflow": (lambda a: a.publish(workflow=".github/workflows/linux.yml"), "wrong-workflow"),
    "another ref": (lambda a: a.publish(ref="refs/pull/7/merge"), "wrong-ref"),
    "a fork": (lambda a: a.publish(repository="someone/python-build-standalone"), "wrong-repository"),
    "another repository id": (lambda a: a.publish(repository_id=7), "wrong-repository-id"),
    "another issuer": (lambda a: a.publish(issuer="https://gitlab.com"), "wrong-issuer"),
    "another root": (lambda a: (a.publish(), a.trust(Mint().trusted_root())), "unknown-root"),
    "another digest": (lambda a: a.publish(subjects=["0" * 64]), "wrong-digest"),
    "another predicate": (lambda a: a.publish(predicate="https://slsa.dev/provenance/v0.2"), "wrong-predicate"),
    "an authority that had expired": (
        lambda a: (a.publish(), a.trust(MINT.trusted_root(authority_end=MINT.now - timedelta(days=1)))),
        "expired-authority",
    ),
    "a log key that had expired": (
        lambda a: (a.publish(), a.trust(MINT.trusted_root(log_end=MINT.now - timedelta(days=1)))),
        "expired-log-key",
    ),
    "another payload": (lambda a: alter(a, lambda b: b["dsseEnvelope"].update(payload="e30=")), "wrong-signature"),
    "two signatures": (
        lambda a: alter(a, lambda b: b["dsseEnvelope"].update(signatures=b["dsseEnvelope"]["signatures"] * 2)),
        "wrong-signature-count",
    ),
    "no log entry": (lambda a: alter(a, lambda b: b["verificationMaterial"].update(tlogEntries=[])), "no-log-entry"),
    "another time": (lambda a: alter(a, lambda b: log_entry(b).update(integratedTime="1786708860")), "wrong-log-entry"),
    "another media type": (lambda a: alter(a, lambda b: b.update(mediaType="text/plain")), "not-a-bundle"),
    "a forged commit": (lambda a: forge(a, commit="0" * 40), "forged-row"),
    "a forged log index": (lambda a: forge(a, log_index=77), "forged-row"),
    "a moved repository, bundles lost": (lose_bundles, "bundle-missing"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_each_tampered_variant_fails_with_its_own_code(attesting: Attesting, name: str) -> None:
    tamper, problem = TAMPERED[name]
    tamper(attesting)
    before = attesting.text
    answer = present_attested(attesting.attest(), Console(environ={}))
    document: Any = answer.document
    check_document("attest", document)
    assert {row["problem"] for row in document["archives"]} == {problem}, "in JSON"
    verdicts = [line for line in answer.lines if not line.startswith(("required ", " "))]
    assert {line.partition("  ")[0] for line in verdicts} == {problem}, "in the text"
    assert (answer.code, attesting.text) == (INTEGRITY, before)


def test_each_problem_has_a_tampered_variant() -> None:
    assert {problem for _, problem in TAMPERED.values()} == {*ATTESTATION_PROBLEMS} - {"missing"}


def require(attesting: Attesting, how: str) -> None:
    with attesting.project.manifest.open("a") as file:
        file.write(f'\n[policy]\nprovenance = "{how}"\n')


def synchronise(attesting: Attesting, **environ: str) -> ProvisionError:
    """The error of a sync for another machine, without a network and with nothing in the cache."""
    options = replace(attesting.options(**environ), offline=True)
    scope = parse_scope(["e0"], ["windows-x86_64"])
    with pytest.raises((ProvisionError, SeveralErrors)) as ended:
        sync(options, scope, NoProgress(), locked=True)
    return ended.value


def test_sync_refuses_archives_without_provenance_before_the_download(attesting: Attesting) -> None:
    assert synchronise(attesting).exit_code == NETWORK, "without the policy, only the network is missing"
    require(attesting, "required")
    refused = synchronise(attesting)
    assert (refused.exit_code, "no attestation of cpython-3.14.9" in str(refused)) == (INTEGRITY, True)
    attesting.publish()
    attesting.attest()
    assert synchronise(attesting).exit_code == NETWORK, "its provenance is proven by the bundle in the cache"


def test_sync_verifies_attestations_of_the_lock_file_and_the_cache(attesting: Attesting) -> None:
    require(attesting, "required")
    forge(attesting, commit="0" * 40)
    assert "differs from its bundle" in str(synchronise(attesting))
    for bundle in (attesting.project.cache / "attestations").iterdir():
        bundle.write_text("{}")
    assert synchronise(attesting).exit_code == NETWORK, "a damaged bundle is downloaded again"


def test_vendored_bundles_are_required_beside_the_lock(attesting: Attesting) -> None:
    require(attesting, "vendored")
    attesting.publish()
    attesting.attest()
    refused = synchronise(attesting)
    assert (refused.exit_code, "beside the lock file" in str(refused)) == (INTEGRITY, True)
    attesting.attest(vendor=True)
    assert synchronise(attesting).exit_code == NETWORK


def found(attesting: Attesting, *, upstream: bool = False) -> set[str]:
    """The codes of provenance that an audit finds."""
    audited = audit(attesting.options(), today=date(2026, 11, 20), upstream=upstream)
    return {finding.code for finding in audited.audit.findings if "PV031" <= finding.code <= "PV038"}


def test_an_audit_without_policy_and_attestations_does_not_mention_them(attesting: Attesting) -> None:
    assert found(attesting) == set()


@pytest.mark.parametrize("how", ["prefer", "required"])
def test_an_audit_finds_missing_provenance_by_the_policy(attesting: Attesting, how: str) -> None:
    require(attesting, how)
    assert found(attesting) == {"PV031"}


def test_an_audit_reports_the_verified_level_of_each_entry(attesting: Attesting) -> None:
    def told() -> tuple[set[str], list[str]]:
        audited = audit(attesting.options(), today=date(2026, 11, 20))
        text = present_audit(audited, Console(environ={}), "text", strict=False)
        document: Any = present_audit(audited, Console(environ={}), "json", strict=False).document
        assert len(document["verification"]) == len(ENTRIES)
        return set(document["verification"].values()), [each for each in text.remarks if "verification" in each]

    assert told() == ({"hash"}, [])
    attesting.publish()
    attesting.attest()
    assert told() == ({"provenance"}, ["verification: 8 entries by provenance"])
    attesting.attest(vendor=True)
    assert told()[0] == {"provenance+offline bundle"}
    attesting.trust(Mint().trusted_root())
    assert told() == ({"hash"}, []), "what the lock claims and nothing proves is no more than its sha256"


def test_an_audit_verifies_the_attestations_of_the_lock(attesting: Attesting) -> None:
    require(attesting, "required")
    attesting.publish()
    attesting.attest(vendor=True)
    assert found(attesting) == set()
    attesting.trust(MINT.trusted_root(log_end=MINT.now - timedelta(days=1)))
    assert found(attesting) == {"PV035"}
    attesting.trust(Mint().trusted_root())
    assert found(attesting) == {"PV034"}
    attesting.trust(MINT.trusted_root())
    shutil.rmtree(attesting.project.directory / "pythons.attestations")
    shutil.rmtree(attesting.project.cache / "attestations")
    assert found(attesting) == {"PV037"}


def test_attestations_are_verified_without_a_writable_cache(attesting: Attesting) -> None:
    """A cache is a convenience: neither a command that only reads, nor the one that records, depends on it."""
    require(attesting, "required")
    attesting.publish()
    kept = attesting.project.cache / "attestations"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("not a directory")
    assert not attesting.attest(vendor=True).failed, "downloaded, and not kept"
    assert found(attesting) == set()
    assert synchronise(attesting).exit_code == NETWORK
    kept.unlink()
    assert found(attesting) == set()
    assert synchronise(attesting).exit_code == NETWORK
    assert not kept.exists(), "a bundle of the repository is not copied"


@pytest.mark.parametrize(
    ("fields", "code"), [({"commit": "0" * 40}, {"PV036"}), ({"repository_id": 7}, {"PV031", "PV032"})]
)
def test_an_audit_finds_forged_attestations(attesting: Attesting, fields: dict[str, Any], code: set[str]) -> None:
    require(attesting, "required")
    forge(attesting, **fields)
    assert found(attesting) == code


def test_a_diff_reports_gained_and_lost_provenance(attesting: Attesting) -> None:
    before = attesting.text
    attesting.publish()
    attesting.attest()
    old, new = (parse_lock(text, "").lock for text in (before, attesting.text))
    gained = [notice for notice in find_notices(compare_locks(old, new)) if notice.kind == "provenance"]
    assert [(each.severity, each.entry) for each in gained] == [("notice", f"e{number}") for number in range(8)]
    built = f"built by release.yml of python-build-standalone at commit {COMMIT[:12]}"
    assert gained[0].message == f"{built}, recorded in the lock file, not verified here"
    lost = [notice for notice in find_notices(compare_locks(new, old)) if notice.kind == "provenance"]
    assert {each.severity for each in lost} == {"alarm"}
    assert "provenance was lost: no attestation of 6 archives" in lost[0].message
    assert bool(compare_locks(new, replace(new, attestations=()))), "a diff is not empty where only these changed"


STYLES = ("text", "markdown", "html", "github", "json")


def shown(review: Review, style: str) -> str:
    answer = present_diff(review, Console(environ={}), style, exit_code=False)
    return " ".join(map(str, (*answer.lines, *answer.page, *answer.commands, answer.document)))


def levels(review: Review) -> set[tuple[str | None, ...]]:
    """What the JSON document has of all entries."""
    document = json.loads(json.dumps(diff_document(review)))
    jsonschema.Draft202012Validator(read_schema("pythons-diff")).validate(document)
    return {(each["old"], each["new"], each["attestation"]) for each in document["verification"].values()}


def test_a_diff_verifies_with_saved_bundles_and_reports_it_in_all_formats(
    attesting: Attesting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old.lock"
    old.write_text(attesting.text)
    attesting.publish()
    attesting.attest()
    attesting.api.status = 500
    asked = len(attesting.api.asked)
    review = diff(attesting.options(), str(old))
    for style in STYLES:
        words = " ".join(shown(review, style).split())
        assert f"python-build-standalone at commit {COMMIT[:12]}, verified" in words, style
    assert levels(review) == {("hash", "provenance", "verified")}
    lost = diff(attesting.options(), str(attesting.project.lock), str(old))
    assert all("provenance was lost" in " ".join(shown(lost, style).split()) for style in STYLES)
    assert levels(lost) == {("provenance", "hash", None)}
    forged = attesting.text.replace(COMMIT, "0" * 40)
    attesting.project.lock.write_text(forged)
    review = diff(attesting.options(), str(old))
    assert review.count("alarm") == len(ENTRIES)
    assert levels(review) == {("hash", "provenance", "invalid")}
    for style in STYLES:
        assert "the attestation is not valid: forged-row: " in " ".join(shown(review, style).split()), style
    for missing in ("sigstore.verify", "no bundles"):
        with monkeypatch.context() as patch:
            if missing == "no bundles":
                shutil.rmtree(attesting.project.cache / "attestations")
            else:
                patch.setitem(sys.modules, missing, None)
            review = diff(attesting.options(), str(old))
        assert {each.message.partition(", ")[2] for each in review.notices} == {
            "recorded in the lock file, not verified here"
        }
        assert levels(review) == {("hash", "provenance", "recorded")}
    assert len(attesting.api.asked) == asked, "a diff asks nobody"


def test_no_bundle_is_written_outside_the_repository(attesting: Attesting, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (attesting.project.directory / "pythons.attestations").symlink_to(outside)
    attesting.publish()
    with pytest.raises(PolicyError, match="outside"):
        attesting.attest(vendor=True)
    assert not list(outside.iterdir())


def test_a_damaged_bundle_next_to_the_lock_counts_as_missing(attesting: Attesting) -> None:
    require(attesting, "vendored")
    attesting.publish()
    attesting.attest(vendor=True)
    assert found(attesting) == set()
    for bundle in (attesting.project.directory / "pythons.attestations").iterdir():
        bundle.write_bytes(bundle.read_bytes() + b" ")
    assert found(attesting) == {"PV037"}


def test_a_vendored_bundle_is_verified_after_upstream_removed_it(attesting: Attesting) -> None:
    attesting.publish()
    attesting.attest(vendor=True)
    lock = parse_lock(attesting.text, "").lock
    asked = len(attesting.api.asked)
    arguments = (lock, attesting.project.lock, None, Policy())
    options = attesting.options()
    rows = audit_provenance(options, *arguments, upstream=True, progress=NoProgress())
    assert not any(row.gone or row.problem for row in rows)
    assert sum(path.startswith("/repos/") for path in attesting.api.asked[asked:]) == len(attesting.digests)
    attesting.api.status = 404
    rows = audit_provenance(options, *arguments, upstream=True, progress=NoProgress())
    assert all(row.gone and row.level == "provenance+offline bundle" for row in rows)


def test_list_shows_the_verification_recorded_in_the_lock_file(attesting: Attesting) -> None:
    assert {row.verification for row in list_pythons(attesting.options()).rows} == {None}
    attesting.publish()
    attesting.attest()
    assert {row.verification for row in list_pythons(attesting.options()).rows} == {"provenance"}
    attesting.attest(vendor=True)
    listed = attesting.run("list")
    assert "VERIFICATION" in listed.out.splitlines()[0]
    assert listed.out.count("provenance+offline bundle") == 8


def test_without_the_packages_one_error_has_the_command_to_install_them(
    attesting: Attesting, monkeypatch: pytest.MonkeyPatch
) -> None:
    attesting.publish()
    attesting.attest()
    monkeypatch.setitem(sys.modules, "sigstore.verify", None)  # as if it were not installed
    assert found(attesting) == {"PV037"}
    require(attesting, "required")
    for command in (attesting.attest, lambda: found(attesting)):
        with pytest.raises(MissingPackagesError) as missing:
            command()
        assert f"Run `{install_command('attest')}`." == missing.value.hint
    assert "pip install" in str(synchronise(attesting).hint)


class Own:
    """A project with a custom archive, whose signer the manifest names."""

    identity = "https://github.com/example/pythons/.github/workflows/build.yml@refs/heads/main"

    def __init__(self, directory: Path, server: Server, api: Api) -> None:
        self.build, self.api, self.project = small_build(directory / "builds"), api, Project(directory / "project")
        self.target, self.root = detect_host().target, directory / "trusted_root.json"
        self.root.write_text(json.dumps(MINT.trusted_root()))
        self.url = server.put("own.tar.gz", self.build.archive.read_bytes())

    def write(self, *, how: str = "required", more: str = "") -> None:
        attested = f'attestation = {{ identity = "{self.identity}"{more} }}\n'
        self.project.write(
            f'[pythons.ours]\nversion = "{self.build.name.version}"\nbuild = "{self.build.name.build}"\n'
            f'flavor = "install_only_stripped"\nurl = {{ {self.target} = "{self.url}" }}\n'
            f'sha256 = {{ {self.target} = "{self.build.sha256}" }}\n{attested}\n[policy]\nprovenance = "{how}"\n'
        )

    def publish(self, workflow: str = ".github/workflows/build.yml") -> None:
        self.api.publish([self.build.sha256], repository="example/pythons", workflow=workflow, repository_id=7)

    @property
    def options(self) -> Options:
        environ = {"PROVISION_GITHUB_API": self.api.url, "PROVISION_TRUSTED_ROOT": str(self.root)}
        return Options.of(environ, home=self.project.home, cache=self.project.cache, manifest=self.project.manifest)

    def attest(self) -> Attested:
        return attest(self.options, root=None, progress=NoProgress())

    def sync(self) -> Synced:
        return sync(self.options, Scope(), NoProgress())

    def damage(self) -> None:
        next((self.project.home / "store").rglob("os.py")).write_text("changed\n")

    def repair(self) -> Verified:
        return verify(self.options, (), repair=True, store_wide=False, progress=NoProgress())


@pytest.fixture
def own(tmp_path: Path, server: Server, api: Api) -> Own:
    return Own(tmp_path, server, api)


def test_a_bundle_contains_the_attestations_that_the_policy_requires(own: Own, tmp_path: Path) -> None:
    own.write()
    own.publish()
    lock(own.options)
    own.attest()
    create_bundle(own.options, tmp_path / "all.tar", (), (), since=None, progress=NoProgress())
    for folder in (own.project.home, own.project.cache):
        shutil.rmtree(folder, ignore_errors=True)
    own.api.status = 500
    asked = len(own.api.asked)
    with pytest.raises(NetworkError, match="attestations"):
        sync(replace(own.options, offline=True), Scope(), NoProgress())
    done = sync_bundles(own.options, Scope(), [tmp_path / "all.tar"], NoProgress())
    assert len(done.synced.installed) == 1
    assert len(own.api.asked) == asked


def test_custom_archives_must_be_attested_by_the_signer_in_the_manifest(own: Own) -> None:
    own.write()
    (note,) = lock(own.options).notes
    assert note.endswith(f"build {own.build.name.build} has no attestation in the lock file; run `provision attest`")
    with pytest.raises(PolicyError, match="no attestation"):
        own.sync()
    own.publish()
    assert [row.problem for row in own.attest().rows] == [None]
    (row,) = parse_lock(own.project.lock.read_text(), "").lock.attestations
    assert (row.identity, row.repository_id) == (own.identity, 7)
    assert len(own.sync().installed) == 1
    audited = audit(own.options, today=date(2026, 11, 20))
    assert not [each.code for each in audited.audit.findings if "PV031" <= each.code <= "PV038"]

    own.write(more=", repository-id = 8")
    with pytest.raises(PolicyError, match="no attestation"):
        own.sync()


def test_custom_archives_attested_by_another_signer_are_refused(own: Own) -> None:
    own.write()
    lock(own.options)
    own.publish(workflow=".github/workflows/evil.yml")
    before = own.project.lock.read_text()
    assert [row.problem for row in own.attest().rows] == ["wrong-workflow"]
    assert own.project.lock.read_text() == before


def test_an_installed_tree_without_provenance_is_refused_and_not_repaired(own: Own) -> None:
    own.write(how="off")
    assert len(own.sync().installed) == 1
    own.write()
    with pytest.raises(PolicyError, match="no attestation"):
        own.sync()
    own.damage()
    verified = own.repair()
    assert ["no attestation" in str(error) for error in verified.errors] == [True]
    assert not verified.trees[0].repaired
    own.publish()
    own.attest()
    assert [tree.repaired for tree in own.repair().trees] == [True]
    assert own.sync().installed == ()


def test_without_the_packages_a_preferred_verification_is_a_warning(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    own.write(how="prefer")
    lock(own.options)
    monkeypatch.setitem(sys.modules, "sigstore.verify", None)  # as if it were not installed
    (warning,) = own.sync().warnings
    assert warning.startswith("provenance is not proven: ours, ")
    assert "no attestation" in warning


def test_a_failed_verification_is_refused_even_if_only_preferred(own: Own) -> None:
    own.write(how="prefer")
    lock(own.options)
    own.publish()
    own.attest()
    text = own.project.lock.read_text()
    own.project.lock.write_text(text.replace(COMMIT, "0" * 40))
    with pytest.raises(PolicyError, match="differs from its bundle"):
        own.sync()
    own.project.lock.write_text(text)
    assert own.sync().warnings == ()


def test_the_commands_of_the_manual_succeed_in_their_order(
    attesting: Attesting, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "provenance.md").read_text()
    commands = [line.removeprefix("$ provision ") for line in page.splitlines() if line.startswith("$ provision ")]
    assert commands == ["attest", "attest --vendor", "attest --offline"]
    attesting.publish()
    monkeypatch.chdir(attesting.project.directory)
    for name, value in attesting.project.environ(attesting.environ).items():
        monkeypatch.setenv(name, value)
    for command in commands:
        assert run_app(command.split()) == 0, command
        assert (attesting.project.directory / "pythons.attestations").is_dir() is (command != "attest")
        if "--vendor" in command:
            shutil.rmtree(attesting.project.cache)
            attesting.api.status = 500
