"""Every example of every page does what the page says."""

import json
import re

import pytest
import yaml

from exporter.ci import handover
from exporter.options import ACCEPTED_WITHOUT_EFFECT, OPTIONS
from exporter.outputs import OUTPUTS
from exporter.resolve import mode_of, resolve
from exporter.usage import Asked, read
from tests.docs.pages import ROOT, SHELL, Block, Page, command_lines, pages, shows
from tests.docs.runs import Shell

ALL = {page.name: page for page in pages()}
RUNNABLE = [name for name, page in ALL.items() if any(b.marker == "run" for b in page.blocks)]
_MARK = "@@@ block"


@pytest.mark.engine
@pytest.mark.registry
@pytest.mark.parametrize("name", RUNNABLE)
def test_a_reader_who_follows_a_page_gets_what_it_shows(name: str, shell: Shell) -> None:
    page = ALL[name]
    cwd = shell.checkout(page.project) if page.project else shell.folder
    blocks = [block for block in page.blocks if block.marker == "run"]
    ran = shell.run(_script(blocks), cwd=cwd)
    printed = dict(
        part.split("\n", 1) for part in shell.moved_back(ran.stdout).split(f"{_MARK} ")[1:]
    )
    assert ran.returncode == 0, f"{name}:\n{ran.stdout}"
    before: Block | None = None
    for block in page.blocks:
        if block.marker == "shows":
            assert before is not None, f"{name}:{block.line}: nothing was run before"
            text = printed[str(before.line)]
            missing = shows(text, block.text)
            assert not missing, f"{name}:{block.line}: {missing!r} is not in\n{text}"
        elif block.marker == "run":
            before = block


@pytest.mark.engine
@pytest.mark.registry
def test_the_commands_of_the_readme_work(shell: Shell) -> None:
    cwd = shell.checkout("examples/two-images")
    blocks = [b.text for b in ALL["README.md"].blocks if b.text.startswith("exporter ")]
    assert blocks
    for text in blocks:
        ran = shell.run(text, cwd=cwd)
        assert ran.returncode == 0, ran.stdout


def _script(blocks: list[Block]) -> str:
    """One script for the whole page, so that its variables and directories stay."""
    lines = ["set -eu"]
    for block in blocks:
        lines.append(f"echo '{_MARK} {block.line}'")
        if block.detail:
            code = block.detail.removeprefix("exit ")
            lines += ["code=0", f"(\n{block.text}) || code=$?", f"test $code = {code}"]
        else:
            lines.append(block.text)
    return "\n".join(lines)


@pytest.mark.parametrize("name", ALL)
def test_every_shell_block_is_run_or_says_why_not(name: str) -> None:
    silent = [
        block.line for block in ALL[name].blocks if block.language in SHELL and not block.marker
    ]
    assert name == "README.md" or silent == []


@pytest.mark.parametrize("name", ALL)
def test_every_command_line_of_a_page_is_valid(name: str) -> None:
    for block in ALL[name].blocks:
        if block.language in SHELL and not block.detail.startswith("exit"):
            for words in command_lines(block.text):
                asked = read(words)
                if isinstance(asked, Asked):
                    resolve(asked.command, flags=asked.flags, arguments=asked.arguments, env={})


@pytest.mark.parametrize("name", ALL)
def test_every_yaml_and_json_block_of_a_page_can_be_read(name: str) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    for block in ALL[name].blocks:
        if block.language == "json":
            json.loads(block.text)
        if block.language == "yaml":
            for document in yaml.safe_load_all(block.text):
                for given in _inputs_of_the_action(document):
                    assert given.keys() <= action["inputs"].keys(), f"{name}:{block.line}"
                    env = {f"INPUT_{key.upper()}": str(value) for key, value in given.items()}
                    if "${{" in env.get("INPUT_MODE", ""):
                        del env["INPUT_MODE"]
                    resolve(mode_of(env), flags={}, arguments=(), env=env)


def _inputs_of_the_action(node: object) -> list[dict[str, object]]:
    """``with`` of every step that uses the action."""
    if isinstance(node, list):
        return [found for each in node for found in _inputs_of_the_action(each)]
    if not isinstance(node, dict):
        return []
    if str(node.get("uses", "")).startswith("OWNER/exporter@"):
        return [node.get("with", {})]
    return [found for each in node.values() for found in _inputs_of_the_action(each)]


NAMES = {
    *(f"--{option.name}" for option in (*OPTIONS, *ACCEPTED_WITHOUT_EFFECT)),
    *(variable for option in OPTIONS for variable in option.variables),
    *(handover.variable(output) for output in OUTPUTS),
    "--checksum",  # of ADD in a Dockerfile
    "--help",
}


@pytest.mark.parametrize("name", ALL)
def test_every_option_and_variable_that_a_page_names_exists(name: str) -> None:
    """Names in the running text, as in `--if-exists` or `EXPORTER_BUILDER`."""
    text = re.sub(r"^[ ]*```.*?^[ ]*```$", "", ALL[name].text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"`(--[a-z][a-z-]+|EXPORTER_[A-Z_]+[A-Z])(?=[`= ])", text)
    assert [each for each in found if each not in NAMES] == []


def test_expected_lines_are_found_in_their_order() -> None:
    assert shows("a  1\nb\nc sha256:12\n", "a 1\nc sha256:…\n") == ""
    assert shows("a\nb\n", "b\na\n") == "a"


def test_a_block_knows_its_marker_and_line() -> None:
    text = "x\n<!-- run: exit 2 -->\n```sh\necho\n```\n\n  ```yaml\n  a: 1\n  ```\n"
    first, second = Page(name="p", text=text).blocks
    assert (first.marker, first.detail, first.text, first.line) == ("run", "exit 2", "echo\n", 3)
    assert (second.marker, second.text) == ("", "a: 1\n")


def test_command_lines_are_found_in_scripts_and_containers() -> None:
    script = "set -e; exporter plan \\\n --dev && docker run x/exporter:v1 build a | cat\n"
    assert list(command_lines(script)) == [["plan", "--dev"], ["build", "a"]]
