"""The help texts: a screen per command with what most people need, and everything on demand."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from exporter.options import OPTION_GROUPS, Command, Option
from exporter.value import dataclass

_WIDTH = 110
_MARGIN = 33
_COMMON = frozenset({
    "tag", "repo", "add-label", "if-exists", "on-error", "from", "platform",
    "require-built-images", "add-custom-tag", "dir", "config", "env", "dev",
    "registry-username", "registry-password", "report-path", "output-file",
    "log-debug", "as-file", "as-env-file", "output-file-path", "login-to-registry",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a command does, what it takes besides options, and examples."""

    text: str
    examples: Sequence[str]
    takes: str = ""


_IMAGES = "[IMAGE…] "

ABOUT: Mapping[Command, About] = {
    "export": About(
        text="Build what is missing, publish it, and export the images clean under their tags.",
        takes=_IMAGES,
        examples=(
            "exporter export --repo ghcr.io/me/app --tag ghcr.io/me/app:v1",
            "exporter export 'web-*' '!web-test' --repo r.example/app --tag r.example/%image%:v1",
        ),
    ),
    "build": About(
        text="Build what is missing and publish it to --repo; export nothing.",
        takes=_IMAGES,
        examples=("exporter build --repo ghcr.io/me/app --save-build-report",),
    ),
    "plan": About(
        text="Say what an export would build, create, move and leave; write nothing.",
        takes=_IMAGES,
        examples=("exporter plan --repo ghcr.io/me/app --tag ghcr.io/me/app:v1",),
    ),
    "promote": About(
        text="Export images of an earlier report, or one image by digest; no project, no engine.",
        examples=(
            "exporter promote --from report.json --tag registry.example.com/%image%:stable",
            "exporter promote --from ghcr.io/me/app@sha256:… --tag r.example/app:v1",
        ),
    ),
    "config render": About(
        text="Print the rendered werf.yaml, or the documents of some images.",
        takes=_IMAGES,
        examples=("exporter config render --env production",),
    ),
    "config list": About(
        text="Print the names of the images.", examples=("exporter config list --dev",)
    ),
    "config graph": About(
        text="Print which image needs which.",
        takes=_IMAGES,
        examples=("exporter config graph app",),
    ),
    "config schema": About(
        text="Print the JSON schema of werf.yaml, for editors.",
        examples=("exporter config schema > werf.schema.json",),
    ),
    "ci-env": About(
        text="Print the WERF_* variables that fit the CI, as werf's command of this name does.",
        takes="github|gitlab ",
        examples=(". $(exporter ci-env github --as-file)",),
    ),
    "doctor": About(
        text="Check git, engine, builder, registry and credentials, and say what to do.",
        examples=("exporter doctor --repo ghcr.io/me/app --tag ghcr.io/me/app:v1",),
    ),
}


def overview(group: str = "") -> str:
    """The commands (of a group), one line each."""
    lines = ["usage: exporter COMMAND [IMAGE…] [options]", ""]
    lines += [
        f"  {command:<14} {about.text}"
        for command, about in ABOUT.items()
        if command.startswith(group)
    ]
    if not group:
        lines += [f"  {'completion':<14} Print the completion script for bash, zsh or fish."]
        lines += ["", "exporter COMMAND --help shows a command's options and examples."]
    return "\n".join(lines) + "\n"


def command_help(command: Command, *, everything: bool) -> str:
    """The help of a command: the common options, or every option with its variables."""
    about = ABOUT[command]
    lines = [f"usage: exporter {command} {about.takes}[options]", "", about.text]
    rare = 0
    for title, options in OPTION_GROUPS.items():
        visible = [each for each in options if command in each.commands and not each.hidden]
        shown = [each for each in visible if everything or each.name in _COMMON]
        rare += len(visible) - len(shown)
        if shown:
            lines += ["", f"{title}:"]
            lines += [line for option in shown for line in _option(option, everything=everything)]
    lines += ["", "examples:", *(f"  {example}" for example in about.examples)]
    if rare:
        lines += ["", f"exporter {command} --help all shows {rare} more options, and variables."]
    return "\n".join(lines) + "\n"


def _option(option: Option, *, everything: bool) -> Iterator[str]:
    names = f"--{option.name}" if not option.short else f"-{option.short}, --{option.name}"
    left = f"  {names}{_value(option)}"
    text = f"{option.help}{_variables(option)}" if everything else option.help
    first, *others = textwrap.wrap(text, _WIDTH - _MARGIN, break_on_hyphens=False) or [""]
    if len(left) < _MARGIN - 1:
        yield f"{left:<{_MARGIN}}{first}"
    else:
        yield left
        yield f"{'':<{_MARGIN}}{first}"
    yield from (f"{'':<{_MARGIN}}{line}" for line in others)


def _value(option: Option) -> str:
    if option.kind == "flag":
        return "=false" if option.default else ""
    number = "NUMBER" if option.kind == "int" else "TEXT"
    return " " + ("|".join(option.choices) or number)


def _variables(option: Option) -> str:
    names = [f"${name}" for name in option.variables]
    names += [f"${option.prefix}*"] if option.prefix else []
    return f" [{', '.join(names)}]" if names else ""
