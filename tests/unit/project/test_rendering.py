from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import pytest

from exporter.errors import GiterminismError
from exporter.project.project_files import ConfigFile
from exporter.project.rendering import CommitFacts, RenderError, RenderOptions, render

COMMIT = CommitFacts(hash="abc", human="2024-01-02 03:04:05 +0300 +0300", unix="1704153845")


class Memory:
    """A project in memory."""

    def __init__(self, files: Mapping[str, str], *, loose: bool = False) -> None:
        self.files = files
        self.loose = loose

    def read_werf_config(self, path: str = "") -> ConfigFile:
        name = path or "werf.yaml"
        return ConfigFile(name, self.files[name].encode())

    def read_templates(self, directory: str = "") -> list[ConfigFile]:
        prefix = f"{directory or '.werf'}/"
        return [
            ConfigFile(path.removeprefix(prefix), text.encode())
            for path, text in sorted(self.files.items())
            if path.startswith(prefix)
        ]

    def read_template_file(self, path: str) -> bytes:
        if path not in self.files:
            raise GiterminismError(f"no {path}", remedy="Add it")
        return self.files[path].encode()

    def glob_template_files(self, pattern: str) -> list[ConfigFile]:
        return [ConfigFile(path, b"") for path in self.files if path.endswith(pattern)]

    def template_file_exists(self, path: str) -> bool:
        return path in self.files

    def template_file_is_dir(self, path: str) -> bool:
        return not path

    def check_env(self, name: str) -> None:
        if name == "FORBIDDEN":
            raise GiterminismError("not allowed", remedy="Allow it")


def rendered(text: str, *, debug: bool = False, loose: bool = False, **files: str) -> str:
    templates = {f".werf/{name}.tmpl": content for name, content in files.items()}
    source = Memory({"werf.yaml": text, "a.txt": "A", **templates}, loose=loose)
    options = RenderOptions(
        env={"SET": "v", "EMPTY": ""}, werf_env="prod", commit=COMMIT, debug=debug
    )
    return render(source, options=options).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {{ .Env }}", "a: prod"),
        ("{{ .Commit.Hash }} {{ .Commit.Date.Unix }}", "abc 1704153845"),
        ("{{ .Commit.Date.Human }}", "2024-01-02 03:04:05 +0300 +0300"),
        ('{{ .Files.Get "a.txt" }}{{ .Files.Exists "b" }}', "Afalse"),
        ('{{ range $path, $_ := .Files.Glob ".txt" }}{{ $path }}{{ end }}', "a.txt"),
        ('{{ env "SET" }}{{ env "EMPTY" "d" }}{{ env "UNSET" "e" }}', "vde"),
        ('{{ include "t.tmpl" 1 }}{{ tpl "<{{ . }}>" 2 }}', "t1<2>"),
        ('{{ $_ := set . "x" 1 }}{{ .x }}', "1"),
        ('{{ toYaml (fromYaml "b: 2\\na: [1]") }}', "a:\n- 1\nb: 2"),
        ('{{ required "m" 0 }}{{ printf_debug "x" }}{{ dump_debug . }}', "0"),
    ],
)
def test_templates_see_the_project(text: str, expected: str) -> None:
    assert rendered(text, t="t{{ . }}") == expected


def test_a_config_without_templates_is_taken_as_it_is() -> None:
    found = render(
        Memory({"c.yaml": "a: }}\n"}),
        options=RenderOptions(env={}, commit=COMMIT, config_path="c.yaml"),
    )
    assert (found.path, found.text, found.is_verbatim) == ("c.yaml", "a: }}\n", True)


def test_an_error_shows_the_innermost_line_and_the_way_there() -> None:
    with pytest.raises(RenderError) as raised:
        rendered('x: 1\ny: {{ include "t.tmpl" . }}\n', t='line\n{{ fail "stop" }}\n')
    error = raised.value
    assert error.kind == "func"
    assert error.text.startswith('template: werfConfig:2:6: executing "werfConfig" at <include')
    assert error.text.endswith("to get more details about this error.")
    assert str(error.place) == ".werf/t.tmpl:2:4"
    assert error.excerpt == (
        '    {{ fail "stop" }}\n'
        "       ^\n"
        "  called from werfConfig:2:7\n"
        '    y: {{ include "t.tmpl" . }}\n'
        "          ^"
    )


def test_a_broken_template_file_is_refused_though_nothing_uses_it() -> None:
    with pytest.raises(RenderError) as raised:
        rendered("a: 1\n", t="{{ end }}")
    assert raised.value.kind == "parse"
    assert raised.value.text.endswith("templates: template: t.tmpl:1: unexpected {{end}}")


def test_debugging_shows_the_templates_on_the_way() -> None:
    with pytest.raises(RenderError) as raised:
        rendered('{{ tpl "{{ fail \\"x\\" }}" . }}', debug=True)
    assert raised.value.text.endswith(
        'Details:\n  Function name: ""\n  Template name: "werfConfig"\n'
        '  Template content:\n     1  {{tpl "{{ fail \\"x\\" }}" .}}'
    )
    assert 'Details:\n  Function name: "tpl"\n  Template name: "tpl-' in raised.value.text
    assert "Use --debug" not in raised.value.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{{ env "UNSET" }}', 'the environment variable "UNSET" must be set'),
        ('{{ env "FORBIDDEN" "d" }}', "error calling env: not allowed\n\nAllow it."),
        ('{{ env "A" "b" "c" }}', "more than 1 optional argument prohibited"),
        ('{{ .Files.Get "no" }}', '{{ .Files.Get "no" }}: no no'),
        ('{{ required "needed" "" }}', "error calling required: needed"),
        ("{{ toYaml 1i }}", "error calling toYaml: cannot marshal type: complex128"),
        ('{{ fromYaml "[1]" }}', "cannot unmarshal !!seq into map[string]interface {}"),
    ],
)
def test_functions_refuse(text: str, message: str) -> None:
    with pytest.raises(RenderError) as raised:
        rendered(text)
    assert message in raised.value.text


def test_an_unset_variable_is_empty_when_giterminism_is_loose() -> None:
    assert rendered('[{{ env "UNSET" }}]', loose=True) == "[]"


def test_the_moment_of_a_commit_is_printed_as_go_prints_it() -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    facts = CommitFacts.of("h", moment)
    assert (facts.human, facts.unix) == ("2024-01-02 03:04:05 -0330 -0330", "1704177245")
