"""The Renovate preset: as committed, and in the language of RE2, which Renovate uses."""

from __future__ import annotations

import re

from provision.manifest.keys import ENTRY
from tests.conftest import Golden
from tests.integrations.projects import ROOT
from tools.renovate_preset import preset_text, renovate_preset

EXPRESSIONS = [text for manager in renovate_preset()["customManagers"] for text in manager["matchStrings"]]


def test_the_committed_preset_is_up_to_date(golden: Golden) -> None:
    golden(ROOT / "renovate" / "pythons.json", preset_text())


def test_no_regular_expression_uses_features_that_re2_lacks() -> None:
    for text in EXPRESSIONS:
        assert not re.search(r"\(\?(?![:<])|\(\?<[=!]|\\[1-9]", text)
        re.compile(text.replace("(?<", "(?P<"))


def test_every_key_of_an_entry_is_handled_and_archive_keys_prevent_updates() -> None:
    (whole,) = (manager["matchStrings"][1] for manager in renovate_preset()["customManagers"][2:3])
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)*", whole))
    assert set(ENTRY.keys) - words == {"build", "sha256", "url"}
