"""A store that speaks S3: OpenStack Swift with s3api, in an environment of its own, without root."""

from __future__ import annotations

import argparse
import getpass
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from tests.support.servers.programs import environment, free_ports, running, serve_by_hand

KEY, SECRET, REGION = "test:tester", "testing", "us-east-1"
_SERVERS = ("account", "container", "object")
_RINGS = """
import sys
from swift.common.ring import RingBuilder
folder, *ports = sys.argv[1:]
for name, port in zip(("account", "container", "object"), ports):
    ring = RingBuilder(4, 1, 0)
    device = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1", "weight": 1.0}
    ring.add_dev({**device, "id": 0, "replication_ip": "127.0.0.1", "replication_port": int(port), "meta": ""})
    ring.rebalance()
    ring.get_ring().save(f"{folder}/{name}.ring.gz")
"""
_SWIFT = """\
[swift-hash]
swift_hash_path_prefix = x
swift_hash_path_suffix = y
[storage-policy:0]
name = default
default = yes
"""
_COMMON = """\
[DEFAULT]
user = {user}
swift_dir = {folder}/etc
workers = 0
log_address = /nonexistent
log_udp_host =
bind_ip = 127.0.0.1
bind_port = {port}
"""
_BACKEND = """\
devices = {folder}/node
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
recon_cache_path = {folder}/cache
"""
_FILTERS = ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "slo", "dlo")
_PROXY = """\
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck listing_formats bulk s3api tempauth slo dlo versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
"""


class Swift:
    """The server, and the buckets that it makes; ``environ`` has the variables for clients."""

    def __init__(self, folder: Path, buckets: tuple[str, ...] = ("archives",)) -> None:
        self.folder, self.buckets = folder, buckets
        self.port, *self._backends = free_ports(1 + len(_SERVERS))
        self._open = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
        }

    def __enter__(self) -> Swift:
        programs = environment("swift", "swift>=2.36,<3") / "bin"
        for name in ("etc", "node/d1", "cache"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._configure()
        rings = [str(programs / "python"), "-c", _RINGS, str(self.folder / "etc"), *map(str, self._backends)]
        subprocess.run(rings, check=True, capture_output=True)
        names = (*_SERVERS, "proxy")
        commands = [
            [programs / "python", programs / f"swift-{name}-server", self.folder / "etc" / f"{name}.conf"]
            for name in names
        ]
        with ExitStack() as stack:
            stack.enter_context(running(commands, self.folder, self._answers))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _configure(self) -> None:
        etc, user = self.folder / "etc", getpass.getuser()
        (etc / "swift.conf").write_text(_SWIFT)
        for name, port in zip(_SERVERS, self._backends, strict=True):
            common = _COMMON.format(user=user, folder=self.folder, port=port)
            (etc / f"{name}.conf").write_text(common + _BACKEND.format(folder=self.folder, name=name))
        filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in _FILTERS)
        common = _COMMON.format(user=user, folder=self.folder, port=self.port)
        (etc / "proxy.conf").write_text(common + _PROXY + filters)

    def _answers(self) -> bool:
        """Make the buckets, which proves that all servers answer."""
        import obstore
        from obstore.store import S3Store

        opener = build_opener(ProxyHandler({}))
        for bucket in self.buckets:
            store = S3Store(
                bucket,
                config={"access_key_id": KEY, "secret_access_key": SECRET, "region": REGION, "endpoint": self.url},
                client_options={"allow_http": True},
            )
            url = obstore.sign(store, "PUT", "", timedelta(minutes=5))
            try:
                opener.open(Request(url, method="PUT"), timeout=5).close()
            except HTTPError as error:
                if error.code != 409:  # it is there already
                    return False
            except (URLError, OSError):
                return False
        return True


def main() -> int:
    """``python -m tests.support.servers.swift DIRECTORY [BUCKET…]``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("buckets", nargs="*", default=["archives"])
    options = parser.parse_args()
    swift = Swift(options.folder, tuple(options.buckets))
    return serve_by_hand(swift, lambda: f"s3 {swift.url} key {KEY} secret {SECRET} region {REGION}")


if __name__ == "__main__":
    sys.exit(main())
