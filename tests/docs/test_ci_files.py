"""The example file of every CI: read as that CI reads it, then run against real registries."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.resolve import mode_of, resolve
from exporter.usage import Asked, read
from tests.docs.pages import DOCS, ROOT, command_lines
from tests.docs.runs import Shell
from tests.images import tags

FILES = DOCS / "how-to" / "files"
WORKFLOWS = sorted(FILES.glob("github*.yml"))
PROJECT = "examples/two-images"

real = [pytest.mark.engine, pytest.mark.registry]

CONTEXT = {
    "github.repository": "me/app",
    "github.sha": "0" * 40,
    "github.ref_name": "v1.2.3",
    "github.server_url": "https://github.com",
    "github.actor": "me",
    "github.token": "",
    "inputs.version": "v1.2.3",
    "secrets.REGISTRY_USERNAME": "me",
    "secrets.REGISTRY_PASSWORD": "made-up",
}


def document(name: str) -> Any:  # noqa: ANN401 - YAML of any shape
    return yaml.safe_load((FILES / name).read_text("utf-8"))


def steps_of_the_action(
    workflow: Any,  # noqa: ANN401 - YAML of any shape
) -> list[dict[str, str]]:
    """``with`` of every step that uses the action, its values as the runner gives them."""
    return [
        {name: str(value).lower() if isinstance(value, bool) else str(value)
         for name, value in step["with"].items()}
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("OWNER/exporter@")
    ]  # fmt: skip


def evaluated(text: str, **more: str) -> str:
    values = {**CONTEXT, **more}
    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: values[found[1]], text)


def test_every_file_is_shown_by_a_page() -> None:
    shown = "".join(page.read_text("utf-8") for page in (DOCS / "how-to").glob("*.md"))
    assert [path.name for path in FILES.iterdir() if f"files/{path.name}" not in shown] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_accepts_the_workflow(path: Path) -> None:
    beside = Path(sys.executable).with_name("actionlint")
    linter = str(beside) if beside.exists() else shutil.which("actionlint")
    if linter is None:
        pytest.skip("actionlint is not installed; scripts/test workflows installs it")
    done = subprocess.run([linter, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_gives_inputs_that_exist_and_are_valid(path: Path) -> None:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
    steps = steps_of_the_action(document(path.name))
    assert steps
    for given in steps:
        assert given.keys() <= inputs.keys()
        env = {f"INPUT_{name.upper()}": value for name, value in given.items()}
        resolve(mode_of(env), flags={}, arguments=(), env=env)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_asks_for_no_permission_of_the_whole_run(path: Path) -> None:
    workflow = document(path.name)
    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())


class TestRuns:
    """Each file, run; its registries are replaced by real ones."""

    pytestmark = real

    def exported(self, shell: Shell, repository: str) -> list[str]:
        """The tags of an exported image."""
        return list(tags(shell.moved(repository)))

    def github(self, shell: Shell, given: dict[str, str], cwd: Path, **more: str) -> dict[str, str]:
        env = {f"INPUT_{name.upper()}": evaluated(text, **more) for name, text in given.items()}
        outputs = shell.folder / "outputs"
        outputs.touch()
        env |= {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(outputs)}
        done = shell.run("exporter", cwd=cwd, env=env)
        assert done.returncode == 0, done.stdout
        found = re.findall(
            r"^([\w-]+)<<(\S+)\n(.*?)\n\2$", outputs.read_text(), re.MULTILINE | re.DOTALL
        )
        return {name: text for name, _, text in found}

    def test_github(self, shell: Shell) -> None:
        cwd = shell.checkout(PROJECT)
        (plan,) = steps_of_the_action(document("github-pull-request.yml"))
        assert self.github(shell, plan, cwd)["result"] == "planned"

        (export,) = steps_of_the_action(document("github.yml"))
        outputs = self.github(shell, export, cwd)
        assert json.loads(outputs["images"])["app"]["digest"].startswith("sha256:")
        assert sorted(self.exported(shell, "ghcr.io/me/app/app")) == ["0" * 40, "main"]

        (signing,) = steps_of_the_action(document("github-sign.yml"))
        outputs = self.github(shell, signing, cwd)
        subjects = json.loads(outputs["attest-subjects"])
        assert [set(subject) for subject in subjects] == [{"subject-name", "subject-digest"}] * 2
        references = outputs["cosign-references"].split()
        assert len(references) == 2

        (several,) = steps_of_the_action(document("github-several-registries.yml"))
        self.github(shell, several, cwd)
        assert self.exported(shell, "registry.example.com/team/runtime") == ["0" * 40]

        (promote,) = steps_of_the_action(document("github-promote.yml"))
        app = next(each for each in references if "/app@" in each)
        self.github(shell, promote, shell.folder, **{"inputs.image": shell.moved_back(app)})
        assert {"v1.2.3", "stable"} <= set(self.exported(shell, "ghcr.io/me/app/app"))

    def test_gitlab(self, shell: Shell) -> None:
        gitlab = document("gitlab.yml")
        env = {
            "GITLAB_CI": "true",
            "CI_REGISTRY_IMAGE": "registry.example.com/group/app",
            "CI_COMMIT_SHORT_SHA": "12345678",
            "CI_PROJECT_URL": "https://gitlab.example.com/group/app",
        }
        cwd = shell.checkout(PROJECT)
        done = shell.run("\n".join(gitlab["export"]["script"]), cwd=cwd, env=env, program="sh")
        assert done.returncode == 0, done.stdout
        dotenv = (cwd / gitlab["export"]["artifacts"]["reports"]["dotenv"]).read_text()
        variables = dict(line.split("=", 1) for line in dotenv.splitlines())
        done = shell.run("\n".join(gitlab["deploy"]["script"]), env=variables, program="sh")
        assert shell.moved("registry.example.com/group/app/app:12345678@sha256:") in done.stdout
        assert (cwd / "exporter.json").exists()

    def test_azure(self, shell: Shell) -> None:
        _, export, deploy = document("azure-pipelines.yml")["steps"]
        variables = {
            "Build.SourcesDirectory": ".",
            "Build.SourceVersion": "1" * 40,
            "Agent.TempDirectory": str(shell.folder),
        }

        def filled(text: str) -> str:
            return re.sub(r"\$\(([\w.]+)\)", lambda found: variables[found[1]], text)

        env = {"TF_BUILD": "True", "AGENT_TEMPDIRECTORY": str(shell.folder)}
        env |= dict.fromkeys(export["env"], "made-up")
        done = shell.run(filled(export["script"]), cwd=shell.checkout(PROJECT), env=env)
        assert done.returncode == 0, done.stdout
        for name, value in re.findall(
            r"##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)", done.stdout
        ):
            variables[f"export.{name}"] = value
        assert "app/runtime:" in filled(deploy["script"])
        assert self.exported(shell, "example.azurecr.io/app/app") == ["1" * 40]

    def test_jenkins(self, shell: Shell) -> None:
        text = (FILES / "Jenkinsfile").read_text("utf-8")
        cwd = shell.checkout(PROJECT)
        scripts = re.findall(r"sh '''(.*?)'''", text, re.DOTALL)
        env = {"REGISTRY_USR": "me", "REGISTRY_PSW": "made-up", "GIT_COMMIT": "2" * 40}
        for script in scripts:
            done = shell.run(script, cwd=cwd, env=env, program="sh")
            assert done.returncode == 0, done.stdout
        assert self.exported(shell, "registry.example.com/app/app") == ["2" * 40]
        assert text.count("{") == text.count("}")

    def test_circleci(self, shell: Shell) -> None:
        config = document("circleci.yml")
        cwd = shell.checkout(PROJECT)
        runs = [step["run"]["command"] for step in config["jobs"]["export"]["steps"][:4]
                if isinstance(step, dict) and "run" in step]  # fmt: skip
        later = shell.folder / "bash_env"
        later.touch()
        env = {"CIRCLECI": "true", "CIRCLE_SHA1": "3" * 40, "BASH_ENV": str(later)}
        done = shell.run(runs[0], cwd=cwd, env=env)
        assert done.returncode == 0, done.stdout
        done = shell.run(f". '{later}'\n{runs[1]}", cwd=cwd, env=env)
        assert "app/app:3333" in done.stdout

    def test_bitbucket(self, shell: Shell) -> None:
        first, second = document("bitbucket-pipelines.yml")["pipelines"]["branches"]["main"]
        cwd = shell.checkout(PROJECT)
        script = "\n".join(first["step"]["script"]).replace("--builder remote", "")
        env = {"BITBUCKET_COMMIT": "4" * 40, "BITBUCKET_BUILD_NUMBER": "1"}
        env |= {"BUILDKIT_ADDRESS": "tcp://buildkit.example.com:1234"}
        done = shell.run(f"set -e\n{script}", cwd=cwd, env=env)
        assert done.returncode == 0, done.stdout
        done = shell.run("\n".join(second["step"]["script"]), cwd=cwd)
        assert "app/app:4444" in done.stdout

    def test_tekton(self, shell: Shell) -> None:
        spec = document("tekton.yml")["spec"]
        (step,) = spec["steps"]
        values = {
            "params.repo": "registry.example.com/app/stages",
            "params.tag": "registry.example.com/app/%image%:v1",
            "params.buildkit": "tcp://buildkitd:1234",
            "workspaces.docker.path": str(shell.folder),
        }
        env = {
            each["name"]: re.sub(r"\$\(([\w.]+)\)", lambda found: values[found[1]], each["value"])
            for each in step["env"]
        }
        script = step["script"].replace("--builder remote", "")
        done = shell.run(script, cwd=shell.checkout(PROJECT), env=env, program="sh")
        assert done.returncode == 0, done.stdout
        assert self.exported(shell, "registry.example.com/app/runtime") == ["v1"]
        outputs = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["outputs"]
        assert {result["name"] for result in spec["results"]} <= set(outputs)

    @pytest.mark.parametrize("name", ["drone.yml", "woodpecker.yml"])
    def test_drone_and_woodpecker(self, name: str, shell: Shell) -> None:
        export, deploy = document(name)["steps"]
        cwd = shell.checkout(PROJECT)
        env = {"DRONE": "true"} if name == "drone.yml" else {"CI": "woodpecker"}
        for setting, value in export["settings"].items():
            text = value if isinstance(value, str) else "made-up"
            env[f"PLUGIN_{setting.upper()}"] = re.sub(r"\$\{\w+\}", "5" * 40, text)
        done = shell.run("exporter", cwd=cwd, env=env)
        assert done.returncode == 0, done.stdout
        done = shell.run("\n".join(deploy["commands"]), cwd=cwd)
        assert "app/app:5555" in done.stdout


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
def test_command_lines_of_a_file_are_valid(path: Path) -> None:
    text = path.read_text("utf-8")
    if path.suffix in (".yml", ".yaml"):
        texts = _strings(yaml.safe_load(text))
    else:
        texts = re.findall(r"'''(.*?)'''", text, re.DOTALL)
    for script in texts:
        for words in command_lines(script) if "exporter export" in script else ():
            asked = read(words)
            assert isinstance(asked, Asked)
            resolve(asked.command, flags=asked.flags, arguments=asked.arguments, env={})


def _strings(node: object) -> list[str]:
    if isinstance(node, str):
        return [node]
    if isinstance(node, dict):
        node = list(node.values())
    return [text for each in node for text in _strings(each)] if isinstance(node, list) else []
