"""With ``--json``, a command that fails prints one JSON document, and the same messages on stderr."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provision.cli import streams
from provision.cli.entry import _run
from provision.cli.failures import failure_document, json_requested
from provision.errors import IntegrityError, LockFileError, NetworkError, Place, SeveralErrors, UsageError
from tests.support.project import COMMAND, Project


def run(words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, Any, str]:
    """Run a command in this process: its exit code, its document, and its messages."""
    monkeypatch.setattr(streams, "document_written", False)
    code = _run(words.split())
    out, err = capsys.readouterr()
    return code, json.loads(out), err


@pytest.mark.parametrize(
    ("words", "kind", "code"),
    [
        pytest.param("list --json", "manifest", 2, id="a lean command"),
        pytest.param("audit --json", "manifest", 2, id="a command of typer"),
        pytest.param("lst --json", "usage", 2, id="an unknown command"),
        pytest.param("list --json --nothing", "usage", 2, id="an unknown option"),
        pytest.param("which --json", "usage", 2, id="a missing argument"),
        pytest.param("sync --json --jobs many", "usage", 2, id="a value that is no number"),
        pytest.param("list --json --manifest=", "usage", 2, id="an empty value"),
        pytest.param("list --json -q -v", "usage", 2, id="options that exclude each other"),
        pytest.param("catalog show nothing --json", "resolution", 1, id="a command within a group"),
        pytest.param("run --json nothing", "manifest", 2, id="an option before the command of run"),
    ],
)
def test_every_failure_is_one_document(
    words: str, kind: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    ended, document, err = run(words, capsys, monkeypatch)
    (error,) = document["error"]["errors"]
    assert (ended, document["version"], document["error"]["exit-code"], error["kind"]) == (code, 1, code, kind)
    assert err.startswith("error: ")
    assert error["message"].split("\n")[0] in err
    assert error["hint"] is None or error["hint"] in err


def test_each_error_has_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    (tmp_path / "pythons.toml").write_text('[pythons]\none = 3.14\nfree = "x y"\n')
    monkeypatch.chdir(tmp_path)
    code, document, _ = run("list --json", capsys, monkeypatch)
    places = [(each["file"], each["line"], each["column"], each["key"]) for each in document["error"]["errors"]]
    assert (code, places) == (2, [("pythons.toml", 2, 1, "pythons.one"), ("pythons.toml", 3, 1, "pythons.free")])


def test_several_errors_keep_their_kinds_and_hints() -> None:
    errors = SeveralErrors([NetworkError("a"), IntegrityError("b", hint="Stop."), LockFileError("c", file="x.lock")])
    document: Any = failure_document(errors)
    assert document["error"]["exit-code"] == 5
    shown = [(each["kind"], each["message"], each["hint"], each["file"]) for each in document["error"]["errors"]]
    assert shown == [("network", "a", None, None), ("integrity", "b", "Stop.", None), ("lock", "c", None, "x.lock")]
    (error,) = failure_document(UsageError("d", place=Place("f")))["error"]["errors"]  # type: ignore[index]
    assert (error["file"], error["line"], error["key"]) == ("f", None, None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("list --json", True, id="an option"),
        pytest.param("list", False, id="none"),
        pytest.param("run free --json", False, id="of what run runs"),
        pytest.param("run -- free --json", False, id="behind two dashes"),
        pytest.param("run -q --json free", True, id="of run"),
        pytest.param("run --manifest pythons.toml --json free", True, id="of run behind a value"),
    ],
)
def test_options_after_a_command_of_run_do_not_request_json(words: str, expected: bool) -> None:
    assert json_requested(words.split()) is expected


@pytest.mark.parametrize(("number", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_a_signal_is_reported_as_a_document(number: signal.Signals, word: str, tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/catalog.ndjson"
        process = subprocess.Popen(
            [*COMMAND, "catalog", "update", "--json", "--url", url],
            cwd=project.directory,
            env=project.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        server.settimeout(20)
        connection, _ = server.accept()
        with connection:
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
    error = json.loads(out)["error"]
    assert (error["exit-code"], error["errors"][0]["kind"]) == (process.returncode, word) == (128 + number, word)
    assert err.endswith(f"{word}\n")
