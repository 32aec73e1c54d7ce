"""docs/reviewing.md agrees with the tool: its table of codes, its four attacks, its picture."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from provision.review.codes import AUDIT_CODES
from provision.review.notices import NoticeKind
from tests.conftest import Golden
from tests.review.attacks import ATTACKS, DAY, make_attacked
from tests.support.project import Project

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reviewing.md"


def filled(text: str, begin: str, end: str, content: str) -> str:
    """The page with something else between two of its marks."""
    head, _, rest = text.partition(f"<!-- {begin} -->\n")
    assert rest, begin
    return f"{head}<!-- {begin} -->\n{content}<!-- {end} -->{rest.partition(f'<!-- {end} -->')[2]}"


def test_the_table_of_codes_is_that_of_the_code(golden: Golden) -> None:
    rows = [
        f"| `{code.code}` | {code.name} | {code.severity} | {code.title} | {code.fix} |"
        for code in AUDIT_CODES.values()
    ]
    table = "\n".join(["| code | name | severity | means | what to do |", "|---|---|---|---|---|", *rows, ""])
    golden(PAGE, filled(PAGE.read_text(encoding="utf-8"), "codes", "/codes", table))


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_is_documented_with_its_real_findings(attack: str, tmp_path: Path, golden: Golden) -> None:
    make_attacked(tmp_path / "project", attack)
    project = Project(tmp_path / "project")
    diff = project.run("diff")
    audit = project.run("audit", "--as-of", DAY, expect=0 if attack == "downgrade" else 5)
    assert "alarm:" in diff.out
    assert audit.out
    shown = f"```console\n$ provision diff\n{diff.out}$ provision audit\n{audit.out}```\n"
    golden(PAGE, filled(PAGE.read_text(encoding="utf-8"), f"attack: {attack}", "/attack", shown))


def test_every_kind_of_notice_is_explained() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for kind in NoticeKind.__args__:  # type: ignore[attr-defined]  # the words of a Literal
        assert f"`{kind}`" in text, kind


def test_there_is_one_picture_of_limited_size() -> None:
    (name,) = re.findall(r"!\[[^]]*\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    data = (PAGE.parent / name).read_bytes()
    assert data.startswith(b"\x89PNG")
    width, _ = struct.unpack(">II", data[16:24])
    assert width == 1280
    assert len(data) < 200_000
