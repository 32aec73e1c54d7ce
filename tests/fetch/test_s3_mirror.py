"""Archives from a bucket: signed by obstore, requested as from any web server, and not trusted either."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from provision.errors import IntegrityError, NetworkError, PolicyError, UsageError
from provision.fetch.mirrors import parse_mirror
from provision.fetch.s3_mirror import S3Mirror
from provision.host.distribution import install_command
from tests.fetch import samples
from tests.fetch.conftest import Internet
from tests.fetch.samples import LARGE, PARALLEL, PATH, PATIENT, QUICK, SMALL, RecordedProgress, asset, digest
from tests.support.faults import Cut, Other, Status, WholeAnyway
from tests.support.server import Server

fetcher = partial(samples.fetcher, settings=PATIENT)

_ELSEWHERE = f"https://evil.example/{PATH}"  # of no use: no rule allows it
_KEY = f"team/pythons/sha256/{digest(SMALL).hex[:2]}/{digest(SMALL)}"
_MIRROR = "s3://archives/team/pythons"


@pytest.fixture
def bucket(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that plays S3, with the environment that says so."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test:tester")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return server


def test_an_archive_is_downloaded_from_a_bucket_with_a_signed_url(bucket: Server, tmp_path: Path) -> None:
    bucket.put(f"archives/{_KEY}", SMALL)
    progress = RecordedProgress()
    with fetcher(tmp_path, mirrors=(_MIRROR,), progress=progress) as fetch:
        assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL
        assert [each.source for each in progress.measures if each.step == "download"] == [f"s3://archives/{_KEY}"]
        assert fetch.size(asset(_ELSEWHERE)) == len(SMALL)
    assert [seen.path for seen in bucket.seen()] == [f"/archives/{_KEY}"] * 2


def test_the_signature_is_valid_for_one_object_and_one_method(bucket: Server, tmp_path: Path) -> None:
    with fetcher(tmp_path, mirrors=(_MIRROR,)) as fetch:
        url = fetch.address_of(_MIRROR)
    query = parse_qs(urlsplit(url.full).query)
    assert query["X-Amz-Credential"][0].startswith("test:tester/")
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert query["X-Amz-Expires"] == ["90"], "as long as the download may last, and a minute"
    assert "Signature" not in str(url), "messages have no signature"


def test_a_large_archive_is_downloaded_over_several_connections(bucket: Server, tmp_path: Path) -> None:
    bucket.put(f"archives/sha256/{digest(LARGE).hex[:2]}/{digest(LARGE)}", LARGE)
    with fetcher(tmp_path, mirrors=("s3://archives",), settings=PARALLEL) as fetch:
        assert fetch.fetch(asset(_ELSEWHERE, LARGE)).read_bytes() == LARGE


@pytest.mark.parametrize("fault", [Cut(after=100_000), Other(body=b"wrong"), Status(code=503)], ids=str)
def test_a_bucket_that_fails_once_is_tried_again(bucket: Server, tmp_path: Path, fault: Cut | Other | Status) -> None:
    bucket.put(f"archives/{_KEY}", SMALL)
    bucket.fault(f"archives/{_KEY}", fault, times=1)
    with fetcher(tmp_path, mirrors=(_MIRROR,)) as fetch:
        assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL


def test_a_bucket_that_sends_the_whole_object_for_a_range_is_supported(bucket: Server, tmp_path: Path) -> None:
    bucket.put(f"archives/{_KEY}", SMALL)
    bucket.fault(f"archives/{_KEY}", Cut(after=100_000), times=1)
    bucket.fault(f"archives/{_KEY}", WholeAnyway())
    with fetcher(tmp_path, mirrors=(_MIRROR,)) as fetch:
        assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL


def test_a_damaged_copy_is_reported_and_the_next_mirror_tried(bucket: Server, tmp_path: Path) -> None:
    url, record = bucket.put(f"archives/{_KEY}", b"damaged"), RecordedProgress()
    bucket.put(f"pbs/{PATH}", SMALL)
    with fetcher(tmp_path, mirrors=(_MIRROR, f"{bucket.url}/pbs"), progress=record) as fetch:
        assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL
    assert record.notes == [f"{url}?…: sha256 mismatch; downloading again in one piece, bypassing caches"]
    with fetcher(tmp_path / "b", mirrors=(_MIRROR,)) as fetch, pytest.raises(IntegrityError, match="sha256 mismatch"):
        fetch.fetch(asset(_ELSEWHERE))


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (301, "Set AWS_REGION to the region of the bucket."),
        (400, "Renew the credentials if they have expired, and set AWS_REGION"),
        (401, "Set AWS_ACCESS_KEY_ID"),
        (403, "Set AWS_ACCESS_KEY_ID"),
    ],
)
def test_the_hint_of_a_refusal_names_the_variables_to_set(
    bucket: Server, tmp_path: Path, status: int, hint: str
) -> None:
    bucket.fault(f"archives/{_KEY}", Status(code=status, headers={"x-amz-bucket-region": "eu-west-1"}))
    with fetcher(tmp_path, mirrors=(_MIRROR,)) as fetch, pytest.raises(NetworkError, match=str(status)) as caught:
        fetch.fetch(asset(bucket.at("none")))
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ENDPOINT_URL", "minio.example"),
        ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "maybe"),
        ("AWS_CHECKSUM_ALGORITHM", "md5"),
    ],
)
def test_a_wrong_setting_is_not_reported_as_missing_credentials(
    bucket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with fetcher(tmp_path, mirrors=(_MIRROR,)) as fetch, pytest.raises(NetworkError, match="cannot sign") as caught:
        fetch.fetch(asset(_ELSEWHERE))
    assert caught.value.hint == "Correct the environment variables AWS_* that set up the bucket."


@pytest.mark.parametrize("word", ["true", "ON", "y", "1"])
def test_a_public_bucket_needs_no_credentials(
    bucket: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    bucket.put(f"archives/{_KEY}", SMALL)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", word)
    with fetcher(tmp_path, mirrors=(_MIRROR,)) as fetch:
        assert fetch.address_of(_MIRROR).query == ""
        assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL


def test_an_endpoint_on_another_machine_is_only_contacted_over_https(
    internet: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    internet.server.put(f"archives/{_KEY}", SMALL)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://mirror.example")
    with fetcher(tmp_path, mirrors=(_MIRROR,), environ=internet.environ) as fetch:
        assert fetch.fetch(asset(_ELSEWHERE)).read_bytes() == SMALL
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://mirror.example")
    refused = pytest.raises(PolicyError, match="http is allowed for loopback hosts only")
    with fetcher(tmp_path / "b", mirrors=(_MIRROR,), environ=internet.environ) as fetch, refused:
        fetch.fetch(asset(_ELSEWHERE))


def test_the_credentials_of_a_bucket_are_sent_to_no_other_host(
    internet: Internet, bucket: Server, tmp_path: Path
) -> None:
    internet.server.put("elsewhere", SMALL)
    bucket.fault(f"archives/{_KEY}", Status(code=307, headers={"location": "https://mirror.example/elsewhere"}))
    options = {"mirrors": (_MIRROR,), "environ": internet.environ}
    with fetcher(tmp_path, **options) as fetch, pytest.raises(PolicyError, match="not allowed"):  # type: ignore[arg-type]
        fetch.fetch(asset(_ELSEWHERE))
    assert internet.server.count() == 0


@pytest.mark.parametrize("text", ["", "A", "ab", "a b/c", "bucket/a//b", "bucket/../b", "me:secret@bucket/a", "b/a?x"])
def test_an_invalid_bucket_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="invalid mirror 's3://") as caught:
        parse_mirror(f"s3://{text}")
    assert "secret" not in str(caught.value)


def test_a_bucket_without_a_prefix_has_the_digests_at_its_root() -> None:
    mirror = parse_mirror("S3://my-bucket.example/")
    assert isinstance(mirror, S3Mirror)
    assert mirror.object(digest(SMALL)).key == f"sha256/{digest(SMALL).hex[:2]}/{digest(SMALL)}"
    assert mirror.rule is None


def test_without_obstore_the_error_names_the_extra(tmp_path: Path) -> None:
    """In a separate process, which cannot import it."""
    code = f"""
import sys
sys.modules["obstore"] = None
from pathlib import Path
from provision.fetch.fetcher import Fetcher
from provision.store.archives import ArchiveCache
with Fetcher(ArchiveCache(Path({str(tmp_path)!r})), mirrors=("s3://archives",), environ={{}}) as fetch:
    try:
        fetch.address_of("s3://archives")
    except Exception as error:
        print(type(error).__name__, error, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("UsageError mirrors in S3 require the package obstore")
    assert f"`{install_command('s3')}`" in done.stdout


def test_without_credentials_the_error_names_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/none")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "none"))
    refused = pytest.raises(NetworkError, match="cannot sign requests for the bucket 'archives'")
    with fetcher(tmp_path, mirrors=(_MIRROR,), settings=QUICK) as fetch, refused as caught:
        fetch.fetch(asset(_ELSEWHERE))
    assert "AWS_ACCESS_KEY_ID" in str(caught.value.hint)
    assert "\n" not in str(caught.value)
