"""Builds an image and those that import from it by one solve.

Their Dockerfile is one, and each is built for another variant of the platform, so that BuildKit
gives all of them as one index. It pushes nothing: under which tags is known only afterwards.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from exporter.build.delivery import Deliveries
from exporter.build.engine import socket_of
from exporter.build.progress import Step
from exporter.build.secret import BuildSecret
from exporter.build.solve import Solve
from exporter.build.stapel.ahead import Ahead, Folder, Open, steps_of
from exporter.build.stapel.base import SCRATCH
from exporter.build.stapel.builder import Builder, Made, Say, recipe_for, sum_up
from exporter.build.stapel.job import DOCKERFILE, Missing, Start, SupersededError
from exporter.build.stapel.lines import name_of, plain_lines, seconds_by_stage, take_sum, title_of
from exporter.build.stapel.publication import Layers, without_sums
from exporter.build.stapel.recipe import IMAGE, Recipe
from exporter.errors import BuildError, EngineError, ExporterError, RegistryError
from exporter.oci.descriptor import Descriptor
from exporter.oci.document import View
from exporter.project.models.imports import Import

logger = logging.getLogger(__name__)

_AT_ONCE = 8
_UNKNOWN = ""
"""What an import refers to as long as its source is not built."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """An image in the common recipe."""

    opened: Open
    start: Start
    missing: Sequence[Missing]


class Together(Builder):
    """Builds several images of a session at a time."""

    is_refused = False
    """Whether it turned out that this engine cannot."""

    @property
    def is_possible(self) -> bool:
        """Whether layers are brought by this machine without a detour."""
        session = self._session
        buildkit = session.buildkit
        return (
            not session.is_local
            and buildkit.deliveries.by_client
            and not buildkit.buildx.builder
            and not buildkit.buildx.context
            and bool(socket_of(session.env))
        )

    def build_all(
        self, source: Open, others: Sequence[Open], imported: Sequence[Import], say: Say
    ) -> tuple[Made, list[Ahead | None]]:
        """The first image built and published, the others built as far as that is possible.

        Raises:
            BuildError: A stage of the first image failed; those before it are published.
        """
        platform, project = source.plan.platform, self._session.config.project
        with recipe_for(platform, project, is_common=True) as recipe:
            parts = [self._part(source, recipe)]
            recipe.stands_for(_UNKNOWN)
            sum_up(recipe, imported)
            parts += [self._part(each, recipe) for each in others]
            if not self._fit(parts):
                return self._alone(source, imported, say), [None for _ in others]
            folder = Folder(users=len(parts))
            try:
                made, checksums = self._solved(parts, recipe, folder, say)
            except (BuildError, EngineError, RegistryError) as error:
                folder.remove()
                found = _failed(error, recipe)
                if found is not None:
                    return self._failed(parts, imported, say, found)
                logger.debug("images cannot be built together: %s", error)
                self.is_refused = True
                return self._alone(source, imported, say), [None for _ in others]
            first, plan = parts[0], source.plan
            job = self._job(
                source.image, plan, source.needed, first.start, first.missing, recipe, say
            )
        found_stages = [stage for stage in plan.stages if stage.image is not None]
        try:
            stages = made[0].finish(job)
        except SupersededError:
            folder.remove()  # the others were made of what nobody is going to use
            raise
        return (
            Made(
                stages=(*found_stages, *stages),
                checksums=[(imported[number], each) for number, each in checksums.items()],
            ),
            [*made[1:]],
        )

    def _part(self, opened: Open, recipe: Recipe) -> _Part:
        plan = opened.plan
        start = self._start(opened.image, plan, opened.needed)
        recipe.begin(start.reference)
        missing = [
            self._missing(number, opened.image, plan, opened.needed, recipe)
            for number, stage in enumerate(plan.stages)
            if stage.image is None
        ]
        return _Part(opened=opened, start=start, missing=missing)

    def _fit(self, parts: Sequence[_Part]) -> bool:
        """Whether one solve can make them, and their base images need not be sent from here."""
        networks = {self._session.network or part.opened.image.network for part in parts}
        return (
            len(networks) == 1
            and len(_secrets(parts)) == len({each.id for each in _secrets(parts)})
            and all(steps_of(part.missing) for part in parts)
            # what begins with nothing runs on the variant, which no machine is of
            and all(part.start.reference != SCRATCH for part in parts)
            and not any(part.start.has_triggers for part in parts)
            and self._has_bases(parts)
        )

    def _has_bases(self, parts: Sequence[_Part]) -> bool:
        repository = self._storage.repository
        wanted = {
            blob.digest
            for part in parts
            if part.start.repository and part.start.repository.registry != repository.registry
            for blob in _blobs(part.start.layers)
        }
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return all(
                pool.map(lambda digest: self._client.blob_exists(repository, digest), wanted)
            )

    def _solved(
        self, parts: Sequence[_Part], recipe: Recipe, folder: Folder, say: Say
    ) -> tuple[list[Ahead], dict[int, str]]:
        """What one solve makes of the images, and the checksums that it tells."""
        folder.layout.expect(blob.digest for part in parts for blob in _blobs(part.start.layers))
        variants = [f"x{number}" for number in range(1, len(parts))]
        recipe.end(["", *variants])
        recipe.finish()
        source, session = parts[0], self._session
        checksums: dict[int, str] = {}
        plain = plain_lines(say, _names(parts))

        def listen(line: str) -> None:
            if not take_sum(line, checksums):
                plain(line)

        buildkit = replace(session.buildkit, deliveries=Deliveries([folder.layout], lambda _: None))
        solved = buildkit.solve(
            Solve(
                name=", ".join(title_of(part.opened.plan) for part in parts),
                reference=self._storage.repository.tag("together"),
                platform=source.opened.plan.platform,
                variants=variants,
                open_context=lambda: iter(()),
                directory=recipe.folder,
                dockerfile=str(recipe.folder / "Dockerfile"),
                display_file=DOCKERFILE,
                network=session.network or source.opened.image.network,
                ssh=("default",) if session.env.get("SSH_AUTH_SOCK") else (),
                secrets=_secrets(parts),
                contexts=recipe.contexts,
            ),
            say=listen,
        )
        if _ran_twice(solved.steps):
            raise EngineError("BuildKit has run a step twice that is the same for two images")
        seconds = seconds_by_stage(solved.steps)
        images = folder.layout.images()
        images[""] = without_sums(images[""])
        made = [
            Ahead(
                start=part.start,
                steps=steps_of(part.missing),
                folder=folder,
                layers=images[variant],
                seconds={at - index * IMAGE: took for at, took in seconds.items()},
            )
            for index, (part, variant) in enumerate(zip(parts, ["", *variants], strict=True))
        ]
        return made, checksums

    def _failed(
        self,
        parts: Sequence[_Part],
        imported: Sequence[Import],
        say: Say,
        failure: tuple[BuildError, int, int],
    ) -> tuple[Made, list[Ahead | None]]:
        """What to do when a stage of an image failed: nothing of it is run a second time."""
        error, at, number = failure
        failed = Ahead(
            start=parts[at].start,
            steps=steps_of(parts[at].missing),
            error=error,
            failed=number,
        )
        source = parts[0].opened
        made = self.build(
            source.image,
            source.plan,
            source.needed,
            say,
            imported=imported,
            ahead=None if at else failed,
        )
        return made, [failed if index == at else None for index in range(1, len(parts))]

    def _alone(self, source: Open, imported: Sequence[Import], say: Say) -> Made:
        return self.build(source.image, source.plan, source.needed, say, imported=imported)


def _failed(error: ExporterError, recipe: Recipe) -> tuple[BuildError, int, int] | None:
    """An error that is about a stage, with the numbers of its image and of the stage."""
    if not isinstance(error, BuildError) or error.place is None or error.place.path != DOCKERFILE:
        return None
    step = recipe.step_at(error.place.line)
    return None if step is None else (error, *divmod(step, IMAGE))


def _ran_twice(steps: Sequence[Step]) -> bool:
    """Whether a step of the source was not shared by the images: their files may differ then.

    BuildKit merges equal steps before it runs them, and calls all but one of them cached.
    """
    ran = [step.name for step in steps if " RUN " in step.name and not step.cached]
    return len(ran) > len(set(ran))


def _blobs(layers: Layers) -> list[Descriptor]:
    return [Descriptor.read(View(dict(layer.descriptor))) for layer in layers.all]


def _secrets(parts: Sequence[_Part]) -> tuple[BuildSecret, ...]:
    """Every secret once; two of one name when images mean different ones by it."""
    found: list[BuildSecret] = []
    for part in parts:
        for missing in part.missing:
            for secret in missing.step.secrets if missing.step else ():
                if secret.build not in found:
                    found.append(secret.build)
    return tuple(found)


def _names(parts: Sequence[_Part]) -> dict[int, str]:
    """What lines of the build call the stages: those of other images with the image's name."""
    found = {}
    for index, part in enumerate(parts):
        title = f" of {title_of(part.opened.plan)}" if index else ""
        for each in part.missing:
            if each.step is not None:
                found[index * IMAGE + each.step.number] = (
                    f"{name_of(each.stage.stage.name, each.work)}{title}"
                )
    return found
