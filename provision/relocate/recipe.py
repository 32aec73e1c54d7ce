"""Owns the recipe: the numbered edits made to every tree after unpacking; each edit is worded in its own module.

Whoever changes what a step writes raises `model.tree.RECIPE`, as the number is part of every tree's path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from provision.model.asset import Asset
from provision.model.tree import Entry, TreeOptions
from provision.model.value import frozen
from provision.relocate import scripts, sysconfig, workspace
from provision.relocate.rewrite import BuildPaths
from provision.relocate.workspace import TreeLayout, Workspace, layout_of_tree

# PBS builds from this tag on have a libpython that finds itself (PBS.md, "What must be mended").
_RPATH_SINCE = "20251209"

# (text, path in the tree, where the build was, the Makefile's directory) -> text
Change = Callable[[str, str, BuildPaths, str], str]


class RecipeJob:
    """One tree on its way through the steps; where it was built, one of them finds out."""

    __slots__ = ("asset", "layout", "options", "origin", "space")

    def __init__(self, *, space: Workspace, layout: TreeLayout, asset: Asset, options: TreeOptions) -> None:
        self.space, self.layout, self.asset, self.options = space, layout, asset, options
        self.origin = BuildPaths()

    @property
    def config(self) -> str:
        """The directory that stands in for those of the build."""
        return self.layout.config or self.layout.stdlib or "lib"

    def edit(self, paths: Iterable[str], change: Change) -> None:
        """Read each file once, and write it where ``change`` made it another."""
        for path in paths:
            text = self.space.read(path)
            self.space.edit(path, text, change(text, path, self.origin, self.config))


@frozen(kw_only=False)
class Step:
    """One edit: ``title`` is what docs/recipe.md calls it."""

    number: int
    title: str
    run: Callable[[RecipeJob], None]


def relocate(tree: Path, entries: dict[str, Entry], *, asset: Asset, options: TreeOptions) -> tuple[str, ...]:
    """Make the staged ``tree`` work from wherever it will stand, and keep ``entries`` true to it.

    Nothing is scanned: ``entries`` must list every file. Running it again changes nothing. Returns notes for the user,
    on what a recipe cannot mend.
    """
    job = RecipeJob(space=Workspace(tree, entries), layout=layout_of_tree(entries), asset=asset, options=options)
    for step in STEPS:
        step.run(job)
    return tuple(_notes(asset))


def _drop_bytecode(job: RecipeJob) -> None:
    directories = set()
    for path in job.layout.bytecode:
        job.space.remove(path)
        directories.add(path.rpartition("/")[0])
    for directory in sorted(directories):
        job.space.remove_directory(directory)


def _add_names(job: RecipeJob) -> None:
    if job.asset.target.os == "windows":
        if (missing := scripts.missing_copy(job.asset, job.space.entries)) is not None:
            job.space.copy(*missing)
        return
    for path, target in tuple(scripts.missing_names(job.asset, job.space.entries)):
        job.space.link(path, target)


def _relocate_sysconfigdata(job: RecipeJob) -> None:
    for path in job.layout.sysconfigdata:
        text = job.space.read(path)
        result = sysconfig.relocate_sysconfigdata(text, path, job.config)
        if result is not None:
            edited, job.origin = result
            job.space.edit(path, text, edited)


def _relocate_variables(job: RecipeJob) -> None:
    job.edit(job.layout.variables, sysconfig.relocate_variables)


def _relocate_details(job: RecipeJob) -> None:
    job.edit(job.layout.details, sysconfig.relocate_details)


def _relocate_makefile(job: RecipeJob) -> None:
    job.edit(job.layout.makefiles, sysconfig.relocate_makefile)
    job.edit(job.layout.setups, sysconfig.relocate_setup)


def _relocate_pkgconfig(job: RecipeJob) -> None:
    job.edit(job.layout.pkgconfig, sysconfig.relocate_pkgconfig)
    job.edit(job.layout.shell_configs, sysconfig.relocate_shell_config)


def _relocate_config_script(job: RecipeJob) -> None:
    job.edit(job.layout.config_scripts, scripts.relocate_config_script)


def _relocate_scripts(job: RecipeJob) -> None:
    present = frozenset(path.removeprefix("bin/") for path in job.space.entries if path.startswith("bin/"))
    fallback = scripts.executable_name(job.asset, job.space.entries)
    if fallback is None:
        return
    for path in (*job.layout.scripts, *job.layout.config_scripts):
        text = job.space.read_script(path)
        if text is not None:
            job.space.edit(path, text, scripts.relocate_script(text, path, present, fallback))


def _mark_externally_managed(job: RecipeJob) -> None:
    if job.layout.stdlib is None:
        return
    path = f"{job.layout.stdlib}/{workspace.EXTERNALLY_MANAGED}"
    if not job.options.externally_managed:
        if job.space.has(path):
            job.space.remove(path)
    elif not job.space.has(path) or job.space.read(path) != workspace.EXTERNALLY_MANAGED_TEXT:
        job.space.write(path, workspace.EXTERNALLY_MANAGED_TEXT)


def _renew_records(job: RecipeJob) -> None:
    for path in job.layout.direct_urls:
        if workspace.is_local(job.space.read(path)):
            job.space.remove(path)
    if job.space.changed:
        for path in job.layout.records:
            text = job.space.read(path)
            job.space.edit(path, text, workspace.renew(text, path, job.space.changed, job.space.entries))


def _notes(asset: Asset) -> Iterator[str]:
    if asset.target.os == "macos" and asset.implementation == "cpython" and asset.build < _RPATH_SINCE:
        yield (
            "libpython calls itself /install/lib/… in this build: programs that link it need "
            "`install_name_tool -change` and signing anew on the Mac itself"
        )


STEPS = (
    Step(1, "Stale bytecode", _drop_bytecode),
    Step(2, "Names of the interpreter", _add_names),
    Step(3, "_sysconfigdata", _relocate_sysconfigdata),
    Step(4, "_sysconfig_vars", _relocate_variables),
    Step(5, "build-details.json", _relocate_details),
    Step(6, "Makefile", _relocate_makefile),
    Step(7, "pkg-config", _relocate_pkgconfig),
    Step(8, "python3-config", _relocate_config_script),
    Step(9, "Scripts", _relocate_scripts),
    Step(10, "EXTERNALLY-MANAGED", _mark_externally_managed),
    Step(11, "Package metadata", _renew_records),
)
