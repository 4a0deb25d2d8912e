"""Real git repositories for tests: fixed author and dates, so that commit hashes are too.

``Content`` is a text, bytes, or a mapping as the vectors have it: ``text``, ``b64``/``base64`` or
``lines`` with ``mode``, or ``symlink``, or ``dir``.
"""

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Content = str | bytes | Mapping[str, Any]


@dataclass(kw_only=True)
class Builder:
    """A work tree to which a test writes and commits.

    ``date`` is the time of the next commit in seconds; it does not move by itself.
    """

    path: Path
    author: str = "Dev <dev@example.test>"
    date: int = 1_700_000_000
    branch: str = "main"
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """The environment of every git command: no configuration of the machine."""
        name, _, mail = self.author.rstrip(">").partition(" <")
        stamp = f"{self.date} +0000"
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.path.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": mail,
            "GIT_AUTHOR_DATE": stamp,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": mail,
            "GIT_COMMITTER_DATE": stamp,
        }

    def init(self) -> "Builder":
        """Create the repository."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", self.branch)
        return self

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git in the work tree and return what it printed, without the last line end."""
        settings = {"core.autocrlf": "false", "protocol.file.allow": "always"} | dict(self.config)
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        done = subprocess.run(
            ["git", *options, *arguments],
            cwd=cwd or self.path,
            env=self.env,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def write(self, files: Mapping[str, Content]) -> "Builder":
        """Write files, replacing whatever is at a path or in its way."""
        for path, content in files.items():
            put(self.path, path, content)
        return self

    def delete(self, *paths: str) -> "Builder":
        """Remove files or directories, and the directories that become empty."""
        for path in paths:
            remove(self.path / path)
            parent = (self.path / path).parent
            while parent != self.path and parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
                parent = parent.parent
        return self

    def commit(self, message: str = "change") -> str:
        """Commit everything in the work tree, changed or not; the commit's hash."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def submodule(self, url: str | Path, path: str) -> "Builder":
        """Add a submodule (not committed yet)."""
        self.git("submodule", "add", "-q", str(url), path)
        return self


def put(root: Path, path: str, content: Content) -> None:
    """Write one file (or link, or directory) below a directory."""
    target = Path(os.path.join(root, path))  # noqa: PTH118 - keeps names such as "..two" apart
    for parent in reversed(target.relative_to(root).parents):
        if parent != Path() and ((root / parent).is_symlink() or (root / parent).is_file()):
            (root / parent).unlink()
    remove(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    value: Mapping[str, Any] = content if isinstance(content, Mapping) else {"text": content}
    if "symlink" in value:
        target.symlink_to(value["symlink"])
        return
    if "dir" in value:
        target.mkdir()
        return
    target.write_bytes(content_bytes(value))
    mode = value.get("mode", "0644")
    target.chmod(mode if isinstance(mode, int) else int(mode, 8))


def content_bytes(value: Mapping[str, Any]) -> bytes:
    """The bytes of a file that is described as the vectors do."""
    encoded = value.get("b64", value.get("base64"))
    if encoded is not None:
        return base64.b64decode(encoded)
    if "lines" in value:
        seed, count = value["lines"]
        lines = [
            f"line {index} {hashlib.sha256(f'{seed}{index}'.encode()).hexdigest()}\n"
            for index in range(count)
        ]
        return "".join(lines).encode()
    text = value.get("text", "")
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return data * value["repeat"] if isinstance(value.get("repeat"), int) else data


def remove(target: Path) -> None:
    """Remove a file, link or directory, if there is one."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
