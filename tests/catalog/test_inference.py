from __future__ import annotations

import pytest

from provision.catalog.inference import infer_options, is_complete, optimisations_of
from provision.catalog.names import parse_name
from provision.model.asset import OPTIMISATIONS, CpuLevel
from provision.model.target import Target
from provision.model.value import replace
from tests.catalog.samples import LINUX, MUSL, WINDOWS, bundled_assets, full, stripped, upstream


def inferred(filename: str, *siblings: str, by_target: bool = True) -> str:
    """The options of an asset among others."""
    assets = [upstream(name) for name in (*siblings, filename)]
    return str(infer_options(assets, by_target=by_target)[-1].options)


@pytest.mark.parametrize(
    ("siblings", "options"),
    [
        (("debug", "noopt", "lto"), "lto"),
        (("debug", "pgo"), "pgo"),
        (("lto", "pgo", "pgo+lto", "noopt", "debug"), "pgo+lto"),
    ],
)
def test_the_fastest_sibling_tells_how_an_archive_was_optimised(siblings: tuple[str, ...], options: str) -> None:
    others = [full("3.14.2", "20260127", sibling) for sibling in siblings]
    assert inferred(stripped("3.14.2", "20260127"), *others) == options


@pytest.mark.parametrize(
    "stranger",
    [
        full("3.14.1", "20260127", "lto"),
        full("3.14.2", "20260203", "lto"),
        full("3.14.2", "20260127", "lto", triple="x86_64_v3-unknown-linux-gnu"),
        full("3.14.2", "20260127", "lto", triple="s390x-unknown-linux-gnu"),
        full("3.14.2", "20260127", "freethreaded+lto"),
    ],
)
def test_another_version_build_level_target_or_threading_is_no_sibling(stranger: str) -> None:
    assert inferred(stripped("3.14.2", "20260127"), stranger, by_target=False) == ""


def test_a_free_threaded_archive_has_free_threaded_siblings() -> None:
    siblings = (full("3.14.2", "20260325", "pgo+lto"), full("3.14.2", "20260325", "freethreaded+lto"))
    assert inferred(stripped("3.14.2", "20260325", free=True), *siblings) == "freethreaded+lto"


def test_a_static_musl_build_is_no_sibling_of_a_dynamic_one() -> None:
    static = full("3.14.2", "20260127", "lto+static", triple=MUSL)
    assert inferred(stripped("3.14.2", "20260127", triple=MUSL), static, by_target=False) == ""


def test_link_modes_of_windows_are_kept_apart() -> None:
    shared = f"cpython-3.12.3+20240415-{WINDOWS}-shared-install_only.tar.gz"
    sibling = f"cpython-3.12.3+20240415-{WINDOWS}-shared-pgo-full.tar.zst"
    assert inferred(shared, sibling, by_target=False) == "pgo+shared"
    assert inferred(shared.replace("-shared", ""), sibling, by_target=False) == ""


@pytest.mark.parametrize(
    ("target", "cpu", "build", "options"),
    [
        ("linux-x86_64", "baseline", "20220227", "lto pgo"),
        ("linux-x86_64", "v4", "20241219", "lto"),
        ("linux-x86_64", "v4", "20250106", "lto pgo"),
        ("linux-i686", "baseline", "20220227", "lto pgo"),
        ("linux-aarch64", "baseline", "20250630", "lto"),
        ("linux-aarch64", "baseline", "20250702", "lto pgo"),
        ("linux-armv7", "baseline", "20260127", "lto"),
        ("linux-riscv64", "baseline", "20260127", "lto"),
        ("linux-x86_64-musl", "v3", "20260127", "lto"),
        ("macos-aarch64", "baseline", "20260127", "lto pgo"),
        ("windows-aarch64", "baseline", "20260127", "pgo"),
    ],
)
def test_without_siblings_the_target_tells(target: str, cpu: CpuLevel, build: str, options: str) -> None:
    assert " ".join(sorted(optimisations_of(Target.parse(target), cpu, build))) == options


def test_siblings_and_the_target_never_disagree_on_a_real_asset() -> None:
    """So an asset's options stay the same when a refreshed catalog brings siblings that were not known before."""
    stated = [
        replace(asset, options=parse_name(asset.filename, asset.build).options)
        for asset in bundled_assets()
        if asset.implementation == "cpython"
    ]
    told = [asset for asset in infer_options(stated, by_target=False) if asset.flavor != "full" and is_complete(asset)]
    assert len(told) >= 4_730
    for asset in told:
        fastest = optimisations_of(asset.target, asset.cpu, asset.build)
        assert asset.options.names & OPTIMISATIONS == fastest, asset.filename


def test_full_archives_and_other_implementations_stay_as_they_are() -> None:
    debug = upstream(full("3.14.2", "20260127", "debug"))
    pypy = next(asset for asset in bundled_assets() if asset.implementation == "pypy")
    assert infer_options([debug, pypy]) == (debug, pypy)


def test_inferring_twice_changes_nothing() -> None:
    once = infer_options([upstream(stripped("3.14.2", "20260127", triple=LINUX))])
    assert infer_options(once) == once
