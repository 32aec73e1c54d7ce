"""Archives on the page of a diff: digests and URLs."""

from __future__ import annotations

from provision.model.value import replace
from provision.review.changes import AssetChange
from provision.review.diff_page_archives import archive_lines
from tests.lock.samples import asset, digest


def test_an_archive_has_its_digests_before_and_after_and_each_url_once() -> None:
    old = asset("3.14.7+20260801")
    change = AssetChange(target=old.target, cpu=old.cpu, old=old, new=replace(old, sha256=digest("other")))
    text = "".join(archive_lines(change))
    assert [old.sha256.hex in text, digest("other").hex in text, text.count(old.url)] == [True, True, 1]
    assert "sha256" in "".join(archive_lines(replace(change, new=old)))
