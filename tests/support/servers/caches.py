"""Caches of the web before an origin: nginx with the configuration of `examples/fleet`, varnish, squid."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.servers.programs import ServerUnavailableError, debian_program, free_ports, running, serve_by_hand
from tests.support.strangers import is_root

KINDS = ("nginx", "varnish", "squid")
_NGINX = Path(__file__).resolve().parents[3] / "examples" / "fleet" / "nginx.conf"
_VARNISH = """\
vcl 4.1;
backend default {{ .host = "{host}"; .port = "{port}"; }}
sub vcl_recv {{ if (req.http.Cache-Control ~ "no-cache") {{ set req.hash_always_miss = true; }} }}
sub vcl_backend_response {{ if (beresp.status == 200) {{ set beresp.ttl = 30d; }} }}
"""
_SQUID = """\
http_port 127.0.0.1:{own} accel no-vhost defaultsite={host}:{port}
cache_peer {host} parent {port} 0 no-query originserver
http_access allow all
cache_dir ufs {folder}/cache 2000 16 256
maximum_object_size 1 GB
cache_mem 64 MB
range_offset_limit none
quick_abort_min -1 KB
collapsed_forwarding on
refresh_pattern . 43200 100% 43200 override-expire
pid_filename {folder}/squid.pid
access_log none
cache_log {folder}/squid.log
coredump_dir {folder}
pinger_enable off
shutdown_lifetime 0 seconds
"""


class WebCache:
    """A cache on loopback before ``origin``, a URL without a path."""

    def __init__(self, folder: Path, origin: str, kind: str = "nginx") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.origin, self.kind = folder.resolve(), urlsplit(origin), kind
        self.port = free_ports(1)[0]
        self._open = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> WebCache:
        command: Sequence[str | Path] = {"nginx": self._nginx, "varnish": self._varnish, "squid": self._squid}[
            self.kind
        ]()
        self._open.enter_context(running([command], self.folder, self._answers))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def kept_files(self) -> list[Path]:
        """What nginx has on its disk: a header and a slice in each file."""
        return [path for path in (self.folder / "cache").rglob("*") if path.is_file()]

    def _nginx(self) -> Sequence[str | Path]:
        program = debian_program("nginx-light", "usr/sbin/nginx")
        (self.folder / "nginx.conf").write_text(self._adapted(_NGINX.read_text()))
        for name in ("cache", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        return [program, "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.txt"]

    def _adapted(self, text: str) -> str:
        """The example with the paths and addresses of a test; nothing of how it caches is changed."""
        user = f"user {getpass.getuser()};" if is_root() else ""  # else it becomes one that may not write here
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {self.folder}/tmp/{kind};" for kind in kinds)
        places = {
            r"user www-data;": user,
            r"worker_processes auto;": "worker_processes 2; daemon off;",
            r"pid /run/nginx\.pid;": f"pid {self.folder}/nginx.pid;",
            r"error_log \S+ warn;": f"error_log {self.folder}/error.txt warn;",
            r"access_log \S+ cache;": f"access_log {self.folder}/access.txt cache; {temporary}",
            r"proxy_cache_path \S+ ": f"proxy_cache_path {self.folder}/cache ",
            r"listen 8080 ": f"listen 127.0.0.1:{self.port} ",
            r"proxy_pass \S+;": f"proxy_pass {self.origin.geturl()};",
        }
        for pattern, place in places.items():
            text, count = re.subn(pattern, place.replace("\\", r"\\"), text)
            assert count == 1, pattern
        return text

    def _varnish(self) -> Sequence[str | Path]:
        program = _installed("varnishd", "varnish")
        if not shutil.which("cc"):
            raise ServerUnavailableError("varnish compiles its configuration, and there is no C compiler")
        configuration = self.folder / "default.vcl"
        configuration.write_text(_VARNISH.format(host=self.origin.hostname, port=self.origin.port))
        address = f"127.0.0.1:{self.port}"
        storage = ["-s", "malloc,2g", "-j", "none"]
        return [program, "-F", "-a", address, "-f", configuration, "-n", self.folder / "varnish", *storage]

    def _squid(self) -> Sequence[str | Path]:
        program = _installed("squid", "squid")
        configuration = self.folder / "squid.conf"
        text = _SQUID.format(own=self.port, host=self.origin.hostname, port=self.origin.port, folder=self.folder)
        if is_root():
            text += "cache_effective_user proxy\n"
            shutil.chown(self.folder, "proxy")
        configuration.write_text(text)
        done = subprocess.run([program, "-f", configuration, "-Nz"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerUnavailableError(f"squid makes no cache: {done.stderr.strip()[-200:]}")
        return [program, "-N", "-f", configuration]

    def _answers(self) -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0


def _installed(program: str, package: str) -> Path:
    found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if not found:
        raise ServerUnavailableError(f"{package} is not installed (apt-get install {package})")
    return Path(found)


def main() -> int:
    """Put a cache before an origin: ``--kind nginx|varnish|squid``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("origin")
    parser.add_argument("--kind", choices=KINDS, default="nginx")
    options = parser.parse_args()
    cache = WebCache(options.folder, options.origin, options.kind)
    return serve_by_hand(cache, lambda: f"{cache.kind} {cache.url}")


if __name__ == "__main__":
    sys.exit(main())
