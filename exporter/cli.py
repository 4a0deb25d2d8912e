"""The command line: subcommands, and the one place where errors become messages and exit codes.

Nothing else reads ``os.environ`` or ``sys.argv``. Imports are late: start-up time counts.
"""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, get_args

from exporter import __version__, log
from exporter.errors import ExporterError, InputError, Interrupted
from exporter.options import MODES, Command, Options
from exporter.resolve import FlagValue, mode_of, resolve

if TYPE_CHECKING:
    from types import FrameType

    from exporter.ci import Console

_BUG = 70
_NAME_MAX = 255  # bytes of one name, on every file system that counts
_LOOKING = ("export", "build", "plan")
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def console() -> NoReturn:
    """The console script ``exporter``."""
    # What a short run makes lives to its end; looking for garbage would be a sixth of its work.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # whatever the locale; bytes of files stay as they are
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    env = dict(os.environ)  # noqa: TID251 - the one place that reads it
    code = main(sys.argv[1:], env)
    gc.freeze()  # else all of it is looked through once more before the program ends
    sys.exit(code)


def main(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Run one command and return its exit code (``docs/reference/exit-codes.md``)."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    console: Console | None = None
    try:
        options = _options(argv, env)
        if options is None:
            return 0
        from exporter.ci import console_for  # noqa: PLC0415 - see the module's docstring

        console = console_for(
            options.ci,
            env,
            out=sys.stdout if options.command in (*MODES, "doctor") else sys.stderr,
            quiet=options.log_quiet,
            color=options.log_color_mode,
            project=Path(os.path.normpath(Path.cwd() / options.dir)),
        )
        log.set_up(debug=options.log_debug, quiet=options.log_quiet, handler=console.handler())
        return _run(options, env, console)
    except ExporterError as error:
        if console is None:
            console = _refuse(error, env)
        else:
            console.error(error)
        return error.exit_code
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
    except Exception:  # noqa: BLE001 - the boundary: anything unexpected is a bug of ours
        _tell_bug(console)
        return _BUG
    finally:
        if console is not None:
            console.finish()


def _run(options: Options, env: Mapping[str, str], console: "Console") -> int:
    """Hand over to the command's function."""
    if options.command.startswith("config "):
        from exporter.show import show  # noqa: PLC0415 - see the module's docstring

        return show(options, env, console)
    with _looking_ahead(options, env):
        return _command(options, env, console)


@contextmanager
def _looking_ahead(options: Options, env: Mapping[str, str]) -> Iterator[None]:
    """Have git look for what is not committed while the command is loaded."""
    is_needed = options.command in _LOOKING and not (options.dev or options.loose_giterminism)
    if not is_needed or options.git_work_tree:  # with it, the nearest repository may be another
        yield
        return
    from exporter.git.status import status_begun  # noqa: PLC0415 - see the module's docstring

    with status_begun(Path(os.path.normpath(Path.cwd() / options.dir)), env=env):
        yield


def _command(options: Options, env: Mapping[str, str], console: "Console") -> int:
    from exporter import app  # noqa: PLC0415 - see the module's docstring

    commands: Mapping[Command, Callable[[Options, Mapping[str, str], Console], int]] = {
        "export": app.export,
        "plan": app.plan,
        "build": app.build,
        "promote": app.promote,
        "ci-env": app.ci_env,
        "doctor": app.doctor,
    }
    return commands[options.command](options, env, console)


def _options(argv: Sequence[str], env: Mapping[str, str]) -> Options | None:
    """What was asked for; None when the answer (help, version, completion) is printed already."""
    from exporter import usage  # noqa: PLC0415 - see the module's docstring

    words = list(argv)
    if _runs_as_action(env) and (not words or _are_further_arguments(words, env)):
        words = [*mode_of(env).split(), *_further_arguments(env)]
    asked = usage.read(words)
    if isinstance(asked, str):
        sys.stdout.write(asked)
        return None
    flags: Mapping[str, FlagValue] = asked.flags
    options = resolve(asked.command, flags=flags, arguments=asked.arguments, env=env)
    for option, paths in (
        ("dir", [options.dir]),
        ("git-work-tree", [options.git_work_tree]),
        ("ssh-key", options.ssh_key),
    ):
        for path in paths:
            if "\0" in path or any(len(os.fsencode(part)) > _NAME_MAX for part in path.split("/")):
                raise InputError(
                    f"--{option}: no file can have the name {path[:40]!r}…",
                    remedy=f"Each part of a path has at most {_NAME_MAX} bytes, and no NUL.",
                )
    return options


def _are_further_arguments(words: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether the command line is what the input ``args`` holds: GitHub's runner passes it on."""
    starts = {command.split()[0] for command in get_args(Command)}
    return bool(env.get("INPUT_ARGS", "").strip()) and words[0] not in starts


def _further_arguments(env: Mapping[str, str]) -> list[str]:
    """What the input ``args`` holds, split as a shell splits it."""
    import shlex  # noqa: PLC0415 - only here

    try:
        return shlex.split(env.get("INPUT_ARGS") or env.get("PLUGIN_ARGS") or "", comments=True)
    except ValueError as error:
        raise InputError(
            f"input 'args': {str(error).lower()}", remedy="Quote as in a shell, or use the inputs."
        ) from error


def _runs_as_action(env: Mapping[str, str]) -> bool:
    return any(key.startswith(("INPUT_", "PLUGIN_")) for key in env)


def _stop(number: int, _frame: "FrameType | None") -> None:
    """Turn a signal into an exception; a second one of the same kind ends the program at once."""
    from exporter import process  # noqa: PLC0415 - see the module's docstring

    signal.signal(number, signal.SIG_DFL)
    process.stop_all()
    raise Interrupted(signal.Signals(number).name, 128 + number)


def _refuse(error: ExporterError, env: Mapping[str, str]) -> "Console":
    """Tell why nothing was begun, to a CI also by the outputs and the summary of the step."""
    from exporter import app  # noqa: PLC0415 - see the module's docstring
    from exporter.ci import console_for  # noqa: PLC0415 - the same

    console = console_for("auto", env, out=sys.stderr)
    console.error(error)
    if _runs_as_action(env):
        app.refused(error, env, console)
    return console


def _tell_bug(console: "Console | None") -> None:
    import traceback  # noqa: PLC0415 - only here

    text = log.redact(traceback.format_exc())
    if console is not None:
        console.bug(text)
    else:
        sys.stderr.write(text)
    sys.stderr.write(
        f"This is a bug in the exporter {__version__}; please report it with the lines above.\n"
    )
