"""The static server for both sides: nginx, or without it the server of the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.model.value import frozen
from tests.support.server import Server

RATE = 4_000_000  # bytes per second for each connection of the slow server

_CONFIGURATION = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{fast}; root {root}; }}
  server {{ listen 127.0.0.1:{slow}; root {root}; limit_rate {rate}; }}
  server {{ listen 127.0.0.1:{rangeless}; root {root}; max_ranges 0; }}
}}
"""


@frozen
class Servers:
    """The addresses of a fast server, one with a rate limit for each connection, and one that does not serve ranges."""

    fast: str
    slow: str
    rangeless: str | None
    name: str


def get_nginx() -> str | None:
    """The path of nginx, installed from Debian if allowed; None if it is not available."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "nginx-light"]):
            environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", "--quiet", *words], env=environ, capture_output=True, check=False)
        found = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    return found


@contextmanager
def serve_archives(root: Path, folder: Path) -> Iterator[Servers]:
    """Serve a directory on loopback."""
    nginx = get_nginx()
    if nginx is None:
        with Server(root) as fast, Server(root, rate=RATE) as slow:
            yield Servers(fast=fast.url, slow=slow.url, rangeless=None, name="http.server of Python, without nginx")
        return
    folder.mkdir(parents=True, exist_ok=True)
    ports = {name: _free_port() for name in ("fast", "slow", "rangeless")}
    text = _CONFIGURATION.format(folder=folder, root=root, rate=RATE, **ports)
    (folder / "nginx.conf").write_text(text)
    told = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    words = [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(ports["fast"])
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        yield Servers(**addresses, name=told.partition(":")[2].strip())
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _await(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("nginx does not start; see .bench/server/nginx.log")
