"""The variables of werf's ci-env: values that would break a script, and the default repository."""

import pytest

from exporter.ci.variables import Form, Kind, Variable, default_repo, gitlab, script

ODD = 'v"1$x`y\\z'


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("posix", 'export A="v\\"1\\$x\\`y\\\\z"'),
        ("powershell", '$Env:A = "v`"1`$x``y\\z"'),
        ("env-file", 'A=v"1$x`y\\z'),
    ],
)
def test_values_cannot_break_out_of_the_script(kind: Kind, line: str) -> None:
    text = script([("T", [Variable(name="A", value=ODD)])], {}, Form(kind=kind))
    assert text == f"# T\n{line}\n"


def test_an_env_file_has_one_line_per_variable() -> None:
    text = script([("T", [Variable(name="A", value="1\n2")])], {}, Form(kind="env-file"))
    assert text == "# T\nA=1 2\n"


def test_an_echo_cannot_end_its_own_quotes() -> None:
    sections = [("T", [Variable(name="A", value="it's")])]
    assert script(sections, {}, Form(kind="posix", echo=True)) == (
        "# T\necho '# T'\nexport A=\"it's\"\necho 'export A=\"it'\\''s\"'\n"
    )


def test_the_comments_of_cmd_exe_are_its_own() -> None:
    text = script([("T", [Variable(name="A", value="")])], {}, Form(kind="cmdexe"))
    assert text == ':: T\n:: export A=""\n'


@pytest.mark.parametrize(
    ("env", "project", "repo"),
    [
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "Octo-Org/My_App"},
            "demo",
            "ghcr.io/octo-org/my_app/demo",
        ),
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "Octo-Org/My_App"},
            "",
            "ghcr.io/octo-org/my_app",
        ),
        ({"GITHUB_ACTIONS": "true"}, "demo", ""),
        (
            {"GITLAB_CI": "true", "CI_REGISTRY_IMAGE": "reg.example.org/Group/app"},
            "demo",
            "reg.example.org/group/app",
        ),
        ({"CI_REGISTRY_IMAGE": "reg.example.org/group/app"}, "demo", ""),
        ({"GITLAB_CI": "true"}, "demo", ""),
    ],
)
def test_the_default_repository_is_the_one_that_ci_env_names(
    env: dict[str, str], project: str, repo: str
) -> None:
    assert default_repo(env, project=project) == repo


@pytest.mark.parametrize(
    ("version", "colors"),
    [
        ("12.1.3", "on"),
        ("12.1.4", "off"),
        ("12.1.5-ee", "off"),
        ("12.1.3-ee", "on"),
        ("12.1.4.5", "on"),
        ("12.1.10-rc1+b", "off"),
        ("12.2.0-pre", "off"),
        ("12.2.0", "on"),
        ("16.0", "on"),
        ("nightly", "on"),
    ],
)
def test_colours_are_off_where_gitlab_showed_them_wrongly(version: str, colors: str) -> None:
    (*_, (_, other)) = gitlab({"CI_SERVER_VERSION": version}, docker_config="/d")
    assert other[0] == Variable(name="WERF_LOG_COLOR_MODE", value=colors)
