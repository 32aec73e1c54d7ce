"""The recipe: the numbered edits made to every tree after unpacking.

docs/recipe.md describes what each edit does and why. A change to the output of a step requires a higher
`model.tree.RECIPE`, which is part of the path of every tree.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from provision.model.asset import Asset
from provision.model.tree import TreeEntry, TreeOptions
from provision.model.value import frozen
from provision.relocate import scripts, sysconfig
from provision.relocate.rewrite import BuildPaths
from provision.relocate.workspace import TreeLayout, Workspace, layout_of_tree

# PBS builds from this tag on have a libpython with a relative install name.
_RELATIVE_INSTALL_NAME_SINCE = "20251209"

EXTERNALLY_MANAGED = "EXTERNALLY-MANAGED"
EXTERNALLY_MANAGED_TEXT = """\
[externally-managed]
Error=This Python is managed by provision and shared by several projects. Do not
 install packages into it.

 To install packages, create a virtual environment:

     python -m venv .venv

 To allow packages in this Python, for example in a container image, set
 `externally-managed = false` for its entry in pythons.toml.
"""
# pip supports the marker since 23.0. Older versions read this setting from the `pip.conf` in `sys.prefix`, which is
# another directory in virtual environments. `ensurepip` ignores it, `PIP_REQUIRE_VIRTUALENV=0` overrides it.
_FIRST_PIP_WITH_MARKER = 23
PIP_SETTINGS_TEXT = """\
# Written by provision. This Python is managed by provision and shared by several
# projects, and its pip is too old for the EXTERNALLY-MANAGED marker (PEP 668).
# To allow packages in this Python, set `externally-managed = false` for its entry
# in pythons.toml.
[install]
require-virtualenv = true

[uninstall]
require-virtualenv = true
"""

# (text, path in the tree, paths of the build, the Makefile's directory) -> text
Edit = Callable[[str, str, BuildPaths, str], str]


class RecipeJob:
    """One tree during the steps. The step that reads `_sysconfigdata` sets ``build``."""

    __slots__ = ("asset", "build", "layout", "options", "workspace")

    def __init__(self, *, workspace: Workspace, layout: TreeLayout, asset: Asset, options: TreeOptions) -> None:
        self.workspace, self.layout, self.asset, self.options = workspace, layout, asset, options
        self.build = BuildPaths()

    @property
    def config_directory(self) -> str:
        """The directory that replaces those of the build."""
        return self.layout.config_directory or self.layout.stdlib or "lib"

    def apply(self, edit: Edit, paths: Iterable[str]) -> None:
        """Read each file once, and write it if ``edit`` changed its text."""
        for path in paths:
            text = self.workspace.read(path)
            self.workspace.write_if_changed(path, text, edit(text, path, self.build, self.config_directory))


@frozen(kw_only=False)
class Step:
    """One edit: ``title`` is its heading in docs/recipe.md."""

    number: int
    title: str
    run: Callable[[RecipeJob], None]


def relocate(tree: Path, entries: dict[str, TreeEntry], *, asset: Asset, options: TreeOptions) -> tuple[str, ...]:
    """Make the staged ``tree`` work from any directory, and update ``entries``.

    The directory is not scanned: ``entries`` must list every file. A second run changes nothing. Returns notes for the
    user about paths that no step can change.
    """
    workspace = Workspace(tree, entries)
    job = RecipeJob(workspace=workspace, layout=layout_of_tree(entries), asset=asset, options=options)
    for step in STEPS:
        step.run(job)
    return tuple(_notes(asset))


def _notes(asset: Asset) -> Iterator[str]:
    if asset.target.os == "macos" and asset.implementation == "cpython" and asset.build < _RELATIVE_INSTALL_NAME_SINCE:
        yield (
            "libpython calls itself /install/lib/… in this build: programs that link it need "
            "`install_name_tool -change` and signing anew on the Mac itself"
        )


def _remove_bytecode(job: RecipeJob) -> None:
    directories = set()
    for path in job.layout.bytecode:
        job.workspace.remove(path)
        directories.add(path.rpartition("/")[0])
    for directory in sorted(directories):
        job.workspace.remove_directory(directory)


def _add_names(job: RecipeJob) -> None:
    if job.asset.target.os == "windows":
        if (copy := scripts.missing_copy(job.asset, job.workspace.entries)) is not None:
            job.workspace.copy(*copy)
        return
    for path, target in tuple(scripts.missing_links(job.asset, job.workspace.entries)):
        job.workspace.link(path, target)


def _relocate_sysconfigdata(job: RecipeJob) -> None:
    for path in job.layout.sysconfigdata:
        text = job.workspace.read(path)
        result = sysconfig.relocate_sysconfigdata(text, path, job.config_directory)
        if result is not None:
            edited, job.build = result
            job.workspace.write_if_changed(path, text, edited)


def _relocate_sysconfig_vars(job: RecipeJob) -> None:
    job.apply(sysconfig.relocate_sysconfig_vars, job.layout.sysconfig_vars)


def _relocate_build_details(job: RecipeJob) -> None:
    job.apply(sysconfig.relocate_build_details, job.layout.build_details)


def _relocate_makefile(job: RecipeJob) -> None:
    job.apply(sysconfig.relocate_makefile, job.layout.makefiles)
    job.apply(sysconfig.relocate_setup, job.layout.setups)


def _relocate_pkgconfig(job: RecipeJob) -> None:
    job.apply(sysconfig.relocate_pkgconfig, job.layout.pkgconfig)
    job.apply(sysconfig.relocate_shell_config, job.layout.shell_configs)


def _relocate_config_script(job: RecipeJob) -> None:
    job.apply(scripts.relocate_config_script, job.layout.config_scripts)


def _relocate_scripts(job: RecipeJob) -> None:
    entries = job.workspace.entries
    interpreters = frozenset(path.removeprefix("bin/") for path in entries if path.startswith("bin/"))
    fallback = scripts.executable_name(job.asset, entries)
    if fallback is None:
        return
    for path in (*job.layout.scripts, *job.layout.config_scripts):
        text = job.workspace.read_script(path)
        if text is not None:
            edited = scripts.relocate_script(text, path, interpreters, fallback)
            job.workspace.write_if_changed(path, text, edited)


def _mark_externally_managed(job: RecipeJob) -> None:
    """Write or remove PEP 668's marker, and the settings that replace it for a pip that does not support it."""
    if job.layout.stdlib is None:
        return
    path = f"{job.layout.stdlib}/{EXTERNALLY_MANAGED}"
    if not job.options.externally_managed:
        if job.workspace.has(path):
            job.workspace.remove(path)
    elif not job.workspace.has(path) or job.workspace.read(path) != EXTERNALLY_MANAGED_TEXT:
        job.workspace.write(path, EXTERNALLY_MANAGED_TEXT)
    if job.options.externally_managed and any(map(_is_old_pip, job.layout.records)):
        settings = "pip.ini" if job.asset.target.os == "windows" else "pip.conf"
        if not job.workspace.has(settings):
            job.workspace.write(settings, PIP_SETTINGS_TEXT)


def _is_old_pip(record: str) -> bool:
    found = re.search(r"/pip-(\d+)[^/]*\.dist-info/RECORD\Z", record)
    return found is not None and int(found[1]) < _FIRST_PIP_WITH_MARKER


def _update_package_metadata(job: RecipeJob) -> None:
    workspace = job.workspace
    for path in job.layout.direct_urls:
        if is_local_direct_url(workspace.read(path)):
            workspace.remove(path)
    if workspace.changed:
        for path in job.layout.records:
            text = workspace.read(path)
            updated = update_record(text, path, workspace.changed, workspace.entries)
            workspace.write_if_changed(path, text, updated)


def is_local_direct_url(text: str) -> bool:
    """Whether `direct_url.json` names a file of the build machine, as that of PBS's pip does: it exists only there."""
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and str(value.get("url", "")).startswith("file:")


def update_record(record: str, path: str, changed: Collection[str], entries: Mapping[str, TreeEntry]) -> str:
    """`RECORD` with the current digests and sizes of changed files, and without the rows of removed files.

    Rows without a digest (bytecode, `RECORD` itself) and rows of unchanged files are kept as they are.
    """
    site_packages = posixpath.dirname(posixpath.dirname(path))
    changed_rows = {posixpath.relpath(name, site_packages): name for name in changed}
    lines = []
    for line in record.splitlines(keepends=True):
        name, _, rest = line.partition(",")
        file = changed_rows.get(name)
        if file is None or rest.startswith(","):
            lines.append(line)
        elif file in entries:
            lines.append(f"{name},{_digest_and_size(entries[file])}{line[len(line.rstrip()) :]}")
    return "".join(lines)


def _digest_and_size(entry: TreeEntry) -> str:
    import base64

    digest = base64.urlsafe_b64encode(bytes.fromhex(entry.content)).decode().rstrip("=")
    return f"sha256={digest},{entry.size}"


STEPS = (
    Step(1, "Stale bytecode", _remove_bytecode),
    Step(2, "Names of the interpreter", _add_names),
    Step(3, "_sysconfigdata", _relocate_sysconfigdata),
    Step(4, "_sysconfig_vars", _relocate_sysconfig_vars),
    Step(5, "build-details.json", _relocate_build_details),
    Step(6, "Makefile", _relocate_makefile),
    Step(7, "pkg-config", _relocate_pkgconfig),
    Step(8, "python3-config", _relocate_config_script),
    Step(9, "Scripts", _relocate_scripts),
    Step(10, "EXTERNALLY-MANAGED", _mark_externally_managed),
    Step(11, "Package metadata", _update_package_metadata),
)
