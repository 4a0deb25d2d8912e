"""One run: its options and resources, its steps, and what is known of its result."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from exporter import report as reports
from exporter.build.conveyor import Built, Key
from exporter.build.images import PlannedImage
from exporter.build.storage import StageStorage
from exporter.ci import Console
from exporter.credentials import logins_of, secrets_of
from exporter.errors import ExporterError, InputError, Interrupted, PartialExportError
from exporter.export import Export
from exporter.history import complete_history
from exporter.naming.tag_template import check_tags, compile_tags
from exporter.oci.reference import Reference, Repository, parse_repository
from exporter.options import MODES, Options
from exporter.outgoing import export_of, mutation_of
from exporter.plan import (
    Plan,
    check_nothing_missing,
    content_id,
    destinations,
    make_plan,
    select,
)
from exporter.project.loader import Project, ProjectOptions, load_project, warnings_of
from exporter.project.models.config import Image
from exporter.publish import (
    check_custom_tags,
    check_custom_tags_exist,
    publish,
    publish_final,
    published_source,
    recorded_commits,
    write_custom_tags,
    write_records,
)
from exporter.record import Record
from exporter.registry.client import RegistryClient
from exporter.sources import Source
from exporter.workshop import Workshop

P = ParamSpec("P")
R = TypeVar("R")


def _timed(
    name: str,
) -> Callable[[Callable[Concatenate["Run", P], R]], Callable[Concatenate["Run", P], R]]:
    """Have a step of the run measured."""

    def decorate(step: Callable[Concatenate["Run", P], R]) -> Callable[Concatenate["Run", P], R]:
        @wraps(step)
        def measured(run: "Run", /, *args: P.args, **kwargs: P.kwargs) -> R:
            started = time.time()
            try:
                return step(run, *args, **kwargs)
            finally:
                run.record.phase(name, started)

        return measured

    return decorate


class Run:
    """The resources and the steps of one run; a context manager that ends what it opened."""

    def __init__(
        self,
        options: Options,
        env: Mapping[str, str],
        console: Console,
        *,
        is_trial: bool = False,
    ) -> None:
        """Prepare; a trial keeps what it builds in the engine, also where a CI has a default."""
        self._is_trial = is_trial
        self._uses_default_repo = options.command in MODES and not options.repo and not is_trial
        repo = _default_repo(env) if self._uses_default_repo else options.repo
        self.options = options._replace(repo=repo)
        self._env = env
        self._console = console
        self._cwd = Path.cwd()
        self._stack = ExitStack()
        self._workshop = Workshop(self.options, env, console, self._stack)
        self.record = Record(time.time)
        self._project: Project | None = None
        self._commits: Sequence[str] = ()
        self._exports: Export | None = None

    def __enter__(self) -> Self:
        self._console.mask(secrets_of(self.options))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    # resources

    @property
    def client(self) -> RegistryClient:
        """The registry client."""
        return self._workshop.client

    @property
    def stages(self) -> Repository | None:
        """The repository of stages; None in local mode."""
        return self._workshop.stages

    # steps

    def check_options(self) -> None:
        """Everything that options alone can get wrong, all at once.

        Raises:
            InputError: With every problem.
        """
        problems: list[str] = []
        remedies: list[str] = []
        if not self.options.tag and self.options.command != "build":
            problems.append("no destination: --tag (input 'tags') is missing")
            remedies.append("As in --tag ghcr.io/me/app:v1; %image% stands for the image's name.")
        if not self.options.repo:
            needing = [
                f"--{option.replace('_', '-')}"
                for option in ("final_repo", "secondary_repo", "cache_repo", "add_custom_tag")
                if getattr(self.options, option)
            ]
            if needing:
                problems.append(f"{', '.join(needing)}: only together with --repo")
        problems += [
            f"--ssh-key {key} is no file"
            for key in self.options.ssh_key
            if not (self._cwd / Path(key).expanduser()).is_file()
        ]
        for check in (
            lambda: compile_tags(self.options.tag),
            lambda: compile_tags(self.options.add_custom_tag),
            lambda: mutation_of(self.options),
            lambda: self.stages,
            lambda: logins_of(self.options, self._env),
            self._check_build_report,
        ):
            try:
                check()
            except InputError as error:
                problems += error.problems
                if error.remedy:
                    remedies.append(error.remedy)
        if problems:
            sentences = [f"{remedy.rstrip('.')}." for remedy in dict.fromkeys(remedies)]
            raise InputError(*problems, remedy=" ".join(sentences))

    @_timed("Load the project")
    def load_project(self, *, quiet: bool = False) -> Project:
        """The project at its commit, with its warnings told."""
        project_options = ProjectOptions.of(self.options, cwd=self._cwd, env=self._env)
        project = self._stack.enter_context(load_project(project_options))
        for warning in () if quiet else warnings_of(project, project_options):
            self._console.warning(warning)
        self._project = project
        if self._uses_default_repo and self.options.repo:
            repo = _default_repo(self._env, project.config.project)
            self.options = self._workshop.options = self.options._replace(repo=repo)
            self._console.say(f"Stages are kept in {repo}, the default of this CI.")
        return project

    def _complete_history(self, project: Project, images: Collection[Image]) -> None:
        warning = complete_history(project, images, monotonic=self.options.monotonic)
        if warning and not self._is_trial:
            self._console.warning(warning)

    @_timed("Plan")
    def make_plan(self, project: Project) -> Plan:
        """The plan: images selected, destinations checked, every stage looked up.

        Raises:
            ExporterError: What keeps an image from being planned, or a destination is wrong.
        """
        selection = select(project.config, self.options)
        check_tags(compile_tags(self.options.tag), selection.exported)
        check_custom_tags(compile_tags(self.options.add_custom_tag), selection.exported)
        self._complete_history(project, selection.needed.values())
        session = self._workshop.session(project)
        if any(image.staged for image in selection.needed.values() if image.kind == "dockerfile"):
            self._console.notice(
                "staged: true changes nothing here: BuildKit caches every instruction anyway"
            )
        self._commits = recorded_commits(session, virtual_merge=self.options.virtual_merge)
        plan = make_plan(session, selection, self.options, session.build_platform)
        for name in selection.asked:
            self.record.planned(plan, name, may_build=self.options.command != "plan")
        tags = {name: str(content_id(plan.of(name))) for name in selection.exported}
        for name, goals in destinations(self.options, tags, self.stages).items():
            self.record.goals(name, goals)
        if self.options.require_built_images:
            check_nothing_missing(plan)
        return plan

    @_timed("Check")
    def preflight(self, plan: Plan) -> None:
        """Check what would only fail after something is built.

        A build may begin meanwhile; BuildKit gets no Dockerfile before all is well.

        Raises:
            EngineError: The engine is missing.
            RegistryError: A repository may not be written.
        """
        from exporter.preflight import begin_checks  # noqa: PLC0415 - before builds only

        self._workshop.checks = begin_checks(
            plan, client=self.client, options=self.options, env=self._env, stages=self.stages
        )
        if any(image.missing[0].stage.name != "dockerfile" for image in plan.missing):
            self._workshop.permit()

    @_timed("Build")
    def build(self, plan: Plan) -> tuple[Source, ...]:
        """Build and publish what is missing; the exported images, ready to go out.

        Raises:
            BuildError: A build failed; what was finished before is published.
            RegistryError: A registry refused.
        """
        session = plan.session
        outcome = plan.conveyor.build(plan.images, self._watch)
        self._workshop.permit()  # what kept everything from being built comes before what failed
        images = {key: built.plan for key, built in outcome.results.items()}
        done = [
            name
            for name in plan.selection.needed
            if all((name, platform) in images for platform in plan.platforms[name])
        ]
        published = {
            name: publish(session, name, [images[name, each] for each in plan.platforms[name]])
            for name in done
        }
        for name in plan.selection.asked:
            if name not in published:
                continue
            self.record.built(name, plan, outcome.results, published[name])
        if not self.options.skip_image_metadata_publication:
            write_records(
                session,
                published,
                commits=() if self.options.dev else self._commits,
                was_built=bool(plan.missing) or session.storages.has_copied,
            )
        self._write_build_report(
            plan, outcome.results, self._with_final_copies(plan, published, images)
        )
        if outcome.errors:
            first, *others = outcome.errors.values()
            for other in others:
                if isinstance(other, ExporterError):
                    self._console.error(other)
            raise first
        return tuple(published[name] for name in plan.selection.exported)

    def tag_custom(self, plan: Plan, sources: Sequence[Source]) -> None:
        """Give the built images their custom tags, in ``--final-repo`` when there is one.

        Raises:
            BuildError: A tag is missing, and ``--require-built-images`` is set.
        """
        if not self.options.add_custom_tag:
            return
        templates = compile_tags(self.options.add_custom_tag)
        repository = parse_repository(self.options.final_repo or self.options.repo)
        for source in sources:
            if self.options.require_built_images:
                check_custom_tags_exist(self.client, source, templates, repository)
            else:
                write_custom_tags(plan.session, source, templates, repository)

    def read_build_report(self) -> tuple[Source, ...]:
        """The selected final images of a build report of werf or ours.

        Raises:
            InputError: No path is given, or the report cannot be read.
        """
        path = self.options.build_report_path
        if not path:
            raise InputError("--use-build-report needs a path", remedy="Set --build-report-path.")
        from exporter import build_report  # noqa: PLC0415 - only when asked for

        known = build_report.read(self._cwd / path)
        project = self.load_project()
        selection = select(project.config, self.options)
        check_tags(compile_tags(self.options.tag), selection.exported)
        self._complete_history(project, ())
        found = tuple(known[name] for name in selection.exported if name in known)
        if not found and not self.options.allow_empty:
            raise InputError(
                f"the build report {path} holds none of the selected images",
                remedy="--allow-empty makes this a success.",
            )
        return found

    @_timed("Export")
    def export(self, sources: Sequence[Source], stages: Repository | None) -> None:
        """Bring the images to their destinations.

        Raises:
            RegistryError: With ``fail-fast`` the first refusal.
            PartialExportError: With ``continue``, when some are in place and some are not.
        """
        export = self._prepare([self._sent(source) for source in sources], stages)
        try:
            export.run()
        finally:
            self.record.exported(export.results)
        if export.error is not None:
            if self.options.on_error == "fail-fast":
                raise export.error
            raise self._partial(export)

    @_timed("Look at the destinations")
    def look(self, plan: Plan) -> None:
        """Note what an export would do; nothing is written."""
        known = [
            source
            for name in plan.selection.exported
            if (source := published_source(plan.session, name, plan.of(name))) is not None
            and not plan.session.is_local
        ]
        export = self._prepare(known, self.stages)
        export.look()
        self.record.exported(export.results, only_looked=True)
        looked = {source.image for source in known}
        tags = {name: str(content_id(plan.of(name))) for name in plan.selection.exported}
        for name, goals in destinations(self.options, tags, self.stages).items():
            if name not in looked:
                self.record.would(name, [self._would(goal) for goal in goals])

    def _would(self, reference: Reference) -> tuple[Reference, reports.Status, str]:
        """What would become of a destination whose image must be built first, and what it shows."""
        try:
            shown = self.client.head_manifest(reference)
        except ExporterError:
            shown = None
        if shown is None or self.options.if_exists == "move":
            return reference, "planned", str(shown.digest) if shown else ""
        status: reports.Status = "kept" if self.options.if_exists == "keep" else "refused"
        return reference, status, str(shown.digest)

    # inside

    def _sent(self, source: Source) -> Source:
        """A stage of the engine with its layers at the first destination, where it can go out."""
        if source.reference.repository.registry:
            return source
        from exporter.build.local import send_layers  # noqa: PLC0415 - only without --repo

        goals = destinations(self.options, {source.image: source.content_tag}, None)
        first = goals[source.image][0].repository
        graph = send_layers(self._workshop.engine_images, self.client, source.reference, first)
        return replace(source, reference=first.at(graph.root.digest), graph=graph)

    def _with_final_copies(
        self, plan: Plan, published: Mapping[str, Source], images: Mapping[Key, PlannedImage]
    ) -> Mapping[str, Source]:
        """What was published, final images as they are in ``--final-repo`` when there is one."""
        if not self.options.final_repo:
            return published
        final = StageStorage(self.client, parse_repository(self.options.final_repo))
        return {
            name: publish_final(
                plan.session,
                source,
                [images[name, each] for each in plan.platforms[name]],
                final,
                only_look=self.options.require_built_images,
            )
            if plan.selection.needed[name].final
            else source
            for name, source in published.items()
        }

    def _check_build_report(self) -> None:
        if self.options.save_build_report and self.options.build_report_path:
            from exporter import build_report  # noqa: PLC0415 - only when asked for

            build_report.checked(Path(self.options.build_report_path))

    def _write_build_report(
        self, plan: Plan, built: Mapping[Key, Built], published: Mapping[str, Source]
    ) -> None:
        if not self.options.save_build_report:
            return
        from exporter import build_report  # noqa: PLC0415 - only when asked for

        path = self._cwd / (self.options.build_report_path or build_report.DEFAULT_PATH)
        build_report.write(
            path,
            [
                build_report.Reported(
                    image=plan.selection.needed[name],
                    parts=[built[name, platform] for platform in plan.platforms[name]],
                    source=source,
                )
                for name, source in published.items()
            ],
            by_platform=self._env.get("WERF_ENABLE_REPORT_BY_PLATFORM") == "1",
        )

    def _watch(
        self, plan: PlannedImage, work: Callable[[Callable[[str], None]], PlannedImage]
    ) -> PlannedImage:
        name = plan.name or "(nameless)"
        with self._console.group(f"Build {name} ({plan.platform})") as group:
            return work(group.say)

    def _prepare(self, sources: Sequence[Source], stages: Repository | None) -> Export:
        return export_of(self.client, sources, stages, options=self.options, project=self._project)

    # what is known

    def failed(self, error: ExporterError) -> None:
        """Remember why the run ended early, and say it; a signal ends what still runs."""
        self.record.error = error
        if isinstance(error, Interrupted):
            self.client.cancel()
        self._console.error(error)

    def report(self) -> int:
        """Write outputs, summary, report file and table; the exit code of the run."""
        report = self.record.report(self.options.command, self._project, self._console.problems)
        from exporter.reporting import hand_out  # noqa: PLC0415 - only at the end

        try:
            hand_out(
                report, options=self.options, env=self._env, console=self._console, cwd=self._cwd
            )
        except InputError as problem:
            self._console.error(problem)
            return report.exit_code or problem.exit_code
        return report.exit_code

    def _partial(self, export: Export) -> ExporterError:
        references = [ref for image in export.results for ref in image.references]
        failed = [ref for ref in references if ref.error is not None]
        for ref in failed:
            if ref.error is not None:
                self._console.error(ref.error)
        if len(failed) == len(references) and export.error is not None:
            return export.error
        return PartialExportError(
            f"{len(failed)} of {len(references)} references are not as asked",
            remedy="The others are in place; run again after mending the cause.",
        )


def _default_repo(env: Mapping[str, str], project: str = "") -> str:
    from exporter.ci.variables import default_repo  # noqa: PLC0415 - without --repo only

    return default_repo(env, project=project)
