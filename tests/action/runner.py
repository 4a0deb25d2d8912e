"""Starts the action's container exactly as GitHub's runner does (``docker run`` arguments and all).

What the runner does is described in its source (ContainerActionHandler, DockerCommandManager): HOME
is ``/github/home``, the workspace and the files for outputs belong to another user, the engine's
socket is mounted, every declared input is set, empty when it was not given. The network is the
host's, unlike on a runner, because the registries of the tests are on its loopback.
"""

import os
import re
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
RUNNER_UID = 1001

_GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "GIT_AUTHOR_NAME": "Dev",
    "GIT_AUTHOR_EMAIL": "dev@example.com",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Dev",
    "GIT_COMMITTER_EMAIL": "dev@example.com",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a finished step left behind."""

    exit_code: int
    log: str
    outputs: Mapping[str, str]
    summary: str


class Runner:
    """One job: a folder for the workspace, the home and the temporary files of all its steps."""

    def __init__(self, folder: Path, image: str) -> None:
        """Make the folders that the runner mounts, as its own user."""
        self.image = image
        self.workspace = folder / "work"
        self.home = folder / "home"
        self._commands = folder / "commands"
        self._folders = {
            folder / "temp": "/github/runner_temp",
            self.home: "/github/home",
            folder / "workflow": "/github/workflow",
            self._commands: "/github/file_commands",
            self.workspace: "/github/workspace",
        }
        for path in self._folders:
            path.mkdir(parents=True)
        self._own()

    def checkout(self, project: Path) -> str:
        """Put a project into the workspace as one commit, and return its hash."""
        git = {**os.environ, **_GIT}
        for argv in (
            ["cp", "-r", f"{project}/.", str(self.workspace)],
            ["git", "init", "--quiet", "--initial-branch", "main"],
            ["git", "add", "--all"],
            ["git", "commit", "--quiet", "--message", "checkout"],
        ):
            subprocess.run(argv, cwd=self.workspace, env=git, check=True)
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=self.workspace,
            env=git,
            check=True,
            capture_output=True,
        )
        self._own()
        return done.stdout.decode().strip()

    def start(
        self,
        inputs: Mapping[str, str],
        *,
        env: Mapping[str, str] | None = None,
        args: Sequence[str] = (),
    ) -> "Running":
        """Start the step; its name is unique, so that the container can be looked for."""
        name = f"exporter-action-{uuid.uuid4().hex[:12]}"
        files = {kind: f"{kind}_{uuid.uuid4()}" for kind in _FILES.values()}
        for file in files.values():
            (self._commands / file).touch(mode=0o644)
        self._own()
        paths = {key: f"/github/file_commands/{files[kind]}" for key, kind in _FILES.items()}
        child = {**_declared(), **_inputs(inputs), **_GITHUB, **paths, **(env or {})}
        argv = ["docker", "run", "--name", name, "--label", "exporter-tests"]
        argv += ["--workdir", "/github/workspace", "--rm", "--network", "host"]
        for key in child:
            argv += ["-e", key]
        argv += ["-v", "/var/run/docker.sock:/var/run/docker.sock"]
        for path, target in self._folders.items():
            argv += ["-v", f"{path}:{target}"]
        process = subprocess.Popen(
            [*argv, self.image, *args],
            env={**os.environ, **child},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Running(
            name=name,
            process=process,
            output=self._commands / files["set_output"],
            summary=self._commands / files["step_summary"],
        )

    def run(
        self,
        inputs: Mapping[str, str],
        *,
        env: Mapping[str, str] | None = None,
        args: Sequence[str] = (),
    ) -> Step:
        """Run the step to its end."""
        return self.start(inputs, env=env, args=args).finish()

    def _own(self) -> None:
        """Give everything to the runner's user; the container's root is another one."""
        if os.geteuid() == 0:
            folders = [str(path) for path in self._folders]
            subprocess.run(["chown", "-R", f"{RUNNER_UID}:{RUNNER_UID}", *folders], check=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A step that was started."""

    name: str
    process: "subprocess.Popen[str]"
    output: Path
    summary: Path

    def finish(self, timeout_s: float = 300) -> Step:
        """Wait for the end, and read what the step wrote as the runner reads it."""
        try:
            log, _ = self.process.communicate(timeout=timeout_s)
        finally:
            if self.process.poll() is None:
                subprocess.run(["docker", "rm", "-f", self.name], check=False, capture_output=True)
        return Step(
            exit_code=self.process.returncode,
            log=log,
            outputs=read_outputs(self.output.read_text(encoding="utf-8")),
            summary=self.summary.read_text(encoding="utf-8"),
        )


def read_outputs(text: str) -> Mapping[str, str]:
    """Parse an output file with the runner's rules: ``k=v`` or ``k<<D`` … ``D``, all else fails."""
    outputs = {}
    lines = iter(text.splitlines())
    for line in lines:
        found = re.fullmatch(r"([^=]+?)(=|<<)(.*)", line)
        if found is None:
            raise ValueError(f"the runner would refuse this line: {line!r}")
        name, how, rest = found.groups()
        if how == "=":
            outputs[name] = rest
            continue
        value = []
        for part in lines:
            if part == rest:
                break
            value.append(part)
        else:
            raise ValueError(f"no line {rest!r} ends the output {name!r}")
        outputs[name] = "\n".join(value)
    return outputs


def _declared() -> Mapping[str, str]:
    """Every declared input: its default, or empty."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return _inputs(
        dict.fromkeys(action["inputs"], "") | {"github-token": "ghs_madeUpToken0123456789"}
    )


def _inputs(values: Mapping[str, str]) -> Mapping[str, str]:
    """The variables of inputs: upper case, spaces become underscores, hyphens stay."""
    return {f"INPUT_{name.upper().replace(' ', '_')}": value for name, value in values.items()}


_FILES = {
    "GITHUB_OUTPUT": "set_output",
    "GITHUB_STEP_SUMMARY": "step_summary",
    "GITHUB_ENV": "set_env",
    "GITHUB_PATH": "add_path",
    "GITHUB_STATE": "save_state",
}

_GITHUB = {
    "HOME": "/github/home",
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_BASE_REF": "",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_EVENT_PATH": "/github/workflow/event.json",
    "GITHUB_HEAD_REF": "",
    "GITHUB_JOB": "export",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REF_NAME": "main",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_REPOSITORY": "Octocat/Two-Images",
    "GITHUB_REPOSITORY_OWNER": "Octocat",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_RUN_ID": "1",
    "GITHUB_RUN_NUMBER": "1",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_WORKFLOW": "export",
    "GITHUB_WORKSPACE": "/github/workspace",
    "RUNNER_ARCH": "X64",
    "RUNNER_NAME": "runner",
    "RUNNER_OS": "Linux",
    "RUNNER_TEMP": "/github/runner_temp",
    "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
    "RUNNER_WORKSPACE": "/home/runner/work/two-images",
}
