"""The table of audit codes, with their severity, meaning and advice.

Codes are stable, and a removed code is never used again. `docs/reviewing.md` has the same table; a test compares the
two.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

FindingSeverity = Literal["error", "warning", "note"]
FINDING_SEVERITIES: tuple[FindingSeverity, ...] = ("error", "warning", "note")


class AuditRule(NamedTuple):
    """The meaning of a code: ``title`` is a sentence without a full stop, ``fix`` says what to do about it."""

    code: str
    name: str
    severity: FindingSeverity
    title: str
    fix: str


RELOCK = "Restore the lock file from version control, then run `provision lock`."

AUDIT_CODES: dict[str, AuditRule] = {
    code.code: code
    for code in (
        AuditRule("PV001", "wrong-hash", "error", "the sha256 differs from the published one", RELOCK),
        AuditRule("PV002", "wrong-version", "error", "the file name and the lock file disagree on the version", RELOCK),
        AuditRule("PV003", "wrong-build", "error", "the file name and the lock file disagree on the build", RELOCK),
        AuditRule(
            "PV004",
            "wrong-target",
            "error",
            "the file name and the lock file disagree on the target or CPU level",
            RELOCK,
        ),
        AuditRule(
            "PV005", "wrong-options", "error", "the file name and the lock file disagree on the build options", RELOCK
        ),
        AuditRule("PV006", "wrong-flavor", "error", "the file name and the lock file disagree on the flavor", RELOCK),
        AuditRule(
            "PV007",
            "host-not-allowed",
            "error",
            "the archive is on a host that is not allowed",
            "Compare the URL with the change to pythons.toml. If the host is yours, add it to `allow-hosts` of the "
            "policy; if not, restore the lock file from version control.",
        ),
        AuditRule(
            "PV008",
            "unknown-asset",
            "error",
            "the archive is in no catalog and not in the manifest",
            RELOCK,
        ),
        AuditRule(
            "PV009",
            "wrong-place",
            "error",
            "the URL is not the publisher's",
            RELOCK,
        ),
        AuditRule(
            "PV010",
            "missing-row",
            "error",
            "a target of the manifest is not locked",
            "Run `provision lock`, review the change with `provision diff`, and commit the lock file.",
        ),
        AuditRule(
            "PV011",
            "no-request",
            "error",
            "the locked entry is not in the manifest",
            "Run `provision lock` to remove the entry, or add it to the manifest.",
        ),
        AuditRule(
            "PV012",
            "end-of-life",
            "warning",
            "the series is past its end of life and gets no security fixes",
            "Move to a newer series, or ignore this code in the policy with a reason.",
        ),
        AuditRule(
            "PV013",
            "newer-patch",
            "warning",
            "a newer patch release of the series is available",
            "Run `provision lock --upgrade` for the entry, and review the change with `provision diff`.",
        ),
        AuditRule(
            "PV014",
            "in-cooldown",
            "error",
            "the build is younger than the cooldown",
            "Wait, or lock an older build.",
        ),
        AuditRule(
            "PV015",
            "prerelease",
            "error",
            "a prerelease is locked, but not requested or not allowed",
            "Request it with `prereleases = true`, or run `provision lock --upgrade` for the entry.",
        ),
        AuditRule(
            "PV016",
            "not-locked",
            "error",
            "an entry is not locked, or its request changed",
            "Run `provision lock`, review the change with `provision diff`, and commit the lock file.",
        ),
        AuditRule(
            "PV017",
            "contradiction",
            "error",
            "the asset does not match the request",
            RELOCK,
        ),
        AuditRule(
            "PV018",
            "same-bytes",
            "error",
            "two different archives have the same sha256",
            RELOCK,
        ),
        AuditRule(
            "PV019",
            "two-hashes",
            "error",
            "the same URL is locked with two different hashes",
            RELOCK,
        ),
        AuditRule("PV020", "wrong-size", "error", "the size differs from the published one", RELOCK),
        AuditRule(
            "PV021",
            "wrong-date",
            "error",
            "the publication time differs from upstream's",
            RELOCK,
        ),
        AuditRule(
            "PV022",
            "local-archive",
            "warning",
            "the archive is on one machine only, as a file or on a loopback server",
            "Move the archive to a server that every user of the lock file can reach.",
        ),
        AuditRule(
            "PV023",
            "own-catalog",
            "warning",
            "a catalog that the manifest names could not be read",
            "Run `provision catalog list` with a network to download it, or correct its URL in the manifest.",
        ),
        AuditRule(
            "PV024",
            "not-known-yet",
            "warning",
            "the build is newer than the catalog; its sha256 was not compared",
            "Run `provision catalog update`, or audit with `--upstream`.",
        ),
        AuditRule(
            "PV025",
            "no-checksums",
            "note",
            "upstream publishes no SHA256SUMS for the release",
            "Check the source that the sha256 was compared with.",
        ),
        AuditRule(
            "PV026",
            "ignored-nothing",
            "note",
            "the policy ignores a code without findings, or its date has passed",
            "Remove the line from `ignore`, or give it a new date.",
        ),
        AuditRule(
            "PV027",
            "more-known",
            "note",
            "the catalog now has more requested assets of the locked build: CPU levels, a flavor or sizes",
            "Run `provision lock --upgrade` for the entry, and review the change with `provision diff`.",
        ),
        AuditRule(
            "PV028",
            "no-longer-listed",
            "warning",
            "upstream no longer lists the archive",
            "Run `provision lock --upgrade` for the entry; if that keeps the build, request another one.",
        ),
        AuditRule(
            "PV029",
            "advisory",
            "error",
            "an advisory applies to a component of the build",
            "Lock a build with the fix, or ignore the advisory in the policy by its id, with a reason and a date.",
        ),
        AuditRule(
            "PV030",
            "advisory-not-judged",
            "warning",
            "cannot determine whether an advisory applies",
            "Read the advisory, or add a database that lists versions for it.",
        ),
        AuditRule(
            "PV031",
            "no-provenance",
            "error",
            "the archive has no attestation",
            "Run `provision attest`; if upstream has none, lock a build that is attested.",
        ),
        AuditRule(
            "PV032", "wrong-signer", "error", "the signer of the attestation is not the archive's publisher", RELOCK
        ),
        AuditRule("PV033", "not-attested", "error", "the attestation is for another archive", RELOCK),
        AuditRule("PV034", "wrong-attestation", "error", "the attestation is not valid", RELOCK),
        AuditRule(
            "PV035",
            "expired-trust",
            "error",
            "the certificate authority or the log was not valid when the attestation was signed",
            RELOCK,
        ),
        AuditRule("PV036", "forged-attestation", "error", "the lock file and the attestation disagree", RELOCK),
        AuditRule(
            "PV037",
            "bundle-missing",
            "warning",
            "the attestation was not verified: its bundle is missing",
            "Run `provision attest --vendor`, and commit its files.",
        ),
        AuditRule(
            "PV038",
            "attestation-gone",
            "warning",
            "the attestation is valid, but upstream no longer has it",
            "Run `provision attest --vendor`, commit its files, and find out why upstream removed it.",
        ),
    )
}
