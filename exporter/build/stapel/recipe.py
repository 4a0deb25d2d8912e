"""The Dockerfile whose layers are those of the missing stages, and the files that it needs.

Every stage that changes files is one ``RUN``, so that it is one layer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile

from exporter.build.secret import BuildSecret
from exporter.build.solve import NO_IGNORE, Files
from exporter.build.stapel.import_files import SOURCE
from exporter.build.stapel.mounts import Mounted
from exporter.build.stapel.scripts import (
    BASH_ENV,
    LIBRARY,
    SCRIPT,
    TOOLS,
    WITH_BASH_ENV,
    WORK,
    shell_script,
)
from exporter.buildkit import DirectoryTree, MemoryTree

SCRATCH = "scratch"
IMAGE = 1000
"""More than an image has stages: what the numbers of images in one recipe are apart."""

SUMS = "sums"
"""The build stage that sums up what other images import from the last stage."""

_MODE = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret of the build and how its file looks in the image."""

    build: BuildSecret = field(repr=False)
    mode: int = 0o600
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stage that changes files.

    ``lines`` are run by our own shell, then ``commands`` as the user's script. ``sources`` are
    the images to import from, in the order of their numbers.
    """

    number: int
    lines: Sequence[str] = ()
    commands: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    sources: Sequence[str] = ()
    mounts: Sequence[Mounted] = ()
    secrets: Sequence[Secret] = ()
    ssh: bool = False


class Recipe:
    """A Dockerfile that grows step by step in a folder of its own; the folder is the context."""

    def __init__(
        self,
        folder: Path,
        tools: Mapping[str, Path],
        *,
        project: str,
        unique: str,
        platform: str = "",
    ) -> None:
        """Take an empty folder.

        Args:
            folder: The context.
            tools: Our own programs by name.
            project: Keeps the build directories of projects apart.
            unique: Keeps temporary directories of builds apart.
            platform: Of all images, when several are made; else it is that of the build.
        """
        self._folder = folder
        self._tools = tools
        self._scopes = {"build_dir": project, "tmp_dir": unique}
        self._images: dict[str, str] = {}
        self._images_here: dict[str, str] = {}
        self._ends: list[str] = []
        self._text: list[str] = []
        self._runs: list[tuple[int, int]] = []
        self._has_commands = False
        self._from = f"FROM --platform={platform} " if platform else "FROM "
        self._offset = -IMAGE
        self._here = ""
        self.contexts: dict[str, str] = {}

    @property
    def has_tools(self) -> bool:
        """Whether our own programs run in images of the platform."""
        return bool(self._tools)

    @property
    def sums_up(self) -> bool:
        """Whether its last step sums up what other images import."""
        return self._here == SUMS

    def work(self, name: int | str) -> Path:
        """The folder for the files of a step of the image that was begun, or of something else."""
        if isinstance(name, int):
            name = str(max(self._offset, 0) + name)
        path = self._folder / f"work-{name}"
        path.mkdir(exist_ok=True)
        return path

    def begin(self, reference: str) -> None:
        """Start an image from another one; the numbers of its steps follow the last thousand."""
        if self._here:
            self._ends.append(self._here)
        self._offset += IMAGE
        self._here = f"base{self._offset}" if self._offset else "stage"
        self._text.append(f"{self._from}{reference} AS {self._here}")

    def stands_for(self, reference: str) -> None:
        """Let later steps import from what is made so far by a reference."""
        self._images_here[reference] = self._here

    def end(self, variants: Sequence[str]) -> None:
        """Close the Dockerfile of several images: each is built for a variant of its own."""
        for variant, name in zip(variants, [*self._ends, self._here], strict=True):
            self._text.append(f"FROM {name} AS image{variant}")
        self._text.append("FROM image${TARGETVARIANT}")

    def add(self, step: Step) -> None:
        """Add a stage that changes files."""
        self._write_files(step)
        number = self._offset + step.number
        mounts = [
            f"type=bind,source=tools,target={TOOLS}",
            f"type=bind,source=work-{number},target={WORK}",
            *(
                f"type=bind,from={self._image(reference)},target={SOURCE}{number}"
                for number, reference in enumerate(step.sources)
            ),
            *map(self._mount, step.mounts),
        ]
        if step.commands:
            self._has_commands = True
            mounts.append(f"type=bind,source=work-{number}/script.sh,target={SCRIPT}")
            mounts += ["type=ssh"] if step.ssh else []
            mounts += map(_secret_mount, step.secrets)
        self._text.append(f"FROM {self._here} AS stage{number}")
        self._text += ["USER 0:0", "WORKDIR /"]
        self._text += [f"ENV {key}={_quoted(value)}" for key, value in step.env.items()]
        argv = [*self._shell, f"{WORK}/run.sh"]
        self._text.append(_run(mounts, argv, is_alone=not step.commands))
        self._runs.append((len(self._text), number))
        self._here = f"stage{number}"

    def set_env(self, env: Mapping[str, str]) -> None:
        """Set variables for the steps that follow."""
        self._text += [f"ENV {key}={_quoted(value)}" for key, value in env.items()]

    def sum_up(self, lines: Sequence[str]) -> None:
        """Run lines of our own on the last stage, which is mounted as the first source.

        They change nothing, so that the layer is empty, and what fails in them is let pass.
        """
        (self.work(SUMS) / "run.sh").write_text("\n".join([LIBRARY, *lines, ""]), "utf-8")
        mounts = [
            f"type=bind,source=tools,target={TOOLS}",
            f"type=bind,source=work-{SUMS},target={WORK}",
            f"type=bind,from={self._here},target={SOURCE}0",
        ]
        command = " ".join([*self._shell, f"{WORK}/run.sh", "|| :"])
        self._text += [f"FROM {self._here} AS {SUMS}", "USER 0:0", "WORKDIR /"]
        self._text.append(_run(mounts, [*self._shell, "-c", command], is_alone=True))
        self._here = SUMS

    def output(self, path: str) -> None:
        """End with a file of the last step alone, to be written to a folder."""
        self._text += [f"FROM {SCRATCH}", f"COPY --from={self._here} {path} /"]
        self.finish()

    def step_at(self, line: int) -> int | None:
        """The number of the step whose ``RUN`` is on a line of the Dockerfile, or None."""
        return {len(self._images) + at: number for at, number in self._runs}.get(line)

    def target(self, number: int | None) -> str:
        """The name of the build stage after a step, or of the one before the first step."""
        return "stage" if number is None else f"stage{number}"

    def finish(self) -> None:
        """Write the Dockerfile, and bring the tools; the shell only when there are commands."""
        tools = self._folder / "tools"
        tools.mkdir(exist_ok=True)
        for name, path in self._tools.items():
            if name != "bash" or self._has_commands:
                copyfile(path, tools / name)
        (tools / "bash-env").write_text(BASH_ENV)
        images = [f"{self._from}{name} AS {alias}" for name, alias in self._images.items()]
        lines = [*images, *self._text, ""]
        (self._folder / "Dockerfile").write_text("\n".join(lines), "utf-8")
        for path in self._folder.rglob("*"):  # whatever the umask: else nothing would be cached
            path.chmod(_MODE)

    @property
    def folder(self) -> Path:
        """The finished context, and in it the ``Dockerfile``."""
        return self._folder

    @property
    def files(self) -> Files:
        """The same for BuildKit itself."""
        return Files(
            context=DirectoryTree(self._folder),
            dockerfile=MemoryTree(
                {
                    "Dockerfile": (self._folder / "Dockerfile").read_bytes(),
                    "Dockerfile.dockerignore": NO_IGNORE,
                }
            ),
            key=str(self._folder),
        )

    @property
    def _shell(self) -> list[str]:
        return [f"{TOOLS}/busybox", "sh"] if "busybox" in self._tools else ["/bin/sh"]

    def _write_files(self, step: Step) -> None:
        folder = self.work(step.number)
        lines = [LIBRARY, *step.lines]
        if step.commands:
            (folder / "script.sh").write_text(shell_script(step.commands), "utf-8")
            # In a shell of their own: their variables may be called as the image's are.
            lines = ["set -e", "umask 022", "(", *lines, ")", self._exec()]
        (folder / "run.sh").write_text("\n".join([*lines, ""]), "utf-8", "surrogateescape")

    def _exec(self) -> str:
        if "bash" in self._tools:
            return f"{WITH_BASH_ENV} exec {TOOLS}/bash -e {SCRIPT}"
        bashes = (
            f"[ ! -x {bash} ] || {WITH_BASH_ENV} exec {bash} -e {SCRIPT}\n"
            for bash in ("/bin/bash", "/usr/bin/bash")
        )
        return f"{''.join(bashes)}exec /bin/sh -e {SCRIPT}"

    def _image(self, reference: str) -> str:
        if reference in self._images_here:
            return self._images_here[reference]
        return self._images.setdefault(reference, f"source{len(self._images)}")

    def _mount(self, mount: Mounted) -> str:
        match mount.kind:
            case "custom_dir":
                name = f"mount{len(self.contexts)}"
                names = {path: each for each, path in self.contexts.items()}
                name = names.get(mount.source, name)
                self.contexts[name] = mount.source
                return f"type=bind,from={name},target={mount.target},rw"
            case kind:
                name = f"{self._scopes[kind]}{mount.target}".replace("/", "-")
                return f"type=cache,id=exporter-{kind}-{name},target={mount.target},sharing=shared"


def _run(mounts: Sequence[str], argv: Sequence[str], *, is_alone: bool) -> str:
    """The instruction; what needs no network is spared the making of one, a tenth of a second."""
    flags = [*(["--network=none"] if is_alone else []), *(f"--mount={each}" for each in mounts)]
    return f"RUN {' '.join(flags)} {json.dumps(argv)}"


def _secret_mount(secret: Secret) -> str:
    name = secret.build.id
    return (
        f"type=secret,id={name},target=/run/secrets/{name},required=true"
        f",mode={secret.mode:04o},uid={secret.uid},gid={secret.gid}"
    )


def _quoted(text: str) -> str:
    for char in ("\\", '"', "$"):
        text = text.replace(char, f"\\{char}")
    return f'"{text}"'
