"""The catalog's page in a real browser: search, filters, links, keyboard, and the lines for the manifest."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from provision.catalog.catalog import Catalog
from provision.catalog.components import bundled_table, components_of, origin_words
from provision.catalog.page import catalog_page
from provision.catalog.page_tables import page_tables
from provision.catalog.snapshot import bundled_catalog
from provision.lock.read import read_lock
from provision.model.asset import OPTIONS, Asset
from provision.model.value import replace
from tests.catalog.pages import assets_of, some_catalog
from tests.support.browser import RUN_AXE, Tab, broken_rules, pictures
from tests.support.project import Project

# The limit for compressed bytes before the details: so many load in a third of a second at 1.6 Mbit/s.
MOST_BEFORE_SEARCH, MOST_COMPRESSED = 75_000, 20_000
# The whole page: the hash of a row takes 43 characters, everything else must fit into the rest.
MOST_BESIDE_HASHES = 175_000

LINE = "document.getElementById('line').textContent"
ROWS = "[...document.querySelectorAll('.row:not([hidden])')].map((each) => each.firstChild.textContent)"
COUNT = "document.getElementById('count').textContent"


@cache
def page_of(*, everything: bool) -> str:
    return catalog_page(page_tables(bundled_catalog() if everything else some_catalog(), bundled_table()))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "catalog.html"
    path.write_text(page_of(everything=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "catalog.html"
    path.write_text(page_of(everything=True), encoding="utf-8")
    return path


def search(tab: Tab, words: str) -> int:
    """Type words, and give the number of rows found."""
    tab.ask(f"query.value = {json.dumps(words)}; query.dispatchEvent(new Event('input'))")
    found = re.match(r"([\d,]+) of", tab.ask(COUNT))
    return int(found[1].replace(",", "")) if found else 0


def arrow(tab: Tab, key: str = "ArrowDown") -> None:
    tab.send("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=40 if key == "ArrowDown" else 38)
    tab.send("Input.dispatchKeyEvent", type="keyUp", key=key)


def wait_for(tab: Tab, expression: str) -> None:
    end = time.monotonic() + 10
    while not tab.ask(expression):
        assert time.monotonic() < end, expression
        time.sleep(0.02)


def number(catalog: Catalog, test: Any) -> int:
    return sum(1 for asset in assets_of(catalog) if test(asset))


def test_words_of_the_query_find_matching_assets(tab: Tab, small: Path) -> None:
    """Each query finds as many rows as the catalog has."""
    catalog = some_catalog()
    meanings: dict[str, Any] = {
        "": lambda asset: True,
        "3.1": lambda asset: str(asset.version).startswith("3.1"),
        "3.12.1": lambda asset: str(asset.version) == "3.12.1",  # not 3.12.11
        "3.14t": lambda asset: asset.version.minor == 14 and asset.options.freethreaded and not asset.options.debug,
        "3.14.10td": lambda asset: str(asset.version) == "3.14.10" and asset.options.abi_suffix == "td",
        "3.14.0rc2": lambda asset: bool(asset.version.prerelease),
        "linux-x86_64": lambda asset: asset.target.short == "linux-x86_64",  # not linux-x86_64-musl
        "musl": lambda asset: asset.target.libc == "musl",
        "ARM64 windows": lambda asset: asset.target.short == "windows-aarch64",
        "x86_64_v3-unknown-linux-gnu": lambda asset: asset.cpu == "v3" and asset.target.libc == "gnu",
        "install_only": lambda asset: asset.flavor == "install_only",
        "stripped -debug -freethreaded": lambda asset: (
            asset.flavor.endswith("stripped") and not asset.options.debug and not asset.options.freethreaded
        ),
        "pypy": lambda asset: asset.implementation == "pypy",
        "pypy3.11.13 darwin": lambda asset: asset.implementation == "pypy" and asset.target.os == "macos",
        "20261110": lambda asset: asset.build == "20261110",
        "3.14.10+20261110": lambda asset: (str(asset.version), asset.build) == ("3.14.10", "20261110"),
        "20261110 -linux": lambda asset: asset.build == "20261110" and asset.target.os != "linux",
        "nothing": lambda asset: False,
    }  # fmt: skip
    tab.open(small, width=1280)
    found = {words: search(tab, words) for words in meanings}
    assert found == {words: number(catalog, test) for words, test in meanings.items()}
    assert min(count for words, count in found.items() if words != "nothing") > 0
    newest = {
        (name, version): catalog.builds(name, version)[0]
        for name in catalog.implementations()
        for version in catalog.versions(name)
    }
    assert search(tab, "latest") == number(catalog, lambda a: newest[a.implementation, a.version] == a.build)
    search(tab, "nothing")
    assert tab.ask(COUNT) == "No asset matches. Remove a word or a filter."


def test_filters_are_words_of_the_query(tab: Tab, small: Path) -> None:
    tab.open(small, width=1280)
    choose = "{0}.value = {1!r}; {0}.dispatchEvent(new Event('change')); query.value"
    search(tab, "3.14 pgo")
    assert tab.ask("python.value") == "3.14"
    assert tab.ask(choose.format("target", "linux-x86_64")) == "3.14 pgo linux-x86_64"
    assert tab.ask(choose.format("variant", "freethreaded -debug")) == "3.14 pgo linux-x86_64 freethreaded -debug"
    assert tab.ask(choose.format("variant", "-freethreaded -debug")) == "3.14 pgo linux-x86_64 -freethreaded -debug"
    assert tab.ask(choose.format("target", "")) == "3.14 pgo -freethreaded -debug"
    assert tab.ask(choose.format("newest", "latest")) == "3.14 pgo -freethreaded -debug latest"
    search(tab, "pypy3.11")
    assert tab.ask("[python.value, variant.value, newest.value]") == ["pypy3.11", "", ""]
    series = tab.ask("[...python.options].map((each) => each.text)")
    assert {"CPython 3.14 (3.14.10)", "PyPy 3.11 (3.11.13)"} <= set(series)


def shown(tab: Tab, asset: Asset) -> dict[str, Any]:
    """Search for an asset, click its row, and return what the page shows about it."""
    level = asset.cpu if asset.target.arch == "x86_64" else ""
    words = f"{asset.implementation}{asset.version}+{asset.build} {asset.target} {level} {asset.flavor}"
    words += "".join(f" {option}" if option in asset.options else f" -{option}" for option in OPTIONS)
    title = f"{asset.target.label(asset.cpu)}{str(asset.options) or 'options not named'} · {asset.flavor}"
    result: dict[str, Any] = tab.ask(
        f"""(() => {{
            query.value = {json.dumps(words)};
            query.dispatchEvent(new Event("input"));
            [...document.querySelectorAll(".row:not([hidden])")].find((row) => row.textContent.endsWith({json.dumps(title)})).click();
            const text = (id) => document.getElementById(id).textContent;
            const table = (id) => [...document.querySelectorAll(`#${{id}}:not([hidden]) tbody tr`)].map(
                (row) => [...row.cells].map((cell) => cell.textContent));
            return {{ line: text("line"), sha256: text("sha256"), url: file.href, since: text("since"),
                unchanged: text("unchanged"), unknown: text("unknown"), changes: table("changes"),
                components: table("components"), lost: !lost.hidden, day: text("day") }};
        }})()"""  # noqa: E501
    )
    return result


def one_of_each_kind(catalog: Catalog) -> list[Asset]:
    """For each variant and form of URL, the newest and the oldest asset; and all that are no longer listed."""
    kinds: dict[tuple[object, ...], list[Asset]] = {}
    for asset in assets_of(catalog):
        lost = asset.url in catalog.gone(asset.implementation, asset.version, asset.build)
        form = re.sub(r"[0-9]+", "0", asset.filename)
        kinds.setdefault((asset.implementation, asset.variant, form, lost), []).append(asset)
    return [asset for found in kinds.values() for asset in {found[0].url: found[0], found[-1].url: found[-1]}.values()]


def named(asset: Asset) -> str:
    """The name of the entry that the page offers: `py314t-v3-musl`."""
    implementation = "py" if asset.implementation == "cpython" else asset.implementation
    options = str(asset.options).split("+")
    letters = "t" * ("freethreaded" in options) + "d" * ("debug" in options)
    level = "" if asset.cpu == "baseline" else f"-{asset.cpu}"
    libc = "-musl" if asset.target.short.endswith("-musl") else ""
    return f"{implementation}{asset.version.series.replace('.', '')}{letters}{level}{libc}"


def check_lines(tab: Tab, page: Path, project: Project, assets: Sequence[Asset]) -> None:
    """The line of each asset locks to the hash that the page shows, whatever the manifest's settings."""
    tab.open(page, width=1280)
    pages = [shown(tab, asset) for asset in assets]
    assert [(each["sha256"], each["url"]) for each in pages] == [(str(asset.sha256), asset.url) for asset in assets]
    names = [each["line"].partition(" = ")[0] for each in pages]
    assert names == [named(asset) for asset in assets]
    entries = [f"e{place}{each['line'].removeprefix(names[place])}" for place, each in enumerate(pages)]
    settings = '[settings]\ncpu = "v3"\nflavor = "full"\ntargets = ["macos-aarch64"]\n'
    project.write("\n".join((settings, "[pythons]", *entries, "")))
    project.run("lock", "--offline")
    locked = {python.name: python.assets for python in read_lock(project.directory / "pythons.lock").lock.pythons}
    hashes = {name: [str(asset.sha256) for asset in found] for name, found in locked.items()}
    assert hashes == {f"e{place}": [str(asset.sha256)] for place, asset in enumerate(assets)}


def test_the_manifest_line_of_a_row_is_locked_to_the_shown_sha256(tab: Tab, small: Path, tmp_path: Path) -> None:
    check_lines(tab, small, Project(tmp_path / "project"), one_of_each_kind(some_catalog())[::16])


@pytest.mark.slow
def test_the_manifest_line_of_every_kind_of_row_is_locked_to_the_shown_sha256(
    tab: Tab, whole: Path, tmp_path: Path
) -> None:
    check_lines(tab, whole, Project(tmp_path / "project"), one_of_each_kind(bundled_catalog()))


def test_components_and_their_changes_since_the_previous_build_are_shown(tab: Tab, small: Path) -> None:
    catalog, table = some_catalog(), bundled_table()
    tab.open(small, width=1280)
    newer, older = (
        next(
            asset
            for asset in assets_of(catalog)
            if (asset.build, asset.target.short, asset.cpu) == (build, "linux-x86_64", "baseline")
            and (str(asset.version), asset.flavor, str(asset.options)) == ("3.12.11", "install_only", "pgo+lto")
        )
        for build in ("20251007", "20250918")
    )
    contents = [
        {each.name: origin_words(each, asset) for each in components_of(asset, table) or ()} for asset in (older, newer)
    ]
    was, now = contents
    page = shown(tab, newer)
    assert page["components"] == [[name, version] for name, version in sorted(now.items())]
    assert page["since"] == "Changes since 3.12.11+20250918"
    assert page["changes"] == [
        [name, was.get(name, "none"), now.get(name, "none")]
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]
    assert page["changes"]
    assert page["day"].startswith("2025-10-")
    pypy = next(asset for asset in assets_of(catalog) if asset.implementation == "pypy")
    page = shown(tab, pypy)
    assert page["components"] == []
    assert page["unknown"] == "Not known for this build."
    lost = next(a for a in assets_of(catalog) if a.url in catalog.gone(a.implementation, a.version, a.build))
    assert shown(tab, lost)["lost"] is True


def test_an_address_opens_the_same_search_and_asset_again(tab: Tab, small: Path) -> None:
    tab.open(small, width=1280)
    search(tab, "3.14t macos")
    arrow(tab)
    arrow(tab)
    line = tab.ask(LINE)
    wait_for(tab, "location.hash.includes('asset=')")
    link = tab.ask("location.hash")
    assert link.startswith("#q=3.14t+macos&asset=cpython-3.14.10%2B")
    tab.send("Page.navigate", url="about:blank")
    tab.send("Page.navigate", url=small.as_uri() + link)
    wait_for(tab, f"document.readyState === 'complete' && {LINE}")
    assert (tab.ask("query.value"), tab.ask(LINE)) == ("3.14t macos", line)
    tab.send("Page.navigate", url="about:blank")
    tab.send("Page.navigate", url=f"{small.as_uri()}#asset=no-such-file.tar.gz")
    wait_for(tab, "document.readyState === 'complete' && !!document.getElementById('count')")
    assert tab.ask("details.hidden") is True


def test_everything_can_be_reached_by_keyboard(tab: Tab, small: Path) -> None:
    tab.open(small, width=1280)
    assert tab.ask("document.activeElement.id") == "query"
    tab.type("3.14 linux")
    for _ in range(30):
        arrow(tab)
    selected = "document.getElementById(query.getAttribute('aria-activedescendant'))"
    assert tab.ask(f"{selected}.getAttribute('aria-posinset')") == "30"
    box = tab.ask(f"(({{ top, bottom }}) => [Math.ceil(top), Math.floor(bottom)])({selected}.getBoundingClientRect())")
    edges = tab.ask("(({ top, bottom }) => [top, bottom])(list.getBoundingClientRect())")
    assert edges[0] <= box[0] < box[1] <= edges[1]
    arrow(tab, "ArrowUp")
    assert tab.ask(f"{selected}.getAttribute('aria-posinset')") == "29"
    tab.ask("navigator.clipboard.writeText = async (text) => { window.copied = text; }; 1")
    tab.press("Enter")
    assert tab.ask("document.activeElement.id") == "copy"
    tab.press("Enter")
    wait_for(tab, "window.copied")
    assert tab.ask("window.copied") == tab.ask(LINE)
    assert tab.ask("said.textContent") == "Copied"
    tab.ask("navigator.clipboard.writeText = async () => { throw 0; }; document.execCommand = () => false; 1")
    tab.press("Enter")
    wait_for(tab, "said.textContent === 'Not copied'")
    tab.press("Escape")
    assert tab.ask("[details.hidden, document.activeElement.id]") == [True, "query"]
    tab.press("Escape")
    assert tab.ask("query.value") == ""
    visited = []
    for _ in range(9):
        tab.press("Tab")
        visited.append(tab.ask("document.activeElement.id || document.activeElement.tagName"))
    assert visited[:8] == ["SUMMARY", "python", "newest", "target", "level", "variant", "flavor", "list"]


def test_screen_readers_get_names_positions_and_counts(tab: Tab, small: Path) -> None:
    tab.open(small, width=1280)
    search(tab, "pypy3.11 linux-x86_64")
    arrow(tab)
    tree = tab.send("Accessibility.getFullAXTree")["nodes"]
    nodes = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored")]
    controls = {"button", "link", "combobox", "listbox", "option", "region", "heading", "search", "columnheader"}
    assert not {role for role, name in nodes if role in controls - {"search"} and not name}
    assert ("combobox", "Search: versions, targets, options") in nodes
    options = [name for role, name in nodes if role == "option" and name.startswith("pypy")]
    assert options[0].startswith("pypy3.11.13+")
    assert tab.ask("document.querySelector('[aria-selected=true]').getAttribute('aria-setsize')") == str(len(options))
    assert tab.ask("count.getAttribute('role')") == "status"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_the_window_without_errors(tab: Tab, small: Path, width: int) -> None:
    tab.complaints.clear()
    for dark in (False, True):
        tab.open(small, width=width, dark=dark)
        arrow(tab)
        assert tab.ask("document.documentElement.scrollWidth") <= width
        assert tab.ask("document.documentElement.scrollHeight") <= 900
        assert tab.ask("details.scrollWidth <= details.clientWidth") is True
        cut = tab.ask("[...document.querySelectorAll('.row b')].filter((b) => b.offsetWidth > innerWidth - 32).length")
        assert cut == 0
        colour = tab.ask("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, colour[4:-1].split(","))) < 3 * 128) == dark
        tab.screenshot(pictures(small.parent) / f"catalog-{width}-{'dark' if dark else 'light'}.png")
    assert tab.ask("filters.open") is (width == 1280)
    assert tab.complaints == []


@pytest.mark.slow
def test_axe_finds_no_accessibility_problems(any_tab: Tab, axe: str, small: Path, tmp_path: Path) -> None:
    """Wide and narrow, light and dark; with an asset selected, and without."""
    assert not broken_rules(any_tab, axe, small, "catalog")
    for width, dark in ((1280, False), (390, True)):
        any_tab.open(small, width=width, dark=dark)
        arrow(any_tab)
        any_tab.ask(f"{axe};0")
        assert any_tab.ask(RUN_AXE) == []
    any_tab.ask("query.removeAttribute('role'); document.documentElement.lang = ''")
    assert any_tab.ask(RUN_AXE)  # it does search


def test_the_page_may_only_run_and_load_its_own_files() -> None:
    text = page_of(everything=False)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src &#x27;none&#x27;; style-src &#x27;sha256-")
    assert "unsafe" not in policy[1]
    assert len(re.findall(r"<script>", text)) == len(re.findall("<style>", text)) == 1
    assert not re.findall(r'<(?:img|link|iframe)|\ssrc=|\sstyle=|\son[a-z]+="', text.partition("<script")[0])


def test_values_of_a_catalog_are_shown_as_text(tab: Tab, tmp_path: Path) -> None:
    tables = page_tables(some_catalog(), bundled_table())
    spoiled = json.loads(
        json.dumps(tables.search).replace("linux-x86_64-musl", "</script><img src=x onerror=alert(1)>")
    )
    path = tmp_path / "page.html"
    odd = "%zz\u2028<!--<script><img src=x onerror=alert(1)>"
    details = json.loads(json.dumps(tables.details))
    details["files"] = [[folder, f"{name}{odd}"] for folder, name in details["files"]]
    details["components"] = [f"{odd}{each}" for each in details["components"]]
    path.write_text(catalog_page(replace(tables, search=spoiled, details=details)), encoding="utf-8")
    tab.complaints.clear()
    tab.open(path, width=390)
    assert search(tab, "onerror") > 0
    arrow(tab)
    assert tab.ask("document.images.length") == 0
    assert "<img src=x" in tab.ask(LINE)
    assert tab.ask("document.getElementById('file').textContent").endswith(odd)
    assert odd.partition("=")[0] in tab.ask("document.getElementById('components').textContent")
    assert tab.complaints == []


@pytest.mark.slow
def test_the_data_for_the_search_is_small_and_loaded_first() -> None:
    text = page_of(everything=True)
    before, _, after = text.partition('<script type="application/json" id="details-data">')
    assert len(before) < MOST_BEFORE_SEARCH
    assert len(gzip.compress(before.encode(), 6)) < MOST_COMPRESSED
    hashes = re.search(r'id="hashes">([^<]*)<', after)
    assert hashes
    assert len(text) - len(hashes[1]) < MOST_BESIDE_HASHES


def test_the_same_catalog_gives_the_same_page_under_any_hash_seed() -> None:
    script = (
        "from hashlib import sha256\n"
        "from provision.catalog.components import bundled_table\n"
        "from provision.catalog.page import catalog_page\n"
        "from provision.catalog.page_tables import page_tables\n"
        "from tests.catalog.pages import some_catalog\n"
        "print(sha256(catalog_page(page_tables(some_catalog(), bundled_table())).encode()).hexdigest())"
    )
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "2")
    ]
    assert len({process.communicate()[0] for process in running}) == 1
    assert [process.returncode for process in running] == [0, 0]


@pytest.fixture
def compressed(whole: Path) -> Iterator[str]:
    """The whole page from a server that compresses it, like servers for static pages."""
    body = gzip.compress(whole.read_bytes(), 6)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.mark.slow
def test_the_search_is_ready_within_half_a_second_on_a_slow_connection(tab: Tab, compressed: str) -> None:
    """At 1.6 Mbit/s and 150 ms, before the hashes have arrived; fails once in twenty tries, on busy machines."""
    limits = {"latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 100_000}
    unlimited = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    noted = "setInterval(() => { if (!window.answered && /^\\d/.test(document.getElementById('count')?.textContent))"
    noted += " { window.answered = performance.now(); window.loading = document.readyState; } }, 1)"
    script = tab.send("Page.addScriptToEvaluateOnNewDocument", source=noted)["identifier"]
    tab.send("Network.enable")
    tab.send("Network.emulateNetworkConditions", offline=False, **limits)
    times: list[tuple[float, str]] = []
    try:
        while len(times) < 20 and (not times or times[-1][0] >= 500):
            tab.send("Page.navigate", url="about:blank")
            tab.send("Page.navigate", url=compressed)
            wait_for(tab, "window.answered")
            times.append((tab.ask("window.answered"), tab.ask("window.loading")))
    finally:
        tab.send("Network.emulateNetworkConditions", offline=False, **unlimited)
        tab.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
    assert {state for _, state in times} == {"loading"}
    assert times[-1][0] < 500, times


@pytest.mark.slow
def test_a_keystroke_is_handled_within_milliseconds(tab: Tab, whole: Path) -> None:
    """With layout, for all rows: the best of five rounds for each key, because other processes take time too."""
    tab.open(whole, width=1280)
    texts = ("3.14t linux-x86_64 v3 stripped", "pypy3.11 macos", "-debug freethreaded windows 2026", "3.9.2 i686 noopt")
    rounds: list[list[float]] = tab.ask(
        f"""(() => {{
            const rounds = [];
            for (let round = 0; round < 5; round += 1) {{
                const times = [];
                for (const text of {json.dumps(texts)}) {{
                    for (let stop = 1; stop <= text.length; stop += 1) {{
                        query.value = text.slice(0, stop);
                        const start = performance.now();
                        query.dispatchEvent(new Event("input"));
                        document.body.offsetHeight;
                        times.push(performance.now() - start);
                    }}
                }}
                rounds.push(times);
            }}
            return rounds;
        }})()"""
    )
    best = sorted(map(min, zip(*rounds, strict=True)))
    assert best[len(best) // 2] < 10
    assert best[-1] < 50
