"""nginx as a cache before another web server, as racks of machines have one."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from tests.support.servers.programs import debian_program, free_ports, running, serve_by_hand

_CONFIGURATION = """\
daemon off;
{user}
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
  access_log off;
  {temporary}
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=archives:1m max_size=10g inactive=30d use_temp_path=off;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {origin};
      proxy_http_version 1.1;
      proxy_cache archives;
      proxy_cache_valid 200 30d;
      # One of many clients fetches, the others wait for it.
      proxy_cache_lock on;
      proxy_cache_lock_timeout 1h;
      proxy_cache_lock_age 1h;
      # A client that got a damaged copy asks with no-cache: that replaces the copy.
      proxy_cache_bypass $http_cache_control;
    }}
  }}
}}
"""


class CachingNginx:
    """Keeps what ``origin``, a URL, has; ``copies`` are the files in its cache."""

    def __init__(self, folder: Path, origin: str) -> None:
        self.folder, self.origin, self.port = folder, origin, free_ports(1)[0]
        self._open = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def copies(self) -> list[Path]:
        return sorted(path for path in (self.folder / "cache").rglob("*") if path.is_file())

    def __enter__(self) -> CachingNginx:
        program = debian_program("nginx", "usr/sbin/nginx")
        self.folder.mkdir(parents=True, exist_ok=True)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder, port=self.port, origin=self.origin, temporary=temporary, user=_user()
            )
        )
        command: list[str | Path] = [program, "-p", self.folder, "-e", "stderr", "-c", configuration]
        with ExitStack() as stack:
            stack.enter_context(running([command], self.folder, self._answers))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _answers(self) -> bool:
        try:
            build_opener(ProxyHandler({})).open(f"{self.url}/", timeout=2).close()
        except HTTPError:
            return True
        except (URLError, OSError):
            return False
        return True


def _user() -> str:
    """Root's nginx would become another user, who cannot write where the tests may."""
    return "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""


def main() -> int:
    """Serve a directory's cache of an origin."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("origin")
    options = parser.parse_args()
    nginx = CachingNginx(options.folder.absolute(), options.origin)
    return serve_by_hand(nginx, lambda: f"nginx {nginx.url}")


if __name__ == "__main__":
    sys.exit(main())
