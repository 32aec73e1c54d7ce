"""Owns how an explanation reads, as lines for people and as a document for machines; `explain` makes it."""

from __future__ import annotations

from provision.lock.explain import Explanation

EXPLANATION_VERSION = 1


def explanation_lines(explanation: Explanation) -> tuple[str, ...]:
    """A few lines of plain text, a heading in front of each part."""
    python = explanation.python
    state = "is locked" if explanation.locked else "would be locked"
    lines = [f"{python.name} {state}: {python.implementation} {python.version}+{python.build} {python.flavor}"]
    lines += _part("asked", (explanation.asked,))
    width = max((len(str(step.assets)) for step in explanation.steps), default=0)
    lines += _part("fits", tuple(f"{step.assets:>{width}}  {step.asked}" for step in explanation.steps))
    lines += _part("taken", explanation.reasons)
    lines += _part("newer", explanation.newer)
    lines += _part("note", explanation.warnings)
    return tuple(lines)


def explanation_document(explanation: Explanation) -> dict[str, object]:
    """The explanation as JSON values."""
    python = explanation.python
    return {
        "version": EXPLANATION_VERSION,
        "name": python.name,
        "asked": explanation.asked,
        "locked": explanation.locked,
        "python": {
            "implementation": python.implementation,
            "version": str(python.version),
            "build": python.build,
            "build-options": list(python.options),
            "flavor": python.flavor,
            "assets": [
                {
                    "target": str(asset.target),
                    "cpu": asset.cpu,
                    "build-options": list(asset.options),
                    "url": asset.url,
                    "sha256": str(asset.sha256),
                }
                for asset in python.assets
            ],
        },
        "steps": [{"asked": step.asked, "assets": step.assets} for step in explanation.steps],
        "reasons": list(explanation.reasons),
        "newer": list(explanation.newer),
        "warnings": list(explanation.warnings),
    }


def _part(heading: str, lines: tuple[str, ...]) -> list[str]:
    return [f"  {heading if number == 0 else '':<6} {line}" for number, line in enumerate(lines)]
