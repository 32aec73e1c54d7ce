"""The docs site: its pages and reference are complete, its check finds faults, and it works in a browser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest
import yaml

from provision.host.variables import KNOWN_VARIABLES
from provision.review.codes import AUDIT_CODES
from tests.support.browser import RUN_AXE, Tab, pictures
from tests.support.browser_fixtures import any_tab, axe
from tools.manual import command_helps
from tools.references import ROOT, addresses
from tools.site.__main__ import is_site
from tools.site.agents import llms_txt, skill
from tools.site.check import problems_of
from tools.site.reference import reference_pages
from tools.site.sources import (
    DOCS,
    configuration,
    pages_in,
    with_links_to_the_repository,
    with_pipes_in_code,
    with_titles_for_file_names,
    write_sources,
)

__all__ = ["any_tab", "axe"]

URL = "https://example.com/docs/"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    write_sources(folder)
    return folder / "docs"


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    return reference_pages()


def test_every_page_is_in_the_navigation_once(sources: Path) -> None:
    listed = [path for _, path in pages_in(configuration(sources)["project"]["nav"])]
    assert len(listed) == len(set(listed))
    assert set(listed) == {path.relative_to(sources).as_posix() for path in sources.rglob("*.md")}


def test_links_out_of_the_docs_lead_to_the_repository() -> None:
    page = DOCS / "ci.md"
    text = "[a](lock.md#keys) [b](../examples/github) [c](../SECURITY.md#x) [d](https://example.com)"
    text += " [e](wording.md) [f](#g)"
    repository = addresses().repository
    assert with_links_to_the_repository(text, page) == (
        f"[a](lock.md#keys) [b]({repository}/tree/main/examples/github) [c]({repository}/blob/main/SECURITY.md#x) "
        f"[d](https://example.com) [e]({repository}/blob/main/docs/wording.md) [f](#g)"
    )
    assert with_links_to_the_repository("[a](docs/lock.md#keys)", ROOT / "CHANGELOG.md") == "[a](lock.md#keys)"


def test_pipes_in_code_of_tables_are_written_as_the_site_shows_them() -> None:
    text = "| `a\\|b <c>` | `d` |\n`e\\|f`\n"
    assert with_pipes_in_code(text) == "| <code>a&#124;b &lt;c></code> | `d` |\n`e\\|f`\n"


def test_links_that_are_named_after_a_file_get_the_title_of_the_page() -> None:
    text = "see [store.md](store.md), [ci.md](../ci.md#images), [the store](store.md), [x.md](https://example.com/x.md)"
    assert with_titles_for_file_names(text) == (
        "see [The store](store.md), [In CI](../ci.md#images), [the store](store.md), [x.md](https://example.com/x.md)"
    )


def test_the_reference_has_every_command_with_every_option(reference: dict[str, str]) -> None:
    for command in command_helps()[1:]:
        page = reference[f"commands/{command.words.split()[0]}.md"]
        assert f"# provision {command.words}\n" in page
        for row in command.tables.get("Options", ()):
            assert row.term.replace("<", "&lt;") in page or row.term in page, (command.words, row.term)
    assert not [name for name, text in reference.items() if "\b" in text]


def test_the_reference_has_every_key_code_document_and_variable(reference: dict[str, str]) -> None:
    for name in ("pythons", "pythons-lock"):
        schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text())
        for found in (schema, *schema.get("$defs", {}).values()):
            for key in found.get("properties", ()):
                assert f"\n| `{key}` | " in reference["keys.md"], key
    assert re.findall(r"^\| `(PV\d+)`", reference["codes.md"], re.MULTILINE) == list(AUDIT_CODES)
    assert re.findall(r"^\| (\d+) \|", reference["codes.md"], re.MULTILINE)[:7] == list("0123456")
    documents = {path.name for path in (ROOT / "schemas").glob("*.json")} - {
        "pythons.schema.json",
        "pythons-lock.schema.json",
    }
    assert set(re.findall(r"\(schemas/([^)]*)\)", reference["json.md"])) == documents
    rows = dict(re.findall(r"^\| `(PROVISION_\w+)` \| (.*?) \|", reference["environment.md"], re.MULTILINE))
    assert set(rows) == set(KNOWN_VARIABLES)
    assert all(rows.values())
    assert not [row for row in rows.values() if re.fullmatch("`--[a-z-]+`", row)], "an option's name explains nothing"
    assert rows["PROVISION_LOCKED"].startswith("Fail with exit 4 instead of writing the lock file.")


def test_the_reference_has_the_keys_of_each_document_and_of_its_parts(reference: dict[str, str]) -> None:
    sections = dict(
        re.findall(r"^## provision (.+?)\n(.*?)(?=^## |\Z)", reference["json.md"], re.MULTILINE | re.DOTALL)
    )
    for words, key in {
        "lock": "| `entries[].build-options` | list: text |",
        "lock ": "The document with `--check`:\n\n| Key | Value | Meaning |\n|---|---|---|\n| `version` | `1` | The ",
        "plan": '| `actions[].action` | `"keep"`, `"install"`, `"link"`, `"unlink"`, `"remove"` |',
        "sbom": "The document with `--format spdx`:",
        "mirror check": "| `archives[].size` | integer or `null` |",
        "diff": "| `version` | ",
    }.items():
        assert key in sections[words.strip()], words
    for path in (ROOT / "schemas").glob("output-*.json"):
        schema = json.loads(path.read_text())
        for document in schema.get("anyOf", [schema]):
            for key in document.get("properties", ()):
                assert f"| `{key}` | " in reference["json.md"].partition(f"({path.relative_to(ROOT)})")[2], (path, key)


FAULTS = {
    '<a href="gone/">x</a>': "gone/ leads nowhere",
    '<a href="other/#gone">x</a>': "other/#gone has no such anchor",
    '<a href="#gone">x</a>': "#gone has no such anchor",
    '<a href="/other/">x</a>': "/other/ is absolute",
    '<img src="gone.png" alt="">': "gone.png leads nowhere",
    '<a href="../out/">x</a>': "../out/ leads nowhere",
    f'<a href="{URL}gone.html">x</a>': f"{URL}gone.html leads nowhere",
    '<script src="https://cdn.example.com/x.js"></script>': "<script> loads https://cdn.example.com/x.js",
    '<link rel="stylesheet" href="https://cdn.example.com/x.css">': "<link> loads https://cdn.example.com/x.css",
    "<p><code>a\\|b</code></p>": "code shows the backslash of \\|",
    "<table><tr><th></th></tr></table>": "a table has a column without a heading",
    "<p>see [the page][page]</p>": "a reference without a target: see [the page][page]",
}


def small_site(folder: Path, body: str) -> Path:
    pages = {
        "index.html": f'<p id="top"></p><a href="other/#there">other</a><a href="#top">top</a>{body}',
        "other/index.html": f'<h2 id="there">x</h2><a href="../">up</a><a href="{URL}other/#there">whole</a>',
        "404.html": '<a href="/">home</a>',
    }
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
def test_the_check_finds_each_error(tmp_path: Path, fault: str) -> None:
    assert list(problems_of(small_site(tmp_path, fault), URL)) == [f"index.html: {FAULTS[fault]}"]


def test_the_check_accepts_a_valid_site_and_a_page_without_links_to_it(tmp_path: Path) -> None:
    site = small_site(tmp_path, "<pre>[a][b]</pre><a href='https://example.org/'>elsewhere</a>")
    assert list(problems_of(site, URL)) == []
    (site / "lost.html").write_text("<p>x</p>")
    assert list(problems_of(site, URL)) == ["lost.html: no page links to it"]


def test_the_index_for_programs_lists_every_page_with_its_first_sentence(sources: Path) -> None:
    nav = configuration(sources)["project"]["nav"]
    text = llms_txt(nav, sources)
    url = addresses().documentation
    listed = re.findall(rf"^- \[(.+)\]\({re.escape(url)}/([^)]*\.md)\)(?:: (.+))?$", text, re.MULTILINE)
    assert [path for _, path, _ in listed] == [*(path for _, path in pages_in(nav)), "SKILL.md"]
    summaries = {path: summary for _, path, summary in listed}
    assert summaries["start.md"] == "From an empty repository to interpreters that are the same for everyone."
    assert len([path for path, summary in summaries.items() if not summary]) <= 6
    assert not [summary for summary in summaries.values() if summary and len(summary) < 30], "says nothing of the page"


def test_the_skill_names_commands_to_run_and_actions_to_avoid() -> None:
    _, head, body = skill().split("---\n", 2)
    found = yaml.safe_load(head)
    assert re.fullmatch("[a-z0-9-]{1,64}", found["name"])
    assert set(found) == {"name", "description"}
    assert 50 < len(found["description"]) <= 1024
    assert "## Never" in body
    assert "Do not edit `pythons.lock`" in body
    assert "SKILL.md" not in body
    assert "uvx --from pyprovision provision" in body
    assert not re.findall(r"\]\((?!https:)[^)]*\)", body)


def test_commands_in_the_docs_have_the_options_that_pages_use() -> None:
    known = {
        command.words: {word for row in command.tables.get("Options", ()) for word in re.split("[ ,/]+", row.term)}
        for command in command_helps()
    }
    checked = 0
    for path in (ROOT / "README.md", *sorted(DOCS.glob("*.md"))):
        for line in re.findall(r"(?:^\$ |`|\()provision ([a-z][^`\n#)|]*)", path.read_text(), re.MULTILINE):
            words = re.split(r" -- | && |; ", line)[0].split()
            name = next((" ".join(words[:length]) for length in (2, 1) if " ".join(words[:length]) in known), "")
            options = {word.partition("=")[0] for word in words if re.fullmatch("--[a-z-]+(=.*)?", word)}
            if name and name != "run":
                assert options <= known[name], f"{path.name}: {line}"
                checked += len(options)
    assert checked > 60


def built(folder: Path) -> Path:
    if find_spec("zensical") is None:
        pytest.skip("Zensical is not installed; `make docs` installs it")
    from tools.site.__main__ import build

    assert build(folder / "site", folder / "work") == []
    return folder / "site"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The built site on a real server."""
    folder = built(tmp_path_factory.mktemp("site"))

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def visit(tab: Tab, url: str, *, width: int, dark: bool = False) -> list[str]:
    """Open a page; the addresses of all that it loaded."""
    tab.send(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
    )
    tab.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    tab.send("Page.navigate", url="about:blank")
    tab.send("Page.navigate", url=url)
    ready = "document.readyState === 'complete' && location.href !== 'about:blank'"
    done = "new Promise((done) => setTimeout(() => done(true), 300))"
    while not tab.ask(ready):
        pass
    tab.ask(done)
    loaded: list[str] = tab.ask("performance.getEntriesByType('resource').map((each) => each.name)")
    return loaded


@pytest.mark.slow
def test_the_site_works_in_a_browser(any_tab: Tab, axe: str, site: str, tmp_path: Path) -> None:
    """No request to other sites, no error, no sideways scroll, no violation of axe-core; the search finds an option."""
    any_tab.complaints.clear()
    broken = {}
    for path in ("", "start/", "commands/", "reference/keys/", "reference/commands/catalog/", "comparison/"):
        for width, dark in ((1280, False), (390, True)):
            any_tab.ask("try { localStorage.clear() } catch {}; 1")
            loaded = visit(any_tab, f"{site}{path}", width=width, dark=dark)
            assert all(address.startswith((site, "blob:", "data:")) for address in loaded), loaded
            assert any_tab.ask("document.documentElement.scrollWidth") <= width, path
            name = f"site-{path.replace('/', '-')}{width}.png"
            any_tab.screenshot(pictures(tmp_path) / name, most=1600)
        any_tab.ask(f"{axe};0")
        broken[path] = any_tab.ask(RUN_AXE)
    assert not any(broken.values()), broken
    visit(any_tab, site, width=1280)
    any_tab.ask("document.querySelector('.md-search__button').click()")
    any_tab.type("--frozen")
    shown = "[...document.querySelectorAll('*')].map((e) => e.shadowRoot?.textContent ?? '').join('')"
    end = time.monotonic() + 10
    while not re.search(r"\d results.*provision plan", any_tab.ask(shown), re.DOTALL):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert any_tab.complaints == []


def test_only_a_site_is_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    assert is_site(mine)
    (mine / "thesis.txt").write_text("mine")
    command = [sys.executable, "-m", "tools.site", "-o", str(mine)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, "is not a site that was built before" in done.stderr) == (2, True)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    (mine / "llms.txt").touch()
    assert is_site(mine)
