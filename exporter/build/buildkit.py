"""Building with BuildKit: attempts, ways for the image to leave, and what is tried again.

Most solves are asked of BuildKit itself; what only ``docker buildx`` knows is done by it.
The user's own builders, contexts and credentials apply in both cases.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from exporter.build.buildx import Buildx
from exporter.build.delivery import Deliveries, Delivery
from exporter.build.direct import Direct
from exporter.build.progress import Failure
from exporter.build.secret import BuildSecret, secret_arguments
from exporter.build.solve import Solve, Solved
from exporter.log import hide, redact

_SECRET_BYTES = 64 << 10
PUSH_ATTEMPTS = 5
"""How often a solve is repeated when only the push of its (then cached) result failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildKit:
    """How builds are run: by asking BuildKit itself, or by the program where only that can."""

    buildx: Buildx
    direct: Direct
    sleep: Callable[[float], None]
    deliveries: Deliveries

    def solve(self, solve: Solve, *, say: Callable[[str], None]) -> Solved:
        """Build and publish one image.

        A push that fails for a passing reason is tried again; the steps are cached by then.

        Raises:
            BuildError: A step failed; names the instruction's place and carries its last lines.
            EngineError: The program or the engine is missing or out of reach.
            RegistryError: The engine could not push, or could not read a base image's registry.
        """
        hide(_texts(solve.secrets))
        if told := secret_arguments(solve.arguments):
            hide(told.values())
            say(
                f"The values of {', '.join(told)} are hidden here, but stay in the history of the"
                " image: 'secrets' of werf.yaml leave no trace"
            )
        attempt = 0
        while True:
            delivery = self._delivery(solve)
            outcome = self._once(solve, delivery, say)
            if isinstance(outcome, Solved):
                return outcome
            from exporter.build import failures  # noqa: PLC0415 - few builds fail

            message = failures.first_line(outcome.message)
            if failures.is_unreachable(outcome) and self.deliveries.fall_back(delivery, message):
                continue
            attempt += 1
            if attempt == PUSH_ATTEMPTS or not failures.is_passing(outcome):
                raise failures.error_of(solve, outcome)
            delay = float(2 ** (attempt - 1))
            say(f"{redact(message)}; trying again in {delay:.0f} s")
            self.sleep(delay)

    def _delivery(self, solve: Solve) -> Delivery:
        """The way to take: the first one on which this BuildKit can go."""
        delivery = self.deliveries.current
        if delivery.pushes and not self.direct.reach.can_push(solve.platform):
            self.deliveries.fall_back(delivery)
        return self.deliveries.current

    def _once(
        self, solve: Solve, delivery: Delivery, say: Callable[[str], None]
    ) -> Solved | Failure:
        """One attempt."""
        if not self.direct.takes(solve, delivery) or self.buildx.has_caches:
            return self.buildx.once(solve, delivery, say)
        outcome = self.direct.once(solve, delivery, say)
        if isinstance(outcome, Failure):
            from exporter.build import failures  # noqa: PLC0415 - few builds fail

            if failures.is_about_names(outcome):
                return self.buildx.once(solve, delivery, say)
        return outcome


def _texts(secrets: Sequence[BuildSecret]) -> Iterator[str]:
    """What must not be shown: the values, and the contents of small files."""
    for secret in secrets:
        if secret.value is not None:
            yield secret.value.strip()
        elif secret.file is not None and secret.file.stat().st_size <= _SECRET_BYTES:
            yield secret.file.read_bytes().decode("utf-8", "replace").strip()
