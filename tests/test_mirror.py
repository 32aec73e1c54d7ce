"""The layout of the tests: one or several test files per module, or a line below that says where it is tested."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.package import PACKAGE

TESTS = Path(__file__).resolve().parent

# Modules without a test file of their own, and a file whose tests fail when the module is broken.
COVERED_BY = {
    "__main__": "e2e/test_refusals.py",
    "adopt/mention": "adopt/test_files.py",
    "adopt/version_files": "workflows/test_adopt.py",
    "attest/kept": "workflows/test_attest.py",
    "attest/prove": "workflows/test_attest.py",
    "attest/signer": "workflows/test_attest.py",
    "review/audit_provenance": "workflows/test_attest.py",
    "review/provenance": "workflows/test_attest.py",
    "fleet/bundle_files": "fleet/test_bundle_read.py",
    "fleet/bundle_import": "fleet/test_air_gap.py",
    "fleet/bundle_write": "fleet/test_air_gap.py",
    "fleet/mirror": "workflows/test_mirror.py",
    "cli/commands/mirror": "workflows/test_mirror.py",
    "workflows/bundle": "fleet/test_air_gap.py",
    "cli/commands/bundle": "fleet/test_air_gap.py",
    "cli/commands/attest": "workflows/test_attest.py",
    "cli/commands/doctor": "workflows/test_doctor.py",
    "cli/commands/export": "workflows/test_export.py",
    "cli/commands/hook": "integrations/test_shells.py",
    "cli/commands/image": "integrations/test_images.py",
    "cli/commands/lock": "e2e/test_refusals.py",
    "cli/commands/prefetch": "workflows/test_prefetch.py",
    "cli/commands/pack": "pack/test_pack.py",
    "cli/commands/register": "workflows/test_register.py",
    "cli/commands/review": "workflows/test_diff.py",
    "cli/commands/sbom": "workflows/test_sbom.py",
    "cli/commands/sync": "e2e/test_refusals.py",
    "cli/fast": "cli/test_imports.py",
    "cli/lean": "cli/test_imports.py",
    "cli/parameters": "e2e/test_refusals.py",
    "cli/present/audit": "workflows/test_audit.py",
    "cli/present/doctor": "workflows/test_doctor.py",
    "cli/present/diff": "review/test_history.py",
    "cli/present/hook": "integrations/test_shells.py",
    "cli/present/list": "cli/commands/test_list.py",
    "cli/present/lock": "e2e/test_refusals.py",
    "cli/present/outdated": "workflows/test_outdated.py",
    "cli/present/sync": "e2e/test_foreign.py",
    "cli/present/use": "cli/commands/test_use.py",
    "fetch/httpx_transport": "fetch/test_transport.py",
    "measures": "cli/test_recording.py",
    "fleet/image": "workflows/test_image.py",
    "fleet/image_base": "workflows/test_image.py",
    "fleet/image_layers": "workflows/test_image.py",
    "fleet/image_push": "workflows/test_image.py",
    "fetch/transfer": "fetch/test_download.py",
    "host/children": "cli/test_stopping.py",
    "virtualenv_discovery": "integrations/test_discovery.py",
    "store/activation": "integrations/test_shells.py",
    "workflows/doctor_places": "workflows/test_doctor.py",
}

# Folders and files that follow a topic through several modules, and the topic.
BY_TOPIC = {
    "cli/test_widths.py": "what commands print on narrow terminals",
    "bytes": "damage: flipped bytes, failing system calls, hostile places",
    "concurrency": "several processes in one store",
    "crash": "a kill or a power failure at any moment",
    "distribution": "sdist, wheel, zip application, and installing them",
    "e2e": "the whole program, as users run it",
    "fuzz": "the fuzzing engine and its targets",
    "integrations": "the action, hooks, workflows and examples, and the manual's pages",
    "stateful": "long sequences of commands",
    "support": "the tests' own server",
    "tools": "the maintainers' tools",
    "trust": "what a hostile repository, server or pull request can do",
    "fleet/test_servers.py": "mirrors on real registries and buckets",
    "fleet/test_caches.py": "a cache before a mirror, as the manual configures it",
    "fleet/test_fleet_model.py": "the model of many machines of the benchmarks",
    "fleet/test_air_gap.py": "bundles, carried to machines without a network",
    "cli/test_imports.py": "what the everyday commands load",
    "cli/test_schemas.py": "what commands print, against the published schemas",
    "lock/test_published.py": "a lock of all that is published",
    "lock/test_schema.py": "the published schema of the lock",
    "relocate/test_moved_trees.py": "the recipe's result: trees that were moved work",
    "review/test_docs.py": "the manual's pages on reviewing",
    "review/test_history.py": "a history of locks in all formats",
    "review/test_hostile.py": "hostile locks in all formats",
    "store/test_crash.py": "the store after a crash",
    "store/test_full_disk.py": "the store on a full disk",
    "store/test_growth.py": "the costs of a store that grows",
    "store/test_layers.py": "a store in a lower layer of an overlayfs",
    "store/test_file_systems.py": "a store in a SquashFS image, and one without file locks",
    "store/test_group_store.py": "a store that a group shares",
    "store/test_shared_store.py": "a store that several users share",
    "test_mirror.py": "this file",
    "test_contributing.py": "the files that CONTRIBUTING names",
    "test_readme.py": "README's commands and figures",
    "test_start_page.py": "the docs' tutorial, and what the first pages say of builds",
    "test_systems.py": "names that not every system has",
    "unpack/test_safety.py": "hostile archives of each format",
}


MODULES = {
    name
    for name in (path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))
    if name.rpartition("/")[2] != "__init__"
}


def module_of(path: str) -> str | None:
    """`store/test_publish_links.py` tests ``store/publish_links`` if there is one, or else ``store/publish``."""
    folder, _, file = path.rpartition("/")
    words = file.removeprefix("test_").removesuffix(".py").split("_")
    names = ("_".join(words[:count]) for count in range(len(words), 0, -1))
    return next((module for name in names if (module := f"{folder}/{name}".removeprefix("/")) in MODULES), None)


TEST_FILES = {
    path: module_of(path)
    for path in sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py"))
    if path not in BY_TOPIC and path.partition("/")[0] not in BY_TOPIC
}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_each_module_has_a_test_file_or_is_listed_with_its_tests(module: str) -> None:
    has_own = module in TEST_FILES.values()
    if module in COVERED_BY:
        assert not has_own, f"{module} has tests of its own: remove it from COVERED_BY"
    else:
        folder, _, name = module.rpartition("/")
        assert has_own, f"write tests/{folder}/test_{name}.py, or add {module} to COVERED_BY"


@pytest.mark.parametrize("path", TEST_FILES)
def test_each_test_file_has_its_module(path: str) -> None:
    assert TEST_FILES[path] is not None, f"tests/{path} is named after no module: rename it, or add it to BY_TOPIC"


def test_the_lists_only_name_existing_files() -> None:
    assert set(COVERED_BY) <= MODULES
    assert [path for path in [*COVERED_BY.values(), *BY_TOPIC] if not (TESTS / path).exists()] == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_first_line_of_a_module_names_what_is_in_it(module: str) -> None:
    first, *_ = (ast.get_docstring(ast.parse((PACKAGE / f"{module}.py").read_bytes())) or "").splitlines() or [""]
    assert 0 < len(first) <= 80, f"{module}: a noun phrase of at most 80 characters"
