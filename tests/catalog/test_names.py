"""Every asset name read and written back, in all eras; the optimisation that a name leaves out."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.catalog.names import (
    MUSL_DYNAMIC_SINCE,
    ParsedName,
    UnknownNameError,
    format_name,
    infer_options,
    is_complete,
    modern_name,
    optimisations_of,
    parse_name,
    parse_platform,
)
from provision.model.asset import CPU_LEVELS, FLAVORS, OPTIMISATIONS, OPTIONS, BuildOptions, CpuLevel
from provision.model.target import KNOWN_TARGETS, Target
from provision.model.value import replace
from provision.model.version import Version
from tests.catalog.samples import LINUX, MUSL, WINDOWS, bundled_assets, full, real_names, stripped, upstream

# The names as PBS's own scripts form them, as one pattern per era: an independent oracle.
VER = r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?"
ARCH = r"x86_64(?:_v[234])?|i686|aarch64|armv7|ppc64le|s390x|riscv64"
TRI = rf"(?:{ARCH})-(?:apple-darwin|pc-windows-msvc|unknown-linux-(?:gnu|gnueabi|gnueabihf|musl))"
LINK = r"(?:-(?:shared|static))?"
OPT = r"(?:freethreaded\+)?(?:debug|noopt|pgo\+lto|pgo|lto)(?:\+static)?"
STAMP = r"\d{8}T\d{4}"
EARLY = r"(?:linux64(?:-musl)?|macos|windows-(?:amd64|x86))"
ORACLE = {
    "A": rf"cpython-{VER}-{EARLY}{LINK}(?:-(?:debug|noopt|pgo))?-{STAMP}\.tar\.zst",
    "B": rf"cpython-{VER}-{TRI}{LINK}-{OPT}-{STAMP}\.tar\.zst",
    "C": rf"cpython-{VER}-{TRI}{LINK}-install_only-{STAMP}\.tar\.gz",
    "D": rf"cpython-{VER}\+(\d{{8}})-{TRI}{LINK}-{OPT}-full\.tar\.zst",
    "E": rf"cpython-{VER}\+(\d{{8}})-{TRI}{LINK}-(?:freethreaded-)?install_only(?:_stripped)?\.tar\.gz",
}


def test_every_real_name_is_read_and_written_back() -> None:
    eras: Counter[str] = Counter()
    for tag, filename in real_names():
        name = parse_name(filename, tag)
        assert format_name(name) == filename
        assert name.build == tag
        assert [era for era, pattern in ORACLE.items() if re.fullmatch(pattern, filename)] == [name.era]
        eras[name.era] += 1
    assert set(eras) == set("ABCDE")
    assert eras.total() >= 27_152 + 37


@pytest.mark.parametrize(
    ("filename", "tag", "expected"),
    [
        (
            "cpython-3.7.3-linux64-20190618T0324.tar.zst",
            "20190617",
            "A 3.7.3 20190617 x86_64-unknown-linux-gnu baseline - full 20190618T0324",
        ),
        (
            "cpython-3.7.6-windows-x86-shared-pgo-20200217T0110.tar.zst",
            "20200216",
            "A 3.7.6 20200216 i686-pc-windows-msvc baseline pgo+shared full 20200217T0110",
        ),
        (
            "cpython-3.8.2-x86_64-apple-darwin-pgo-20200418T2243.tar.zst",
            "20200418",
            "B 3.8.2 20200418 x86_64-apple-darwin baseline pgo full 20200418T2243",
        ),
        (
            "cpython-3.9.7-x86_64-pc-windows-msvc-shared-install_only-20211017T1616.tar.gz",
            "20211017",
            "C 3.9.7 20211017 x86_64-pc-windows-msvc baseline shared install_only 20211017T1616",
        ),
        (
            "cpython-3.14.0a5+20250212-x86_64_v3-unknown-linux-gnu-freethreaded+pgo+lto-full.tar.zst",
            "20250212",
            "D 3.14.0a5 20250212 x86_64-unknown-linux-gnu v3 freethreaded+pgo+lto full -",
        ),
        (
            "cpython-3.13.5+20250818-aarch64-unknown-linux-musl-lto+static-full.tar.zst",
            "20250818",
            "D 3.13.5 20250818 aarch64-unknown-linux-musl baseline lto+static full -",
        ),
        (
            "cpython-3.14.2+20260127-armv7-unknown-linux-gnueabihf-install_only.tar.gz",
            "20260127",
            "E 3.14.2 20260127 armv7-unknown-linux-gnueabihf baseline - install_only -",
        ),
        (
            "cpython-3.15.1+20261021-x86_64-pc-windows-msvc-freethreaded-install_only_stripped.tar.gz",
            "20261021",
            "E 3.15.1 20261021 x86_64-pc-windows-msvc baseline freethreaded install_only_stripped -",
        ),
    ],
)
def test_names_of_each_era_are_read(filename: str, tag: str, expected: str) -> None:
    name = parse_name(filename, tag)
    words = (name.era, name.version, name.build, name.target, name.cpu, name.options, name.flavor, name.timestamp)
    assert " ".join(str(word or "-") if str(word) else "-" for word in words) == expected


def test_the_tag_may_be_omitted_if_the_name_has_it() -> None:
    filename = f"cpython-3.14.2+20260127-{LINUX}-install_only.tar.gz"
    assert parse_name(filename) == parse_name(filename, "20260127")


def test_the_tag_is_required_if_the_name_lacks_it() -> None:
    with pytest.raises(ValueError, match="does not tell its release tag"):
        parse_name(f"cpython-3.9.7-{LINUX}-install_only-20211017T1616.tar.gz")


def test_a_name_of_another_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="is of build 20260127, not of 20260203"):
        parse_name(f"cpython-3.14.2+20260127-{LINUX}-install_only.tar.gz", "20260203")


@pytest.mark.parametrize(
    "filename",
    [
        "",
        "SHA256SUMS",
        f"cpython-3.14.2+20260127-{LINUX}-install_only.tar.gz.sha256",
        f"cpython-3.14.2+20260127-{LINUX}-install_only.tar.zst",
        f"cpython-3.14.2+20260127-{LINUX}-install_only_stripped_more.tar.gz",
        f"cpython-3.14.2+20260127-{LINUX}-debug-install_only.tar.gz",
        f"cpython-3.14.2+20260127-{LINUX}-lto+pgo-full.tar.zst",
        f"cpython-3.14.2+20260127-{LINUX}-full.tar.zst",
        f"cpython-3.14+20260127-{LINUX}-install_only.tar.gz",
        f"cpython-3.14.02+20260127-{LINUX}-install_only.tar.gz",
        f"cpython-3.14.2+2026127-{LINUX}-install_only.tar.gz",
        f"cpython-3.14.2+２０２６0127-{LINUX}-install_only.tar.gz",
        f"pypy-3.14.2+20260127-{LINUX}-install_only.tar.gz",
        f"../cpython-3.14.2+20260127-{LINUX}-install_only.tar.gz",
        "cpython-3.14.2+20260127-loongarch64-unknown-linux-gnu-install_only.tar.gz",
        "cpython-3.14.2+20260127-aarch64_v2-unknown-linux-gnu-install_only.tar.gz",
        "cpython-3.14.2+20260127-x86_64_v3-apple-darwin-install_only.tar.gz",
        f"cpython-3.14.2+20260127-{LINUX}-shared-install_only.tar.gz",
        f"cpython-3.14.2+20260127-{LINUX}-lto+static-full.tar.zst",
    ],
)
def test_other_names_are_refused(filename: str) -> None:
    with pytest.raises(UnknownNameError):
        parse_name(filename, "20260127")


@pytest.mark.parametrize(
    ("build", "options"),
    [("20250212", "lto+static"), (MUSL_DYNAMIC_SINCE, "lto")],
)
def test_a_musl_build_is_static_unless_it_is_newer_than_the_first_dynamic_one(build: str, options: str) -> None:
    assert str(parse_name(f"cpython-3.13.2+{build}-{MUSL}-lto-full.tar.zst").options) == options


def test_the_link_mode_in_a_name_for_windows_is_optional() -> None:
    shared = parse_name(f"cpython-3.12.3+20240415-{WINDOWS}-shared-pgo-full.tar.zst")
    plain = parse_name(f"cpython-3.12.3+20240415-{WINDOWS}-pgo-full.tar.zst")
    assert (str(shared.options), str(plain.options)) == ("pgo+shared", "pgo")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LINUX, (KNOWN_TARGETS[LINUX], "baseline", "")),
        ("x86_64_v4-unknown-linux-musl", (KNOWN_TARGETS[MUSL], "v4", "")),
        (f"{WINDOWS}-shared", (KNOWN_TARGETS[WINDOWS], "baseline", "shared")),
    ],
)
def test_platforms_are_triples_with_level_and_link_mode(text: str, expected: tuple[Target, str, str]) -> None:
    assert parse_platform(text) == expected


@pytest.mark.parametrize("text", ["", "linux-x86_64", f"{LINUX}-shared", "aarch64-apple-darwin-debug", "-shared"])
def test_other_platforms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a known target"):
        parse_platform(text)


numbers = st.integers(0, 9999)
versions = st.builds(
    Version,
    major=numbers,
    minor=numbers,
    patch=numbers,
    stage=st.one_of(st.just((3, 0)), st.tuples(st.integers(0, 2), numbers)),
)
days = st.dates().map(lambda day: day.isoformat().replace("-", ""))
stamps = days.map(lambda day: f"{day}T2243")
triples = st.sampled_from(
    [text for text in KNOWN_TARGETS if "windows" not in text] + [f"{MUSL.replace('64-', '64_v3-')}"]
)
windows = st.sampled_from(
    [text + link for text in KNOWN_TARGETS if "windows" in text for link in ("", "-shared", "-static")]
)
platforms = st.one_of(triples, windows)
options = st.builds(
    "{}{}".format,
    st.sampled_from(("", "freethreaded+")),
    st.sampled_from(("debug", "noopt", "pgo+lto", "pgo", "lto")),
)
flavors = st.sampled_from(("install_only", "install_only_stripped", "freethreaded-install_only_stripped"))
filenames = st.one_of(
    st.builds("cpython-{}-{}-{}.tar.zst".format, versions, st.sampled_from(("linux64", "macos-debug")), stamps),
    st.builds("cpython-{}-windows-amd64-shared-pgo-{}.tar.zst".format, versions, stamps),
    st.builds("cpython-{}-{}-{}-{}.tar.zst".format, versions, platforms, options, stamps),
    st.builds("cpython-{}-{}-install_only-{}.tar.gz".format, versions, platforms, stamps),
    st.builds("cpython-{}+20250311-{}-{}-full.tar.zst".format, versions, platforms, options),
    st.builds(f"cpython-{{}}+20250311-{MUSL}-{{}}+static-full.tar.zst".format, versions, options),
    st.builds("cpython-{}+20250212-{}-{}.tar.gz".format, versions, platforms, flavors),
)


@given(filenames)
def test_every_name_of_the_grammar_is_read_and_written_back(filename: str) -> None:
    tag = "" if "+202" in filename else "20200418"
    assert format_name(parse_name(filename, tag)) == filename


@given(
    st.builds(
        ParsedName,
        era=st.sampled_from(("A", "B", "C", "D", "E")),
        version=versions,
        build=days,
        target=st.sampled_from(list(KNOWN_TARGETS.values())),
        cpu=st.sampled_from(CPU_LEVELS),
        options=st.sets(st.sampled_from(OPTIONS)).map(BuildOptions.of),
        flavor=st.sampled_from(FLAVORS),
        timestamp=st.one_of(st.none(), stamps),
    )
)
def test_a_name_that_is_written_is_read_back_as_given(name: ParsedName) -> None:
    try:
        filename = format_name(name)
    except ValueError:  # most values cannot be expressed
        return
    assert parse_name(filename, name.build) == name


@given(versions, st.sampled_from([target for target in KNOWN_TARGETS.values() if target.libc != "musl"]), st.booleans())
def test_a_modern_install_only_name_omits_the_optimisation(version: Version, target: Target, free: bool) -> None:
    options = BuildOptions.of({"pgo", "lto", *(("freethreaded",) if free else ())})
    filename = modern_name(version=version, build="20260127", target=target, options=options, flavor="install_only")
    variant = "freethreaded-install_only" if free else "install_only"
    assert filename == f"cpython-{version}+20260127-{target}-{variant}.tar.gz"


def test_a_modern_name_of_a_full_build_has_all_options() -> None:
    filename = modern_name(
        version=Version.parse("3.14.2"),
        build="20260127",
        target=KNOWN_TARGETS[LINUX],
        cpu="v3",
        options=BuildOptions.parse("freethreaded+debug"),
        flavor="full",
    )
    assert filename == "cpython-3.14.2+20260127-x86_64_v3-unknown-linux-gnu-freethreaded+debug-full.tar.zst"


def test_a_build_that_pbs_would_not_publish_has_no_name() -> None:
    with pytest.raises(ValueError, match="no asset name of era E can say"):
        modern_name(
            version=Version.parse("3.14.2"),
            build="20260127",
            target=KNOWN_TARGETS[LINUX],
            options=BuildOptions.parse("debug"),
            flavor="install_only",
        )


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
def test_an_archive_has_the_optimisation_of_its_fastest_sibling(siblings: tuple[str, ...], options: str) -> None:
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
def test_an_archive_of_another_version_build_level_target_or_threading_is_not_a_sibling(stranger: str) -> None:
    assert inferred(stripped("3.14.2", "20260127"), stranger, by_target=False) == ""


def test_a_free_threaded_archive_has_free_threaded_siblings() -> None:
    siblings = (full("3.14.2", "20260325", "pgo+lto"), full("3.14.2", "20260325", "freethreaded+lto"))
    assert inferred(stripped("3.14.2", "20260325", free=True), *siblings) == "freethreaded+lto"


def test_a_static_musl_build_is_not_a_sibling_of_a_dynamic_one() -> None:
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
def test_without_siblings_the_target_decides(target: str, cpu: CpuLevel, build: str, options: str) -> None:
    assert " ".join(sorted(optimisations_of(Target.parse(target), cpu, build))) == options


def test_siblings_and_the_target_never_disagree_on_a_real_asset() -> None:
    """So an asset's options stay the same when a refreshed catalog adds siblings that were unknown before."""
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


def test_full_archives_and_other_implementations_are_unchanged() -> None:
    debug = upstream(full("3.14.2", "20260127", "debug"))
    pypy = next(asset for asset in bundled_assets() if asset.implementation == "pypy")
    assert infer_options([debug, pypy]) == (debug, pypy)


def test_inferring_twice_changes_nothing() -> None:
    once = infer_options([upstream(stripped("3.14.2", "20260127", triple=LINUX))])
    assert infer_options(once) == once
