"""Sessions of nox with the interpreters of pythons.toml, by the names of entries, or by a version.

`nox` runs all of them, `nox -s "tests(free)"` one, `nox -s newest` the newest one of 3.13. Run `provision sync` before.
"""

import json
import subprocess

import nox

listed = subprocess.run(["provision", "list", "--json"], check=True, stdout=subprocess.PIPE).stdout
INSTALLED = [entry for entry in json.loads(listed)["pythons"] if entry["state"] == "installed"]


def by_version(request: str) -> list[str]:
    """The interpreters of the entries whose version begins with the request: ``3.13`` or ``3.13.5``."""
    return [entry["executable"] for entry in INSTALLED if f"{entry['version']}.".startswith(f"{request}.")]


@nox.session
@nox.parametrize("python", [nox.param(entry["executable"], id=entry["name"]) for entry in INSTALLED])
def tests(session: nox.Session) -> None:
    session.run("python", "-VV")


@nox.session(python=by_version("3.13")[:1])
def newest(session: nox.Session) -> None:
    session.run("python", "-VV")
