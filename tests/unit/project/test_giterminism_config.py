import pytest

from exporter.errors import GiterminismError
from exporter.project.giterminism_config import GiterminismConfig, parse_giterminism_config


def test_nothing_is_allowed_by_default() -> None:
    assert parse_giterminism_config("giterminismConfigVersion: 1\n") == GiterminismConfig()


def test_every_section_is_read() -> None:
    found = parse_giterminism_config(
        """
giterminismConfigVersion: "1"
unknown: [1]
cli: {allowCustomTags: true}
config:
  allowUncommitted: yes
  allowUncommittedTemplates: [a.tmpl]
  goTemplateRendering: {allowEnvVariables: [A, /B.*/], allowUncommittedFiles: ["**"]}
  stapel: {allowFromLatest: true, git: {allowBranch: true}, mount: {allowFromPaths: [/x]}}
  dockerfile: {allowContextAddFiles: [c]}
  secrets: {allowFiles: [~/s]}
"""
    )
    assert found == GiterminismConfig(
        custom_tags=True,
        uncommitted_config=True,
        uncommitted_templates=("a.tmpl",),
        env_variables=("A", "/B.*/"),
        uncommitted_files=("**",),
        from_latest=True,
        git_branch=True,
        from_path_mounts=("/x",),
        context_add_files=("c",),
        secret_files=("~/s",),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "werf-giterminism.yaml: the giterminism config validation failed: .giterminismConfig"),
        ("giterminismConfigVersion: 2\n", "werf-giterminism.yaml:1:27: the giterminism config"),
        ("giterminismConfigVersion: 1\nconfig: ~\n", 'config in body must be of type object: "nu'),
        ("giterminismConfigVersion: 1\nconfig: {stapel: {allowFromLatest: 1}}\n",
         'config.stapel.allowFromLatest in body must be of type boolean: "number"'),
        ("giterminismConfigVersion: 1\nconfig: {secrets: {allowFiles: x}}\n",
         'config.secrets.allowFiles in body must be of type array: "string"'),
        ("[", "error converting YAML to JSON: yaml: line 1:"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_the_path_of_the_key(text: str, message: str) -> None:
    with pytest.raises(GiterminismError) as raised:
        parse_giterminism_config(text)
    assert message in str(raised.value)
