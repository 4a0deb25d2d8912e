"""What a build says: BuildKit's lines in the words of werf.yaml, and what is read from them."""

import re
from collections.abc import Callable, Iterable, Mapping

from exporter.build.durations import busy
from exporter.build.images import PlannedImage
from exporter.build.progress import Step
from exporter.build.stapel import imports
from exporter.build.stapel.chain import Work
from exporter.build.stapel.recipe import SUMS
from exporter.build.stapel.scripts import SUM_LINE

Say = Callable[[str], None]

_PLATFORM = r"(?:\S+/\S+ )?"
_RUN = re.compile(rf"^\[{_PLATFORM}stage(\d+) \d+/\d+\] RUN .*?\](?=$|: )")
_STAGE = re.compile(rf"^\[{_PLATFORM}stage(\d+) ")
_OTHER = re.compile(rf"^\[{_PLATFORM}(?:stage|source|base)\d* (?:\d+/\d+)?\] ?")
_SUM = re.compile(rf"{re.escape(SUM_LINE)}(\d+) ([0-9a-f]{{32}})")
_NO_NEWS = re.compile(rf"^\[(?:\S+ internal\]|{SUMS} )")
_NO_LOCALE = "cannot change locale (C.UTF-8)"  # a static bash has no locales: no news to anybody


def name_of(stage: str, work: Work) -> str:
    """A stage in lines of the build."""
    if work.imports:
        return f"{stage}: {'; '.join(imports.title(each.entry) for each in work.imports)}"
    return stage


def title_of(plan: PlannedImage) -> str:
    """The image in messages."""
    name = plan.name or "(nameless)"
    return name if str(plan.platform) == "linux/amd64" else f"{name} ({plan.platform})"


def plain_lines(say: Say, names: Mapping[int, str]) -> Say:
    """Says stages' names instead of the instructions that make them."""

    def plain(line: str) -> None:
        found = _RUN.match(line)
        if found:
            number = int(found[1])
            say(f"stage {names.get(number, number)}{line[found.end() :]}")
        elif not line.endswith(_NO_LOCALE) and not _NO_NEWS.match(line):
            say(_OTHER.sub("", line))

    return plain


def take_sum(line: str, checksums: dict[int, str]) -> bool:
    """Take in a line that tells the checksum of an import; False for any other line."""
    found = _SUM.fullmatch(line.strip())
    if found:
        checksums[int(found[1])] = found[2]
    return bool(found)


def seconds_by_stage(steps: Iterable[Step]) -> dict[int, float]:
    """What the steps of each stage took, by its number; 0 when the builder had the results."""
    found: dict[int, list[Step]] = {}
    for step in steps:
        if name := _STAGE.match(step.name):
            found.setdefault(int(name[1]), []).append(step)
    return {number: busy(own) for number, own in found.items()}
