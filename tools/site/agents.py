"""What programs read of the docs: `llms.txt`, and a skill for coding agents."""

from __future__ import annotations

import re
from pathlib import Path

from provision import __version__
from tools.references import addresses
from tools.site.sources import DOCS, Nav, pages_in

SKILL_NAME = "provision"
_DESCRIPTION = (
    "Install, pin and upgrade the Python interpreters of a repository with provision. Use this skill where a "
    "repository has pythons.toml or pythons.lock, or where a command fails because a Python version is missing."
)


def skill() -> str:
    """The file SKILL.md: the page for coding agents, with the head that agents look for."""
    text = (DOCS / "agents.md").read_text(encoding="utf-8")
    url = addresses().documentation
    text = re.sub(
        r"\s\[`SKILL\.md`\].*?\.\n(?=\n)", "\n", text, flags=re.DOTALL
    )  # what the page says of the skill file
    text = re.sub(r"\]\((?!https?:)([^)#]+)\.md(#[^)]*)?\)", rf"]({url}/\1/\2)", text)
    return f"---\nname: {SKILL_NAME}\ndescription: {_DESCRIPTION}\n---\n\n{text}"


def llms_txt(nav: Nav, pages: Path) -> str:
    """An index of all pages as Markdown, after https://llmstxt.org."""
    url = addresses().documentation
    index = (pages / "index.md").read_text(encoding="utf-8")
    lines = [f"# provision {__version__}", "", f"> {_summary(index)}", ""]
    section = ""
    for titles, path in pages_in(nav):
        text = (pages / path).read_text(encoding="utf-8")
        if titles and titles[0] != section and len(titles) >= 1:
            section = titles[0]
            lines += ["", f"## {section}", ""] if lines[-1] else [f"## {section}", ""]
        summary = _summary(text)
        lines.append(f"- [{_title(text)}]({url}/{path})" + (f": {summary}" if summary else ""))
    lines += ["", "## Optional", "", f"- [A skill for coding agents]({url}/SKILL.md)", ""]
    return "\n".join(lines)


def _title(text: str) -> str:
    match = re.search(r"^# (.*)$", text, re.MULTILINE)
    return match[1].replace("`", "") if match else ""


def _summary(text: str) -> str:
    """The first sentence of a page's first paragraph of prose."""
    body = text.partition("\n# ")[2] if not text.startswith("# ") else text
    for paragraph in body.partition("\n")[2].split("\n\n"):
        prose = " ".join(paragraph.split())
        if re.match(r"[A-Za-z`\[]", prose):
            prose = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", prose)
            return re.split(r"(?<=\.) (?=[A-Z`])", prose)[0].rstrip(":")
    return ""
