"""The docs site: pages and reference, built strictly, and every link checked.

    python -m tools.site [-o build/site]

The build does not use the network. The page of the catalog has the bundled catalog.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from provision.catalog.components import bundled_table
from provision.catalog.page import catalog_page
from provision.catalog.page_tables import page_tables
from provision.catalog.snapshot import bundled_catalog
from tools.references import ROOT, addresses
from tools.site.agents import llms_txt, skill
from tools.site.check import problems_of
from tools.site.sources import configuration, write_sources


def build(output: Path, work: Path) -> list[str]:
    """Build the site into ``output``; the problems found, each a line."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    write_sources(work)
    pages = work / "docs"
    page = catalog_page(page_tables(bundled_catalog(), bundled_table()))
    (pages / "catalog.html").write_text(page, encoding="utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"],
        cwd=work,
        check=False,
        capture_output=True,
        text=True,
    )
    if built.returncode:
        return [*(built.stdout + built.stderr).splitlines(), "zensical build --strict failed"]
    site = work / "site"
    for path in sorted(pages.rglob("*.md")):  # `llms.txt` links to these
        shutil.copyfile(path, site / path.relative_to(pages))
    (site / "llms.txt").write_text(llms_txt(configuration(pages)["project"]["nav"], pages), encoding="utf-8")
    (site / "SKILL.md").write_text(skill(), encoding="utf-8")
    shutil.rmtree(output, ignore_errors=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(site, output)
    return list(problems_of(output, f"{addresses().documentation}/"))


def is_site(output: Path) -> bool:
    """Whether a directory is empty or a site of an earlier run, and may be replaced."""
    return output.is_dir() and ((output / "llms.txt").is_file() or not any(output.iterdir()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.site")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "site")
    output: Path = parser.parse_args().output.resolve()
    if output.exists() and not is_site(output):
        parser.error(f"{output}: exists, and is not a site that was built before; pass another directory")
    problems = build(output, ROOT / "build" / "site-sources")
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{output}: {sum(1 for _ in output.rglob('*.html'))} pages, every link checked")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
