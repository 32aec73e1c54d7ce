"""The table of audit codes, with their severity, meaning and advice.

Codes are stable, and one that is given up is never used again. `docs/reviewing.md` has the same table; a test holds
the two equal.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

FindingSeverity = Literal["error", "warning", "note"]
FINDING_SEVERITIES: tuple[FindingSeverity, ...] = ("error", "warning", "note")


class AuditRule(NamedTuple):
    """What a code means: ``title`` is a sentence without a full stop, ``fix`` says what to do about it."""

    code: str
    name: str
    severity: FindingSeverity
    title: str
    fix: str


RELOCK = "Take the lock back from version control, and let `provision lock` change it."

AUDIT_CODES: dict[str, AuditRule] = {
    code.code: code
    for code in (
        AuditRule("PV001", "wrong-hash", "error", "the sha256 is not the one that upstream published", RELOCK),
        AuditRule("PV002", "wrong-version", "error", "the file is of another version than the row says", RELOCK),
        AuditRule("PV003", "wrong-build", "error", "the file is of another build than the row says", RELOCK),
        AuditRule(
            "PV004", "wrong-target", "error", "the file is for another target or level than the row says", RELOCK
        ),
        AuditRule("PV005", "wrong-options", "error", "the file has other build options than the row says", RELOCK),
        AuditRule("PV006", "wrong-flavor", "error", "the file is of another flavor than the row says", RELOCK),
        AuditRule(
            "PV007",
            "host-not-allowed",
            "error",
            "the archive is on a host that is not allowed",
            "Compare the URL with the change of pythons.toml. If the host is yours, add it to `allow-hosts` of the "
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
            "the archive is not where its publisher puts it",
            RELOCK,
        ),
        AuditRule(
            "PV010",
            "missing-row",
            "error",
            "a declared target has no row",
            "Run `provision lock`, review what changed, and commit it.",
        ),
        AuditRule(
            "PV011",
            "no-request",
            "error",
            "the entry is locked, and the manifest does not ask for it",
            "Run `provision lock`, which removes it, or declare it.",
        ),
        AuditRule(
            "PV012",
            "end-of-life",
            "warning",
            "the series is past its end of life: no security fixes any more",
            "Move to a newer series, or ignore this code in the policy with the reason.",
        ),
        AuditRule(
            "PV013",
            "newer-patch",
            "warning",
            "a newer patch release of the series is out",
            "Run `provision lock --upgrade` for the entry, and review what changed.",
        ),
        AuditRule(
            "PV014",
            "in-cooldown",
            "error",
            "the build is younger than the cooldown allows",
            "Wait, or lock an older build.",
        ),
        AuditRule(
            "PV015",
            "prerelease",
            "error",
            "a prerelease is locked, and none was asked for or none is allowed",
            "Ask for it with `prereleases = true`, or run `provision lock --upgrade` for the entry.",
        ),
        AuditRule(
            "PV016",
            "not-locked",
            "error",
            "the manifest asks for an entry that is not locked, or asks otherwise",
            "Run `provision lock`, review what changed, and commit it.",
        ),
        AuditRule(
            "PV017",
            "contradiction",
            "error",
            "the row claims to answer the request, and does not",
            RELOCK,
        ),
        AuditRule(
            "PV018",
            "same-bytes",
            "error",
            "two different archives have one and the same sha256",
            RELOCK,
        ),
        AuditRule(
            "PV019",
            "two-hashes",
            "error",
            "one and the same URL is locked with two different hashes",
            RELOCK,
        ),
        AuditRule("PV020", "wrong-size", "error", "the size is not the one that upstream published", RELOCK),
        AuditRule(
            "PV021",
            "wrong-date",
            "error",
            "the time of publication is not the one that upstream gives",
            RELOCK,
        ),
        AuditRule(
            "PV022",
            "local-archive",
            "warning",
            "the archive is on one machine only: a file, or a server on loopback",
            "Put it where everyone who uses the lock can fetch it.",
        ),
        AuditRule(
            "PV023",
            "own-catalog",
            "warning",
            "a catalog that the manifest names could not be read",
            "Run `provision catalog list` with a network, which fetches it, or correct its URL in the manifest.",
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
            "Read what the sha256 was compared with instead.",
        ),
        AuditRule(
            "PV026",
            "ignored-nothing",
            "note",
            "the policy ignores what was not found, or no longer ignores it",
            "Remove the line from `ignore`, or give it a new date.",
        ),
        AuditRule(
            "PV027",
            "more-known",
            "note",
            "the catalog now has more of the locked build that the request is for: levels, a flavor, sizes",
            "Run `provision lock --upgrade` for the entry, and review what changed.",
        ),
        AuditRule(
            "PV028",
            "no-longer-listed",
            "warning",
            "upstream listed the archive once, and no longer does",
            "Run `provision lock --upgrade` for the entry; if that keeps the build, request another one.",
        ),
        AuditRule(
            "PV029",
            "advisory",
            "error",
            "an advisory applies to what the build contains",
            "Lock a build with the fix, or ignore the advisory in the policy by its id, with the reason and a date.",
        ),
        AuditRule(
            "PV030",
            "advisory-not-judged",
            "note",
            "whether an advisory applies cannot be judged",
            "Read the advisory; add a database that has versions for it.",
        ),
    )
}
