"""One run of a command: its options, its console, and the printing of its answer."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from provision.cli.console import Console, document_text
from provision.errors import ProvisionError, SeveralErrors
from provision.host.variables import misspelled_variables, read_flag
from provision.model.value import frozen, replace
from provision.workflows.options import Options

if TYPE_CHECKING:
    from provision.protocols import Progress


@frozen
class CommandAnswer:
    """The output of a command: ``lines`` for people, ``document`` for ``--json``, and the exit code.

    ``remarks`` and ``warnings`` go to stderr in both cases. ``commands`` are workflow commands for GitHub's runner.
    ``error`` is a failure after which there is still something to show; the document gets it as ``error``.
    ``page`` and ``paths`` are lines for other programs: see `Console.page` and `Console.paths`.
    """

    lines: Sequence[str] = ()
    page: Sequence[str] = ()
    paths: Sequence[str] = ()
    commands: Sequence[str] = ()
    document: Mapping[str, object]
    code: int = 0
    remarks: Sequence[str] = ()
    warnings: Sequence[str] = ()
    error: ProvisionError | None = None


@frozen
class Session:
    """One run of one command; ``manifest`` is what ``--manifest`` gives, without the variable."""

    options: Options
    console: Console
    as_json: bool = False
    bars: bool = True
    manifest: Path | None = None

    @classmethod
    def start(
        cls,
        *,
        manifest: Path | None = None,
        home: Path | None = None,
        cache_dir: Path | None = None,
        offline: bool = False,
        mirror: Sequence[str] | None = None,
        allow_host: Sequence[str] | None = None,
        jobs: int | None = None,
        progress: bool = True,
        as_json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
    ) -> Session:
        """The session for the options of a command line and this process's environment."""
        environ = os.environ
        console = Console(verbosity=-1 if quiet else int(verbose), environ=environ)
        options = Options.of(
            environ,
            manifest=manifest,
            home=home,
            cache=cache_dir,
            offline=offline,
            mirrors=tuple(mirror or ()),
            allow_hosts=tuple(allow_host or ()),
            jobs=jobs,
        )
        for name, meant in misspelled_variables(environ).items():
            console.warn(f"{name} is not a variable of provision; did you mean {meant}?")
        bars = progress and not read_flag(environ, "PROVISION_NO_PROGRESS")
        return cls(options=options, console=console, as_json=as_json, bars=bars, manifest=manifest)

    def save(self, answer: CommandAnswer, path: Path | None, *, as_json: bool) -> int:
        """Write what would go to stdout into a file, if one is named; the rest is shown, and the exit code returned.

        With ``as_json``, that is the document; with ``--json`` as well, it is printed besides.
        """
        if path is None:
            return replace(self, as_json=as_json).show(answer)
        from provision.workflows.project import write_text

        lines = (*answer.lines, *answer.page, *answer.commands)
        write_text(path, document_text(answer.document) if as_json else "".join(f"{line}\n" for line in lines))
        remarks = (*answer.remarks, f"wrote {path}")
        return self.show(replace(answer, lines=(), page=(), commands=(), remarks=remarks))

    def show(self, answer: CommandAnswer) -> int:
        """Print the answer, as JSON if that was requested, and return its exit code."""
        if answer.error is not None:
            self._name_manifest(answer.error)
        for warning in answer.warnings:
            self.console.warn(self._with_manifest(warning))
        for remark in answer.remarks:
            self.console.say(self._with_manifest(remark))
        if self.as_json:
            self.console.document(_document(answer))
        else:
            self.console.out(*map(self._with_manifest, answer.lines))
            self.console.page(*answer.page)
            self.console.paths(*answer.paths)
            self.console.commands(*answer.commands)
        if answer.error is not None:
            self.console.error(answer.error)
            return answer.error.exit_code
        return answer.code

    def _with_manifest(self, text: str) -> str:
        """The text with the commands that it names for this project, if ``--manifest`` selected the project."""
        if self.manifest is None:
            return text
        from provision.workflows.project import name_manifest

        return name_manifest(text, self.manifest)

    @contextmanager
    def hints(self) -> Iterator[Session]:
        """Let the hints of errors name the manifest of ``--manifest``; the variable for it still holds in them."""
        try:
            yield self
        except ProvisionError as error:
            self._name_manifest(error)
            raise

    def _name_manifest(self, error: ProvisionError) -> None:
        for one in error.errors if isinstance(error, SeveralErrors) else (error,):
            one.hint = self._with_manifest(one.hint) if one.hint else None

    def progress(self) -> Progress:
        """The progress display for this run."""
        from provision.cli.progress import choose_progress

        return choose_progress(self.console, bars=self.bars)


def _document(answer: CommandAnswer) -> Mapping[str, object]:
    if answer.error is None:
        return answer.document
    from provision.cli.failures import error_object

    return {**answer.document, "error": error_object(answer.error)}
