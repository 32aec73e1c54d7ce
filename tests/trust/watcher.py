"""A program that runs command lines, each in a process of its own, and reports what they did; `watching` starts it.

It sees Python's audit events: connections and look-ups of hosts, processes, everything that is opened to be written or
changed on disk, and code that runs from below the project. The command lines, each with its directory and environment,
come in by stdin as JSON; what was seen of each goes out by stdout. Each is a fork of this process, which has imported
what takes longest.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
import tempfile
from pathlib import Path
from types import CodeType
from typing import NoReturn

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DISK = (
    "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.utime",
    "os.truncate", "os.setxattr", "shutil.rmtree", "shutil.move", "shutil.copyfile",
)  # fmt: skip
_PROCESSES = ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system")
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.bind")
_CODE = ("exec", "import", "ctypes.dlopen", "pickle.find_class", "marshal.load")


class Watcher:
    """Writes each event down as one line of JSON."""

    def __init__(self, project: str, log: int) -> None:
        self._project, self._log = project, log

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            if isinstance(args[2], int) and args[2] & _WRITING and not isinstance(args[0], int):
                self._note("write", args[0])
        elif event in _DISK:
            self._note("write", args[1] if event in {"os.link", "os.symlink"} else args[0])
        elif event in _PROCESSES:
            self._note("process", args[1] if event == "subprocess.Popen" else args[:1])
        elif event in _NETWORK:
            self._note("network", args if event == "socket.getaddrinfo" else args[1:])
        elif event in _CODE:
            self._note_code(event, args)

    def _note_code(self, event: str, args: tuple[object, ...]) -> None:
        place = args[0].co_filename if isinstance(args[0], CodeType) else args[1] if event == "import" else args[0]
        if isinstance(place, str) and place.startswith(self._project + os.sep):
            self._note("code", place)

    def _note(self, kind: str, what: object) -> None:
        if isinstance(what, (str, bytes, os.PathLike)):
            path = Path(os.fsdecode(what)).absolute()
            what = str(path.parent.resolve() / path.name)
        text = what if isinstance(what, str) else repr(what)
        os.write(self._log, json.dumps([kind, text]).encode() + b"\n")


def main() -> None:
    jobs = json.load(sys.stdin)
    import provision

    for module in pkgutil.walk_packages(provision.__path__, "provision."):
        if not module.name.endswith(("__main__", "virtualenv_discovery")):  # no command imports these
            importlib.import_module(module.name)
    sys.stdout.write(json.dumps([_watched(**job) for job in jobs]))


def _watched(words: list[str], cwd: str, environ: dict[str, str]) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        out, err, log = (Path(folder, name) for name in ("out", "err", "log"))
        child = os.fork()
        if child == 0:
            os.chdir(cwd)
            os.environ.update(environ)
            _run(words, out, err, log)
        _, status, used = os.wait4(child, 0)
        return {
            "words": words,
            "code": os.waitstatus_to_exitcode(status),
            "seconds": used.ru_utime + used.ru_stime,
            "out": out.read_text(),
            "err": err.read_text(),
            "events": [json.loads(line) for line in log.read_text().splitlines()],
        }


def _run(words: list[str], *outputs: Path) -> NoReturn:
    out, err, log = (os.open(path, os.O_WRONLY | os.O_CREAT, 0o600) for path in outputs)
    os.dup2(out, 1)
    os.dup2(err, 2)
    try:
        sys.argv = ["provision", *words]
        sys.addaudithook(Watcher(str(Path.cwd()), log))
        from provision.cli.entry import main as provision

        provision()
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as the one it was forked from
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(99)


if __name__ == "__main__":
    main()
