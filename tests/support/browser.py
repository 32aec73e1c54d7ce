"""A real headless Chromium, driven over its debugging pipe with the standard library alone."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Where pictures of pages are kept to be looked at; nowhere without it.
PICTURES = "PROVISION_TEST_PICTURES"
# The rules that a page breaks, each with the first element that does; axe-core must be loaded.
RUN_AXE = "axe.run().then((result) => result.violations.map((each) => [each.id, each.nodes[0].html]))"
_TIMEOUT = 60.0

# Puts the two ends of the pipes where Chromium wants them, then becomes Chromium.
_LAUNCHER = """\
import os, sys
reading, writing = (os.dup(int(number)) for number in sys.argv[1:3])
reading, writing = os.dup(reading), os.dup(writing)
os.dup2(reading, 3)
os.dup2(writing, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


def find_browser() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Tab:
    """One page. What the page reports meanwhile (errors, violations of its policy) is kept in ``complaints``."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _TIMEOUT
        while time.monotonic() < end:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
        raise TimeoutError(method)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            read = os.read(self._answers, 1 << 20)
            if not read:
                raise EOFError("the browser is gone")
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\0")
        event: dict[str, Any] = json.loads(line)
        if event.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded"}:
            self.complaints.append(json.dumps(event["params"]))
        return event

    def open(self, path: Path, *, width: int, dark: bool = False) -> None:
        """Show a file in a window of that width."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Emulation.setTouchEmulationEnabled", enabled=width < 600)
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.send("Page.navigate", url=path.as_uri())
        end = time.monotonic() + _TIMEOUT
        while self.ask("document.readyState") != "complete" or self.ask("location.href") == "about:blank":
            assert time.monotonic() < end
            time.sleep(0.02)

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Press and release a key."""
        code = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}.get(key, 0)
        shared: dict[str, object] = {"key": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text or ("\r" if key == "Enter" else ""), **shared)
        self.send("Input.dispatchKeyEvent", type="keyUp", **shared)

    def type(self, text: str) -> None:
        for character in text:
            self.press(character, character)

    def screenshot(self, path: Path, *, most: int = 20_000) -> None:
        """The page as a picture, from its top, of so many pixels at most."""
        height = min(self.ask("Math.ceil(document.documentElement.scrollHeight)"), most)
        width = self.ask("window.innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        data = self.send("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))


@contextmanager
def browse(browser: str, profile: Path) -> Iterator[Tab]:
    """A new browser, ended afterwards."""
    (theirs, commands), (answers, ours) = os.pipe(), os.pipe()
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
    options += [f"--user-data-dir={profile}", "--no-first-run", "--disable-background-networking"]
    launcher = [sys.executable, "-c", _LAUNCHER, str(theirs), str(ours), browser, *options]
    process = subprocess.Popen(
        launcher, pass_fds=(theirs, ours), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    os.close(theirs)
    os.close(ours)
    try:
        yield Tab(commands, answers)
    finally:
        os.close(commands)
        os.close(answers)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pictures(otherwise: Path) -> Path:
    """The directory for pictures of pages."""
    return Path(os.environ.get(PICTURES, otherwise))


def broken_rules(tab: Tab, axe: str, page: Path, name: str) -> list[tuple[str, int, bool, list[str]]]:
    """The rules of axe-core that a page breaks: wide and narrow, light and dark, everything unfolded."""
    found = []
    for width, dark in itertools.product((1280, 390), (False, True)):
        tab.open(page, width=width, dark=dark)
        tab.ask("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        tab.ask(f"{axe};0")
        found += [(name, width, dark, each) for each in tab.ask(RUN_AXE)]
        tab.screenshot(pictures(page.parent) / f"{name}-{width}-{'dark' if dark else 'light'}.png")
    return found
