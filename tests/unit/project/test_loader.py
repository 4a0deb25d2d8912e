import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import ConfigError, GiterminismError, GitError
from exporter.project.commands import config_graph, config_list, config_render
from exporter.project.loader import (
    Project,
    ProjectOptions,
    load_project,
    secret_values,
    warnings_of,
)
from tests.repositories import Builder

CONFIG = """\
configVersion: 1
project: demo
---
image: base
final: false
from: debian:12
---
image: app
from: base
---
image: ~
final: false
dockerfile: Dockerfile
"""


@pytest.fixture
def repository(tmp_path: Path) -> Builder:
    built = Builder(path=tmp_path / "repo").init().write({"werf.yaml": CONFIG})
    built.commit()
    return built


def options(repository: Builder, **more: Any) -> ProjectOptions:  # noqa: ANN401 - many types
    env = {"PATH": os.environ["PATH"], "HOME": str(repository.path.parent)}
    return ProjectOptions(cwd=repository.path, env=env, **more)


@pytest.fixture
def project(repository: Builder) -> Iterator[Project]:
    with load_project(options(repository)) as loaded:
        yield loaded


def test_a_project_has_its_config_and_commit(repository: Builder, project: Project) -> None:
    assert project.config.project == "demo"
    assert [image.name for image in project.config.images] == ["base", "app", ""]
    assert project.commit.object_id == repository.git("rev-parse", "HEAD")
    assert (project.directory, project.path) == (repository.path, "")


def test_the_commands_print_the_config(project: Project) -> None:
    assert config_render(project, ()) == CONFIG
    assert config_render(project, ["app"]) == "image: app\nfrom: base\n"
    assert config_list(project.config, final_only=False) == "base\napp\n~\n"
    assert config_list(project.config, final_only=True) == "app\n"
    assert config_graph(project.config, [], final_only=False) == (
        "- image: base\n- image: app\n  dependsOn:\n    from: base\n- {}\n"
    )
    assert config_graph(project.config, ["base"], final_only=True) == "[]\n"


def test_nothing_is_written_to_the_repository(repository: Builder) -> None:
    repository.write({"new.txt": "n"})
    before = _files(repository.path)
    for dev in (False, True):
        with load_project(options(repository, dev=dev)) as loaded:
            assert loaded.config.project == "demo"
    assert _files(repository.path) == before


def _files(path: Path) -> dict[str, bytes]:
    found = (each for each in path.rglob("*") if each.is_file() and each.name != "index")
    return {str(each.relative_to(path)): each.read_bytes() for each in found}


def test_a_project_may_be_below_the_top_of_the_work_tree(repository: Builder) -> None:
    repository.write({"sub/werf.yaml": CONFIG}).commit()
    with load_project(options(repository, dir="sub")) as loaded:
        assert (loaded.directory, loaded.path) == (repository.path / "sub", "sub")


def test_the_rendered_config_is_written_before_it_is_read(repository: Builder) -> None:
    repository.write({"werf.yaml": "configVersion: {{ 1 }}\nproject: [\n"}).commit()
    with pytest.raises(ConfigError) as raised:
        load_project(options(repository, config_render_path="out.yaml"))
    assert (repository.path / "out.yaml").read_text() == "configVersion: 1\nproject: [\n"
    assert str(raised.value).startswith("out.yaml:")


def test_errors_in_a_rendered_config_say_that_lines_are_of_the_rendering(
    repository: Builder,
) -> None:
    repository.write({"werf.yaml": "configVersion: {{ 1 }}\nproject: UP\n"}).commit()
    with pytest.raises(ConfigError) as raised:
        load_project(options(repository))
    assert str(raised.value).startswith('rendered werf.yaml:2:1: bad project name "UP"')


def test_an_uncommitted_config_is_refused_with_the_remedy(repository: Builder) -> None:
    repository.write({"werf.yaml": CONFIG + "# changed\n"})
    with pytest.raises(GiterminismError, match="Commit it, or run with --dev"):
        load_project(options(repository))


def test_a_config_with_includes_is_refused(repository: Builder) -> None:
    repository.write({"werf-includes.yaml": "includes: []\n"}).commit()
    with pytest.raises(ConfigError, match="not supported"):
        load_project(options(repository))


def test_a_directory_without_a_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GitError, match=r"unable to find a valid \.git"):
        load_project(ProjectOptions(cwd=tmp_path, env={"PATH": os.environ["PATH"]}))


def test_a_work_tree_that_does_not_hold_the_project_is_refused(
    repository: Builder, tmp_path: Path
) -> None:
    other = Builder(path=tmp_path / "other").init()
    with pytest.raises(GitError, match="to be located inside the git work tree"):
        load_project(options(repository, git_work_tree=str(other.path)))


def test_the_suggested_project_name_comes_from_the_remote(repository: Builder) -> None:
    repository.write({"werf.yaml": "image: a\nfrom: x\n"}).commit()
    repository.git("remote", "add", "origin", "git@gitlab.example.org:Group/my_app.git")
    with pytest.raises(ConfigError, match="project: group-my-app"):
        load_project(options(repository))


def test_secrets_of_the_config_are_known_and_never_logged(
    repository: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.write(
        {
            "werf.yaml": CONFIG + "secrets: [{id: a, value: very-s3cret}]\n",
            "werf-giterminism.yaml": "giterminismConfigVersion: 1\n"
            "config: {secrets: {allowValueIds: [a]}}\n",
        }
    ).commit()
    with load_project(options(repository)) as loaded:
        assert secret_values(loaded.config) == ("very-s3cret",)
        assert "very-s3cret" not in repr(loaded.config)
    assert "very-s3cret" not in capsys.readouterr().err


def test_development_mode_in_a_ci_is_warned_of(repository: Builder) -> None:
    given = options(repository, dev=True)
    with load_project(given) as loaded:
        assert warnings_of(loaded, given) == ()
        in_ci = ProjectOptions(cwd=given.cwd, env={**given.env, "CI": "true"}, dev=True)
        assert "development mode is enabled in CI" in warnings_of(loaded, in_ci)[0]


def test_text_that_is_never_read_is_warned_of(repository: Builder) -> None:
    repository.write({"werf.yaml": CONFIG + "--- # not-read\nimage: lost\nfrom: alpine\n"})
    repository.commit()
    asked = options(repository)
    with load_project(asked) as project:
        assert [image.name for image in project.config.images] == ["base", "app", ""]
        assert warnings_of(project, asked)[0].startswith("werf.yaml:14: nothing from here")


def test_a_config_that_is_no_template_starts_without_the_engine(repository: Builder) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from exporter.project.loader import ProjectOptions, load_project\n"
        "options = ProjectOptions(cwd=Path.cwd(), env=dict(os.environ))\n"
        "load_project(options).close()\n"
        "heavy = {'exporter.gotemplate.template_set', 'exporter.project.engine', 're2', 'docker'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    root = Path(__file__).parents[3]
    env = {**options(repository).env, "PYTHONPATH": str(root)}
    python = os.environ.get("VIRTUAL_ENV", str(root / ".venv")) + "/bin/python"
    command = [python, "-c", code]
    done = subprocess.run(command, cwd=repository.path, env=env, capture_output=True, check=True)
    assert done.stdout == b"[]\n"
