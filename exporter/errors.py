"""Every error that a user can meet, each with its exit code.

::

    ExporterError
    ├── InputError            2    options and inputs
    ├── ConfigError           3    werf.yaml, templates, giterminism, git
    │   ├── TemplateError          a Go template does not parse or execute
    │   ├── GiterminismError       something is not committed or not allowed
    │   └── GitError               the repository cannot give what is needed
    ├── BuildError            4    a build failed or cannot start
    │   └── EngineError            the Docker engine is missing, too old or out of reach
    ├── RegistryError         5    a registry refused after the last attempt
    │   └── DigestMismatchError    received bytes are not what their descriptor says
    ├── PartialExportError    6    some references are in place, some are not
    └── Interrupted           130  stopped by a signal (143 for SIGTERM)

An error carries fields; ``str()`` builds the message.
Nobody parses a message to find out what happened.
"""

from collections.abc import Sequence

from exporter.value import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the user's files or inputs something is wrong.

    ``path`` is relative to the project, ``line`` and ``column`` count from 1; 0 means unknown.
    """

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.path]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


class ExporterError(Exception):
    """Base of every expected error: ``[place: ]what happened[ (likely cause)][: what to do]``."""

    exit_code = 70

    def __init__(self, what: str, *, place: Place | None = None, remedy: str = "") -> None:
        """Describe what happened, where, and what the user can do about it."""
        super().__init__(what)
        self.what = what
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.place}: {self.what}" if self.place else self.what
        if not self.remedy:
            return text
        return f"{text}{'' if text.endswith(('.', '!', '?')) else '.'} {self.remedy}"


class InputError(ExporterError):
    """Options or inputs are wrong; all problems are reported at once."""

    exit_code = 2

    def __init__(self, *problems: str, remedy: str = "") -> None:
        """Carry every problem found, in the order of the options."""
        super().__init__("; ".join(problems), remedy=remedy)
        self.problems: Sequence[str] = problems


class ConfigError(ExporterError):
    """werf.yaml, a template or the repository's rules do not allow what was asked.

    ``excerpt`` is the part of the file around the place, shown below the message; whoever knows
    the file's text sets it.
    """

    exit_code = 3
    excerpt = ""

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}\n\n{self.excerpt}" if self.excerpt else text


class TemplateError(ConfigError):
    """A Go template does not parse or does not execute."""


class GiterminismError(ConfigError):
    """Something is not committed, or not allowed by werf-giterminism.yaml."""


class GitError(ConfigError):
    """The git repository cannot give what is needed."""


class BuildError(ExporterError):
    """A build failed or cannot start; ``output`` holds the last lines of the failing step."""

    exit_code = 4

    def __init__(
        self, what: str, *, place: Place | None = None, remedy: str = "", output: Sequence[str] = ()
    ) -> None:
        """Describe the failing step; ``output`` is shown below the message."""
        super().__init__(what, place=place, remedy=remedy)
        self.output = tuple(output)


class EngineError(BuildError):
    """The Docker engine is missing, too old, or cannot reach what it needs."""


class RegistryError(ExporterError):
    """A registry refused, or could not be reached, after the last attempt.

    ``status`` is the HTTP status (0 when there was no answer), ``codes`` the error codes of the
    distribution specification that the answer carried, ``registry`` the host that said so.
    """

    exit_code = 5

    def __init__(
        self,
        what: str,
        *,
        registry: str,
        status: int = 0,
        codes: Sequence[str] = (),
        remedy: str = "",
    ) -> None:
        """Describe what a registry refused."""
        super().__init__(what, remedy=remedy)
        self.registry = registry
        self.status = status
        self.codes = tuple(codes)


class DigestMismatchError(RegistryError):
    """Received or opened bytes are not what their descriptor says."""


class PartialExportError(ExporterError):
    """With ``--on-error continue``: some references are in place, some are not."""

    exit_code = 6


class Interrupted(ExporterError):  # noqa: N818 - it is not an error of anyone
    """A signal asked the program to stop."""

    exit_code = 130

    def __init__(self, signal_name: str, exit_code: int) -> None:
        """Remember the signal; the exit code is 128 plus its number."""
        super().__init__(f"interrupted by {signal_name}")
        self.exit_code = exit_code
