"""GitLab, Azure and the CIs that only read lines."""

import io
from pathlib import Path

import pytest

from exporter.ci import console_for, detect
from exporter.ci.azure import Azure
from exporter.ci.console import Console
from exporter.ci.gitlab import GitLab
from exporter.ci.handover import results
from exporter.ci.plain import Plain
from exporter.ci.style import Style, style_for
from exporter.errors import InputError, Place


def azure(**env: str) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(Azure(env), out=out), out


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"GITHUB_ACTIONS": "true"}, "github"),
        ({"GITLAB_CI": "true"}, "gitlab"),
        ({"TF_BUILD": "True"}, "azure"),
        ({"CIRCLECI": "true"}, "circleci"),
        ({"BITBUCKET_BUILD_NUMBER": "1"}, "bitbucket"),
        ({"JENKINS_URL": "http://jenkins.test"}, "jenkins"),
        ({"DRONE": "true"}, "drone"),
        ({"CI": "woodpecker"}, "drone"),
        ({"CI": "true"}, "plain"),
    ],
)
def test_every_ci_is_known_by_its_own_variable(env: dict[str, str], name: str) -> None:
    assert detect(env) == name


def test_tekton_is_known_by_its_folder(tmp_path: Path) -> None:
    assert detect({}, tekton_results=tmp_path) == "tekton"
    assert detect({"GITHUB_ACTIONS": "true"}, tekton_results=tmp_path) == "github"


def test_a_ci_that_was_named_is_not_looked_for() -> None:
    console = console_for("gitlab", {"GITHUB_ACTIONS": "true"}, out=io.StringIO())
    assert console.dialect.name == "gitlab"


def test_gitlab_folds_groups_into_sections() -> None:
    out = io.StringIO()
    console = Console(GitLab(Style(colors=False), lambda: 1700000000.5), out=out)
    with console.group("Build app/web (linux/amd64)") as group:
        group.say("\x1b[0Ksection_end:1:build_app_web_linux_amd64\r\x1b[0Kforged")
    console.warning("careful")
    assert out.getvalue() == (
        "\x1b[0Ksection_start:1700000000:build_app_web_linux_amd64[collapsed=true]\r\x1b[0K"
        "Build app/web (linux/amd64)\n"
        "section_end:1:build_app_web_linux_amd64\nforged\n"
        "\x1b[0Ksection_end:1700000000:build_app_web_linux_amd64\r\x1b[0K\n"
        "warning: careful\n"
    )


def test_azure_groups_issues_and_secrets() -> None:
    console, out = azure()
    console.mask(["s3cret;]%"])
    with console.group("Build ##[group]app") as group:
        group.say("##vso[task.setvariable variable=PATH]/evil and ##[error]forged")
    console.error(InputError("bad\ninput"))
    console.warning("w", Place(path="a;b]", line=2, column=3))
    console.notice("n")
    assert out.getvalue() == (
        "##vso[task.setsecret]s3cret;]%AZP25\n"
        "##[group]Build ##\u200b[group]app\n"
        "##\u200bvso[task.setvariable variable=PATH]/evil and ##\u200b[error]forged\n"
        "##[endgroup]\n"
        "##vso[task.logissue type=error]bad%0Ainput\n"
        "##vso[task.logissue type=warning;sourcepath=a%3Bb%5D;linenumber=2;columnnumber=3]w\n"
        "notice: n\n"
    )


def test_azure_outputs_are_variables_and_the_summary_a_file(tmp_path: Path) -> None:
    console, out = azure(AGENT_TEMPDIRECTORY=str(tmp_path))
    console.write_outputs({"content-tags": "a\nb%", "digest": "sha256:1"})
    console.write_summary("# Table\n")
    assert out.getvalue() == (
        "##vso[task.setvariable variable=content_tags;isOutput=true]a%0Ab%AZP25\n"
        "##vso[task.setvariable variable=digest;isOutput=true]sha256:1\n"
        f"##vso[task.uploadsummary]{tmp_path}/exporter-summary.md\n"
    )
    assert (tmp_path / "exporter-summary.md").read_text() == "# Table\n"


def test_azure_without_its_folder_uploads_nothing() -> None:
    console, out = azure()
    console.write_summary("# Table\n")
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("name", "variable", "text"),
    [
        (
            "circleci",
            "BASH_ENV",
            "export EXPORTER_REFERENCES='a\nb'\nexport EXPORTER_CONTENT_TAGS='{\"a\":\"$x\"}'\n",
        ),
        (
            "bitbucket",
            "BITBUCKET_PIPELINES_VARIABLES_PATH",
            'EXPORTER_REFERENCES=a b\nEXPORTER_CONTENT_TAGS={"a":"$x"}\n',
        ),
        (
            "drone",
            "DRONE_OUTPUT",
            'EXPORTER_REFERENCES=a b\nEXPORTER_CONTENT_TAGS={"a":"$x"}\n',
        ),
    ],
)
def test_outputs_go_into_the_file_of_the_ci(
    tmp_path: Path, name: str, variable: str, text: str
) -> None:
    path = tmp_path / "file"
    console = console_for(name, {variable: str(path)}, out=io.StringIO())
    console.write_outputs({"references": "a\nb", "content-tags": '{"a":"$x"}'})
    assert path.read_text() == text


def test_tekton_gets_a_file_per_result_and_hears_of_those_too_large(tmp_path: Path) -> None:
    out = io.StringIO()
    console = Console(Plain(name="tekton", hand_over=results(tmp_path)), out=out)
    console.write_outputs({"digest": "sha256:1", "images": "x" * 4000})
    assert [path.name for path in tmp_path.iterdir()] == ["digest"]
    assert (tmp_path / "digest").read_text() == "sha256:1"
    assert out.getvalue() == "warning: the result images is too large for Tekton: left out\n"


@pytest.mark.parametrize("name", ["plain", "jenkins", "circleci", "bitbucket", "drone", "gitlab"])
def test_where_no_file_is_named_nothing_is_written(name: str) -> None:
    out = io.StringIO()
    console = console_for(name, {}, out=out)
    console.write_outputs({"digest": "sha256:1"})
    console.write_summary("# Table\n")
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("mode", "env", "terminal", "colors"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": "", "FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("on", {"NO_COLOR": "1"}, False, True),
        ("off", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colours_are_for_terminals_unless_somebody_says_otherwise(
    mode: str,
    env: dict[str, str],
    terminal: bool,  # noqa: FBT001
    colors: bool,  # noqa: FBT001
) -> None:
    assert style_for(mode, env, is_terminal=terminal) == Style(colors=colors)


@pytest.mark.parametrize(
    ("project", "file"),
    [("/work", "werf.yaml"), ("/work/services/app", "services/app/werf.yaml")],
)
def test_annotations_are_on_the_file_of_the_checkout(project: str, file: str) -> None:
    out = io.StringIO()
    env = {"GITHUB_WORKSPACE": "/work"}
    console = console_for("github", env, out=out, project=Path(project))
    console.warning("careful", Place(path="werf.yaml", line=2))
    assert out.getvalue() == f"::warning file={file},line=2::careful\n"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("plain", "warning: careful"),
        ("gitlab", "warning: careful"),
        ("azure", "##vso[task.logissue type=warning]careful"),
    ],
)
def test_a_message_inside_a_group_is_the_same_as_outside(name: str, line: str) -> None:
    out = io.StringIO()
    console = console_for(name, {}, out=out)
    with console.group("g"):
        console.warning("careful")
    console.warning("careful")
    assert out.getvalue().splitlines().count(line) == 2
