"""The x86-64 level, by what kernels reported of real processors; archspec and glibc's loader confirm it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import archspec.cpu
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.errors import USAGE, UsageError
from provision.host.cpu import (
    Kernel,
    cpu_level,
    darwin_features,
    level_of_features,
    linux_features,
    read_kernel,
    sysctl,
)
from provision.model.asset import CPU_LEVELS, CpuLevel

RECORDED = Path(__file__).parent / "cpuinfo"
LINUX = Kernel(system="Linux", machine="x86_64")

# Those of hypervisors are the interesting ones. VMware: a Cascade Lake made to look like an Ivy Bridge. KVM: a Granite
# Rapids with AVX2 masked and AVX-512 forgotten. VirtualBox: a Coffee Lake with AVX2, without FMA and BMI.
LEVELS: dict[str, CpuLevel] = {
    "k10": "baseline",
    "nehalem": "v2",
    "goldmont": "v2",
    "haswell": "v3",
    "zen2": "v3",
    "skylake-x": "v4",
    "zen4": "v4",
    "vmware-masks-avx2": "v2",
    "virtualbox-masks-fma": "v2",
    "kvm-masks-avx2-not-avx512": "v2",
}


def machine(root: Path, cpuinfo: str) -> Path:
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(cpuinfo)
    return root


def recorded(name: str) -> str:
    return (RECORDED / f"{name}.txt").read_text()


def archspec_level(features: frozenset[str]) -> CpuLevel:
    """The highest level that archspec finds in a set of Linux flags."""
    found = archspec.cpu.Microarchitecture("here", [], "any", set(features), {})
    fits = [name for name in CPU_LEVELS if all(need in found for need in archspec_needs(name))]
    return fits[-1]


def archspec_needs(name: CpuLevel) -> set[str]:
    needs: set[str] = archspec.cpu.TARGETS["x86_64" if name == "baseline" else f"x86_64_{name}"].features
    return needs


def test_every_recording_is_used() -> None:
    assert {path.stem for path in RECORDED.iterdir()} == set(LEVELS)


@pytest.mark.parametrize(("name", "expected"), LEVELS.items())
def test_recorded_processors_have_their_expected_level(tmp_path: Path, name: str, expected: CpuLevel) -> None:
    assert cpu_level(machine(tmp_path, recorded(name)), kernel=LINUX, environ={}) == expected


@pytest.mark.parametrize("name", LEVELS)
def test_archspec_agrees_on_recorded_processors(name: str) -> None:
    features = linux_features(recorded(name))
    assert level_of_features(features) == archspec_level(features)


def test_different_processors_get_the_level_that_all_have(tmp_path: Path) -> None:
    mixed = recorded("skylake-x") + recorded("haswell")
    assert cpu_level(machine(tmp_path, mixed), kernel=LINUX, environ={}) == "v3"


def test_a_kernel_that_does_not_save_avx_state_is_v2(tmp_path: Path) -> None:
    """Booted with ``noxsave``, or under a hypervisor without XSAVE: the kernel drops dependent features."""
    words = recorded("haswell").replace(" xsave ", " ").replace(" avx ", " ")
    assert cpu_level(machine(tmp_path, words), kernel=LINUX, environ={}) == "v2"


@pytest.mark.parametrize(
    "cpuinfo",
    [
        "",
        "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd aes avx avx2\n",
        "processor\t: 0\nmodel name\t: flags: avx2\n",
        "flags\n",
    ],
    ids=["empty", "ARM's, as qemu-user shows it to x86 programs", "no flags line", "a flags line without flags"],
)
def test_the_level_is_baseline_if_the_kernel_lists_no_features(tmp_path: Path, cpuinfo: str) -> None:
    assert cpu_level(machine(tmp_path, cpuinfo), kernel=LINUX, environ={}) == "baseline"


def test_the_level_is_baseline_without_proc(tmp_path: Path) -> None:
    assert cpu_level(tmp_path, kernel=LINUX, environ={}) == "baseline"


@given(st.sets(st.sampled_from(sorted({word for name in CPU_LEVELS for word in archspec_needs(name)} | {"pni"}))))
def test_levels_are_cumulative_and_equal_to_those_of_archspec(words: set[str]) -> None:
    """Whatever the set: a level of ours has everything that archspec requires for it (whose SSE3 is Linux' ``pni``)."""
    features = frozenset(words - {"sse3"}) | {"mmx", "sse", "sse2"}
    found = level_of_features(features)
    assert {need if need != "sse3" else "pni" for need in archspec_needs(found)} <= features


@pytest.mark.parametrize(
    ("wanted", "expected"), [("", "v3"), ("baseline", "baseline"), ("v2", "v2"), ("v3", "v3"), ("v4", "v3")]
)
def test_the_environment_lowers_the_level_and_never_raises_it(tmp_path: Path, wanted: str, expected: CpuLevel) -> None:
    root = machine(tmp_path, recorded("zen2"))
    assert cpu_level(root, kernel=LINUX, environ={"PROVISION_CPU": wanted}) == expected


@pytest.mark.parametrize("wanted", ["auto", "V3", "x86_64_v3", "5"])
def test_an_unknown_level_is_a_usage_error(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(UsageError, match=r"PROVISION_CPU: expected one of baseline, v2, v3, v4; got ") as raised:
        cpu_level(tmp_path, kernel=LINUX, environ={"PROVISION_CPU": wanted})
    assert raised.value.exit_code == USAGE


# What `sysctl machdep.cpu` prints: features, leaf7_features, extfeatures.
MAC_HASWELL = (
    """
    FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFSH DS ACPI MMX FXSR SSE SSE2 SS HTT TM
    PBE SSE3 PCLMULQDQ DTES64 MON DSCPL VMX SMX EST TM2 SSSE3 FMA CX16 TPR PDCM SSE4.1 SSE4.2 x2APIC MOVBE POPCNT AES
    PCID XSAVE OSXSAVE SEGLIM64 TSCTMR AVX1.0 RDRAND F16C
    """,
    "RDWRFSGS TSC_THREAD_OFFSET BMI1 AVX2 SMEP BMI2 ERMS INVPCID FPU_CSDS MDCLEAR IBRS STIBP L1DF SSBD",
    "SYSCALL XD EM64T LAHF LZCNT RDTSCP TSCI",
)


def test_an_intel_mac_is_v3() -> None:
    assert level_of_features(darwin_features(*MAC_HASWELL)) == "v3"


def test_an_intel_mac_that_does_not_save_avx_state_is_v2() -> None:
    assert level_of_features(darwin_features(*(words.replace(" OSXSAVE", "") for words in MAC_HASWELL))) == "v2"


def test_intel_programs_on_apple_silicon_have_no_avx(tmp_path: Path) -> None:
    assert cpu_level(tmp_path, kernel=Kernel(system="Darwin", machine="arm64"), environ={}) == "v2"


@pytest.mark.parametrize("system", ["Windows", "FreeBSD"])
def test_on_other_systems_the_level_is_baseline(tmp_path: Path, system: str) -> None:
    assert cpu_level(tmp_path, kernel=Kernel(system=system, machine="AMD64"), environ={}) == "baseline"


def test_the_loader_of_glibc_agrees_about_this_machine() -> None:
    """Since 2.33, it searches directories by level, and prints which."""
    loader = Path("/lib64/ld-linux-x86-64.so.2")
    if not loader.exists():
        pytest.skip("this is no x86-64 system with glibc")
    said = subprocess.run([loader, "--help"], check=True, capture_output=True, text=True).stdout
    supported = {name for name in CPU_LEVELS if f"x86-64-{name} (supported, searched)" in said}
    if not supported:
        pytest.skip("glibc is too old to say, or the machine has no level")
    assert cpu_level(environ={}) == max(supported)


# What the running kernel reports; the other tests give it as a value.


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="these look through translation")
def test_the_result_of_uname_is_used_unchanged() -> None:
    uname = os.uname()
    assert read_kernel() == Kernel(system=uname.sysname, machine=uname.machine, release=uname.release)


@pytest.mark.skipif(sys.platform != "darwin", reason="only macOS has these sysctls")
def test_on_macos_the_real_hardware_is_detected_under_rosetta() -> None:
    assert (read_kernel().machine == "arm64") == (sysctl("hw.optional.arm64") == b"\1\0\0\0")
    assert sysctl("no.such.name") == b""


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has this call")
def test_on_windows_the_real_hardware_is_detected() -> None:
    kernel = read_kernel()
    assert kernel.system == "Windows"
    assert kernel.machine in ("AMD64", "ARM64", "x86")
