"""Findings that depend on the day: cooldowns, ends of life, newer patch releases."""

from __future__ import annotations

import re
from datetime import date

import pytest

from provision.manifest.keys import Policy
from tests.review.auditing import audited, codes
from tests.review.tampering import (
    BUILD,
    SETTINGS,
    locked,
    manifest,
)


def test_a_build_in_its_cooldown_is_found_by_the_longer_cooldown() -> None:
    asked = manifest('default = "3.13"', settings=f'{SETTINGS}\ncooldown = "1 week"')
    fresh = manifest('default = "3.13"')
    text = locked(fresh).replace(
        re.findall("sha256:[0-9a-f]+", locked(fresh))[0], re.findall("sha256:[0-9a-f]+", locked(asked))[0]
    )
    lines = {each.line for each in audited(text, asked).findings if each.code == "PV014"}
    assert lines == {number for number, line in enumerate(text.splitlines(), 1) if line.startswith("url =")}
    assert "PV014" not in {each.code for each in audited(locked(asked), asked).findings}
    policy = Policy(cooldown=604_800)
    assert "PV014" in {each.code for each in audited(text, fresh, policy=policy).findings}
    assert "PV014" not in {each.code for each in audited(text, fresh, policy=policy, today=date(2026, 11, 5)).findings}


def test_a_forged_early_date_does_not_end_a_cooldown() -> None:
    asked = manifest('default = "3.13"')
    text = (
        locked(asked).replace(BUILD, "20261101").replace('sha256 = "', 'published = "2020-01-01T00:00:00Z"\nsha256 = "')
    )
    found = audited(text, None, policy=Policy(cooldown=604_800), today=date(2026, 11, 2)).findings
    assert "PV014" in {each.code for each in found}


def test_the_policy_on_end_of_life_and_prereleases() -> None:
    asked = manifest('default = "3.9"')
    text = locked(asked)
    gravities = {
        allowed: {
            each.severity
            for each in audited(text, asked, policy=Policy(allow_end_of_life=allowed)).findings
            if each.code == "PV012"
        }
        for allowed in (None, False, True)
    }
    assert gravities == {None: {"warning"}, False: {"error"}, True: set()}
    asked = manifest('next = { version = "3.15.0rc1" }')
    text = locked(asked)
    assert codes(audited(text, asked)) == set()
    assert codes(audited(text, asked, policy=Policy(allow_prereleases=False))) == {"PV015"}


@pytest.mark.parametrize(
    "entry", ['"3.13.1"', '"==3.13.1"', '{ version = "3.13.1", build = "20250115" }', '{ version = "<3.13.2,>=3.13" }']
)
def test_a_newer_patch_excluded_by_the_request_is_a_note(entry: str) -> None:
    asked = manifest(f"default = {entry}")
    (finding,) = (one for one in audited(locked(asked), asked).findings if one.code == "PV013")
    assert finding.severity == "note"
    assert "change the request" in finding.fix
    assert "--upgrade" not in finding.fix
