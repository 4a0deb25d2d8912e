"""The job, command by command: each function reads like the README's description.

``export`` loads the project, plans, checks what can be checked before work begins, builds what is
missing, exports, and says what was done, also when a step before failed.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from exporter.ci import Console
from exporter.ci.event import is_from_fork
from exporter.credentials import may_publish, without_accounts
from exporter.errors import ExporterError
from exporter.options import Options
from exporter.run import Run

Env = Mapping[str, str]


def export(options: Options, env: Env, console: Console) -> int:
    """Build what is missing and export the images; for a fork's pull request without exporting."""
    if is_from_fork(env) and not may_publish(options):
        return _for_fork(without_accounts(options), env, console)

    def work(run: Run) -> None:
        run.check_options()
        if options.use_build_report:
            sources = run.read_build_report()
        else:
            plan = run.make_plan(run.load_project())
            if plan.missing:
                run.preflight(plan)
            sources = run.build(plan)
        run.export(sources, run.stages)

    return _reported(options, env, console, work)


def build(options: Options, env: Env, console: Console) -> int:
    """Build what is missing and publish it."""

    def work(run: Run) -> None:
        run.check_options()
        plan = run.make_plan(run.load_project())
        if plan.missing:
            run.preflight(plan)
        run.tag_custom(plan, run.build(plan))

    return _reported(options, env, console, work)


def plan(options: Options, env: Env, console: Console) -> int:
    """Say what an export would do; write nothing."""

    def work(run: Run) -> None:
        run.check_options()
        plan = run.make_plan(run.load_project())
        run.look(plan)

    return _reported(options, env, console, work)


def _for_fork(options: Options, env: Env, console: Console) -> int:
    """Plan, and try to build what is missing in the engine only."""
    console.notice(
        "this run is of a fork, which gets no credentials: nothing is published. What is missing is"
        " built in the engine only, and the plan shows what would be done."
    )
    trial_options = options._replace(
        command="build", repo="", final_repo="", secondary_repo=(), cache_repo=(), add_custom_tag=()
    )

    def work(run: Run) -> None:
        run.check_options()
        plan = run.make_plan(run.load_project())
        run.look(plan)
        if any(len(platforms) > 1 for platforms in plan.platforms.values()):
            console.notice("not built: an engine keeps no images for several platforms")
        elif plan.missing:
            with Run(trial_options, env, console, is_trial=True) as trial:
                trial.build(trial.make_plan(trial.load_project(quiet=True)))

    return _reported(options._replace(command="plan"), env, console, work)


def promote(options: Options, env: Env, console: Console) -> int:
    """Export what an earlier run has built; no project, no engine."""
    from exporter.promotion import read_promotion  # noqa: PLC0415 - only here

    def work(run: Run) -> None:
        run.check_options()
        sources = read_promotion(options.from_, options.image, Path.cwd())
        run.export(sources, stages=None)

    return _reported(options, env, console, work)


def _reported(options: Options, env: Env, console: Console, work: Callable[[Run], None]) -> int:
    """Do the work and report it: outputs, summary, report file and table."""
    with Run(options, env, console) as run:
        try:
            work(run)
        except ExporterError as error:
            run.failed(error)
        return run.report()


def refused(error: ExporterError, env: Env, console: Console) -> None:
    """Tell later steps of a CI that the options were wrong."""
    from exporter.report import Report  # noqa: PLC0415 - only here
    from exporter.reporting import hand_out  # noqa: PLC0415 - only here

    report = Report(
        result="failure",
        command="export",
        problems=tuple(console.problems),
        exit_code=error.exit_code,
    )
    hand_out(report, options=Options("export"), env=env, console=console, cwd=Path.cwd())


def ci_env(options: Options, env: Env, console: Console) -> int:
    """Print the variables that ``werf ci-env`` sets."""
    from exporter.ci_env import print_variables  # noqa: PLC0415 - only here

    del console
    return print_variables(options, env)


def doctor(options: Options, env: Env, console: Console) -> int:
    """Look at everything that a run needs, and say what to do."""
    from exporter.doctor import examine  # noqa: PLC0415 - only here

    return examine(options, env, console)
