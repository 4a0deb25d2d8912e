"""Images from kept contexts: each run sees its commit, whatever happened to the directory."""

import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from exporter import process
from exporter.build.dockerfile import kept
from exporter.build.dockerfile.kept_index import fingerprints
from tests.images import pull
from tests.integration.runs import ONE_IMAGE, Ran, Workplace

pytestmark = [pytest.mark.engine, pytest.mark.registry]

FILES = {
    "werf.yaml": ONE_IMAGE,
    "Dockerfile": "FROM scratch\nCOPY . /\n",
    ".dockerignore": "werf.yaml\n**/*.log\n",
    "a/one": "1\n",
    "a/b/two": "2\n",
    "a/b/two.log": "ignored\n",
}
SHOWN = {".dockerignore": FILES[".dockerignore"], "a/one": "1\n", "a/b/two": "2\n"}


@pytest.fixture(autouse=True)
def every_context_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LEAST_FILES", 0)


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The builds that were started."""
    found: list[str] = []
    plain = process.logger.debug

    def note(message: str, *arguments: object) -> None:
        line = message % arguments
        if "--metadata-file" in line:
            found.append(line)
        plain(message, *arguments)

    monkeypatch.setattr(process.logger, "debug", note)
    return found


def check_image(workplace: Workplace, ran: Ran, wanted: Mapping[str, str]) -> None:
    """The exported image has the wanted files, beside the Dockerfile and git's own."""
    assert ran.code == 0, ran.text
    found = {
        each["path"].lstrip("/"): each["sha256"]
        for each in pull(workplace.tag).tree()
        if each["type"] == "f" and each["path"] not in ("/Dockerfile", "/.gitmodules")
    }
    assert found == {path: sha256(text.encode()).hexdigest() for path, text in wanted.items()}


def directory(workplace: Workplace) -> Path:
    """The only kept context."""
    (place,) = (workplace.folder / ".exporter/contexts").iterdir()
    return place / place.name


def test_what_somebody_changed_never_gets_into_an_image(
    workplace: Workplace, starts: list[str]
) -> None:
    workplace.commit(FILES)
    check_image(workplace, workplace.export(), SHOWN)
    (directory(workplace) / "a/one").write_text("meddled\n")
    (directory(workplace) / "a/more").write_text("meddled\n")
    workplace.commit({"a/b/two": "3\n"})
    check_image(workplace, workplace.export(), {**SHOWN, "a/b/two": "3\n"})
    assert len(starts) == 3  # the one that had been started before the look was ended


def test_a_look_that_takes_too_long_means_another_start(
    workplace: Workplace, starts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.commit(FILES).export()

    def slow(place: Path) -> dict[str, str]:
        time.sleep(3)
        return fingerprints(place)

    monkeypatch.setattr(kept, "fingerprints", slow)
    workplace.commit({"a/b/two": "3\n"})
    check_image(workplace, workplace.export(), {**SHOWN, "a/b/two": "3\n"})
    assert len(starts) == 3


def test_a_full_disk_means_a_stream(
    workplace: Workplace, starts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_FREE_BYTES", 1 << 60)
    workplace.commit(FILES)
    check_image(workplace, workplace.export(), SHOWN)
    assert [start.endswith(" -") for start in starts] == [True]


def test_files_of_submodules_are_kept_and_change(workplace: Workplace, tmp_path: Path) -> None:
    inner = type(workplace.project)(path=tmp_path / "inner")
    inner.path.mkdir()
    inner.init().write({"three": "3\n", "deep/four": "4\n"}).commit()
    workplace.project.init().write(FILES).submodule(inner.path, "a/sub").commit()
    wanted = {**SHOWN, "a/sub/three": "3\n", "a/sub/deep/four": "4\n"}
    check_image(workplace, workplace.export(), wanted)
    checkout = workplace.project.path / "a/sub"
    inner.write({"three": "5\n"}).commit()
    workplace.project.git("-c", "protocol.file.allow=always", "pull", "-q", cwd=checkout)
    workplace.project.commit()
    check_image(workplace, workplace.export(), {**wanted, "a/sub/three": "5\n"})


def test_uncommitted_files_of_the_development_mode(workplace: Workplace) -> None:
    workplace.commit(FILES)
    for text in ("5\n", "6\n"):
        workplace.project.write({"a/one": text})
        check_image(workplace, workplace.export("--dev"), {**SHOWN, "a/one": text})
    assert (directory(workplace) / "a/one").read_text() == "6\n"
