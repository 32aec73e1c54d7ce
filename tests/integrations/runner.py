"""A runner for action.yml as the Actions runner is: steps under bash, expressions, outputs, a cache directory."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integrations.projects import ROOT, ScriptProject

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
_EXPRESSION = re.compile(r"\$\{\{ *(.+?) *\}\}")


@dataclass
class Job:
    """One job on a new runner; ``cache`` is shared by all jobs, like the Actions cache.

    The step that installs provision is skipped: the provision under test replaces it, unless ``install`` says so.
    ``last`` is the id of the step after which to stop.
    """

    project: ScriptProject
    temp: Path
    cache: Path
    event: str = "push"
    ref_type: str = "branch"
    install: bool = False
    last: str = ""
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    failed: int = 0

    def run(self, **inputs: str) -> Job:
        """Run all steps up to the first that fails; inputs are named with ``_`` for ``-``."""
        self.temp.mkdir(parents=True, exist_ok=True)
        defaults = {name: spec["default"] for name, spec in ACTION["inputs"].items()}
        given = defaults | {name.replace("_", "-"): value for name, value in inputs.items()}
        for step in ACTION["runs"]["steps"]:
            name = step.get("id", step["name"])
            if name == "install" and not self.install:
                self.steps[name] = {"bin": str(self._stand_in())}
            elif self._holds(step.get("if", "true"), given):
                self.steps[name] = self._uses(step, given) if "uses" in step else self._bash(step, given)
            if self.failed or name == self.last:
                return self
        self.outputs = {name: self._filled(spec["value"], given) for name, spec in ACTION["outputs"].items()}
        return self

    def file(self, name: str) -> str:
        """What the steps have written to a runner's file: ``path``, ``summary``."""
        path = self.temp / name
        return path.read_text() if path.exists() else ""

    def _stand_in(self) -> Path:
        folder = self.temp / "bin"
        folder.mkdir(exist_ok=True)
        for name, arguments in (("python", ""), ("provision", " -m provision")):
            script = folder / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n')
            script.chmod(0o755)
        return folder

    def _bash(self, step: dict[str, Any], inputs: dict[str, str]) -> dict[str, str]:
        output = self.temp / "output"
        output.write_text("")
        environ = self.project.environ | {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_REF_TYPE": self.ref_type,
            "GITHUB_OUTPUT": str(output),
            "GITHUB_PATH": str(self.temp / "path"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
        }
        environ |= {name: self._filled(value, inputs) for name, value in step.get("env", {}).items()}
        # How the runner starts `shell: bash`.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(
            command, cwd=self.project.directory, env=environ, check=False, capture_output=True, text=True
        )
        self.log += done.stdout + done.stderr
        self.failed = done.returncode
        return read_outputs(output.read_text())

    def _uses(self, step: dict[str, Any], inputs: dict[str, str]) -> dict[str, str]:
        action = step["uses"].partition("@")[0]
        paths = [Path(line) for line in self._filled(step["with"]["path"], inputs).splitlines()]
        stored = self.cache / self._filled(step["with"]["key"], inputs)
        if action == "actions/cache/save":
            stored.mkdir(parents=True)
            for path in paths:
                shutil.copy(path, stored)
            return {}
        assert action == "actions/cache/restore"
        if not stored.exists():
            return {"cache-hit": ""}
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(stored / path.name, path)
        return {"cache-hit": "true"}

    def _filled(self, text: object, inputs: dict[str, str]) -> str:
        return _EXPRESSION.sub(lambda match: self._value(match[1], inputs), str(text))

    def _value(self, expression: str, inputs: dict[str, str]) -> str:
        if " == " in expression:
            return str(self._holds(expression, inputs)).lower()
        match expression.split("."):
            case ["inputs", name]:
                return inputs[name]
            case ["steps", step, "outputs", name]:
                return self.steps.get(step, {}).get(name, "")
        raise AssertionError(f"the test's runner does not know {expression!r}")

    def _holds(self, condition: str, inputs: dict[str, str]) -> bool:
        for part in condition.split(" && "):
            left, operator, right = part.partition(" == ") if " == " in part else part.partition(" != ")
            if operator and (self._value(left, inputs) == right.strip("'")) != (operator == " == "):
                return False
        return True


def read_outputs(text: str) -> dict[str, str]:
    """What a step wrote to GITHUB_OUTPUT, in both of its forms."""
    outputs: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc:
            outputs[name] = "\n".join(iter(lambda: next(lines), delimiter))
        else:
            name, _, outputs_value = line.partition("=")
            outputs[name] = outputs_value
    return outputs
