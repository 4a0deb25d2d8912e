"""Stapel images from the command line to the registry, where the recorded cases do not look."""

import hashlib
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.fakes.registry import FakeRegistry, Profile, serve
from tests.images import pull, tags
from tests.integration.runs import Workplace
from tests.integration.services import second_engine
from tests.vectors.stapel_base import flattened

pytestmark = [pytest.mark.engine, pytest.mark.registry]

ROOT = Path(__file__).resolve().parents[3]
BASE = "127.0.0.1:5000/base/debian:trixie-slim"
META = "project: test\nconfigVersion: 1\n---\n"
_DIGEST = 56
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere.sock"}


def _example() -> dict[str, str | dict[str, str]]:
    folder = ROOT / "examples" / "stapel-app"
    return {
        str(path.relative_to(folder)): {
            "text": path.read_text(),
            "mode": "0755" if path.name == "serve" else "0644",
        }
        for path in folder.rglob("*")
        if path.is_file()
    }


def _files(reference: str) -> dict[str, dict[str, object]]:
    image = pull(reference)
    return flattened(image, [layer["digest"] for layer in image.manifest["layers"][1:]])


def test_the_example_is_built_and_rebuilt_from_where_a_commit_touches_it(
    workplace: Workplace,
) -> None:
    env = {"BASE_IMAGE": BASE}
    first = workplace.commit(_example()).export(env=env)
    assert first.code == 0, first.text
    shown = subprocess.run(
        ["docker", "run", "--rm", workplace.tag], capture_output=True, check=True, text=True
    ).stdout
    assert shown == (
        "<h1>Hello</h1>\nh1 { color: red }\nfetched flask\nfetched redis\nbuilt for everybody\n"
    )
    unchanged = workplace.export(env={**env, **NO_ENGINE})
    assert (unchanged.code, unchanged.built) == (0, [])
    workplace.commit({"web/static/index.html": "<h1>Bye</h1>\n"})
    changed = workplace.export(env=env)
    assert changed.code == 0, changed.text
    # the builder's setup, then the import of what it made
    assert changed.built == ["app/dependenciesAfterSetup", "app/imageSpec"]
    files = _files(workplace.tag)
    assert files["srv/assets/site.txt"]["uid"] == 1000
    assert files["usr/local/bin/serve"]["mode"] == "0755"


def test_one_changed_file_needs_no_engine(workplace: Workplace) -> None:
    config = f"{META}image: app\nfrom: {BASE}\ngit: [{{add: /src, to: /app}}]\n"
    workplace.commit({"werf.yaml": config, "src/a": "1\n", "src/b": "2\n"}).export()
    workplace.commit({"src/a": "changed\n", "src/c": "new\n"}).project.delete("src/b").commit()
    ran = workplace.export(env=NO_ENGINE)
    assert ran.code == 0, ran.text
    assert ran.built == ["app/gitLatestPatch"]
    image = pull(workplace.tag)
    assert sorted(flattened(image, [image.manifest["layers"][-1]["digest"]])) == ["app/a", "app/c"]
    assert {"app/a", "app/c"} <= _files(workplace.tag).keys()
    assert "app/b" not in _files(workplace.tag)


def test_an_image_spec_has_the_commit_of_the_stage_before(workplace: Workplace) -> None:
    config = f"{META}image: app\nfrom: {BASE}\ngit: [{{add: /src, to: /app}}]\n"
    workplace.commit({"werf.yaml": f"{config}imageSpec: {{author: me}}\n", "src/a": "1\n"}).export()
    ran = workplace.commit({"src/a": "2\n"}).export()
    assert ran.built == ["app/gitLatestPatch", "app/imageSpec"]
    patch, spec = (
        pull(stage["reference"]).config["config"]["Labels"]["werf-project-repo-commit"]
        for stage in ran.image("app")["stages"][-2:]
    )
    assert spec == patch == workplace.project.git("rev-parse", "HEAD").strip()


def test_the_same_files_give_the_same_layers_wherever_they_are_built(
    workplace: Workplace,
) -> None:
    config = (
        f"{META}image: art\nfrom: {BASE}\ngit: [{{add: /src, to: /o}}]\n---\n"
        f"image: app\nfrom: {BASE}\n"
        "git: [{add: /src, to: /app, owner: www-data, group: www-data}]\n"
        "import: [{image: art, add: /o, to: /opt/deep/o, after: install, owner: games}]\n"
    )
    workplace.commit(
        {"werf.yaml": config, "src/a": "1\n", "src/d/b": "2\n", "src/l": {"symlink": "a"}}
    )
    layers = []
    for message in ("one", "two"):  # another commit hash: BuildKit cannot use its cache
        workplace.project.git("commit", "-q", "--amend", "-m", message)
        repo = f"{workplace.repo}-{message}"
        ran = workplace.run("export", "--repo", repo, "--tag", f"{workplace.tag}-%image%")
        assert ran.code == 0, ran.text
        layers.append(pull(f"{workplace.tag}-app").manifest["layers"])
    assert layers[0] == layers[1]


def test_a_file_or_a_link_takes_the_place_of_nested_directories(workplace: Workplace) -> None:
    config = f"{META}image: app\nfrom: {BASE}\ngit: [{{add: /src, to: /app}}]\n"
    inner = {f"src/{top}/inner/deep/file": "text\n" for top in ("file", "link")}
    workplace.commit({"werf.yaml": config, "src/kept": "", **inner}).export()
    workplace.commit({"src/file": "now a file\n", "src/link": {"symlink": "kept"}})
    ran = workplace.export()
    assert ran.code == 0, ran.text
    assert ran.built == ["app/gitLatestPatch"]
    files = {path: entry["type"] for path, entry in _files(workplace.tag).items()}
    assert files == {"app": "dir", "app/kept": "file", "app/file": "file", "app/link": "symlink"}


def test_a_directory_in_the_place_of_a_link_gets_the_owner(workplace: Workplace) -> None:
    mapping = "{add: /src, to: /app, owner: 7, group: 8}"
    config = f"{META}image: app\nfrom: {BASE}\ngit: [{mapping}]\n"
    workplace.commit({"werf.yaml": config, "src/kept": "", "src/link": {"symlink": "kept"}})
    workplace.export()
    ran = workplace.commit({"src/link/file": "", "src/new/file": ""}).export()
    assert ran.built == ["app/gitLatestPatch"]
    owners = {path: (each["uid"], each["gid"]) for path, each in _files(workplace.tag).items()}
    assert owners["app/link"] == owners["app/link/file"] == (7, 8)
    assert owners["app/new"] == (0, 0)


def test_imported_files_take_the_place_of_empty_directories(workplace: Workplace) -> None:
    config = (
        f"{META}image: app\nfrom: {BASE}\nshell:\n  install: mkdir -p /dest/file /dest/kept/in\n"
        "import: [{from: source, add: /out, to: /dest, after: install}]\n---\n"
        f"image: source\nfinal: false\nfrom: {BASE}\n"
        "shell:\n  install: mkdir -p /out/kept; touch /out/file /out/kept/new\n"
    )
    ran = workplace.commit({"werf.yaml": config}).export()
    assert ran.code == 0, ran.text
    files = {path: entry["type"] for path, entry in _files(workplace.tag).items()}
    assert files["dest/file"] == files["dest/kept/new"] == "file"
    assert files["dest/kept/in"] == "dir"


def test_imported_directories_take_the_place_of_files(workplace: Workplace) -> None:
    config = (
        f"{META}image: app\nfrom: {BASE}\nshell:\n"
        "  install: mkdir -p /dest/there; touch /dest/file; ln -s there /dest/linked\n"
        "import: [{from: source, add: /out, to: /dest, after: install}]\n---\n"
        f"image: source\nfinal: false\nfrom: {BASE}\n"
        "shell:\n  install: mkdir -p /out/file/in /out/linked; touch /out/linked/new\n"
    )
    ran = workplace.commit({"werf.yaml": config}).export()
    assert ran.code == 0, ran.text
    files = {path: entry["type"] for path, entry in _files(workplace.tag).items()}
    assert files["dest/file/in"] == "dir"
    assert files["dest/linked"] == "symlink"
    assert files["dest/there/new"] == "file"


def test_triggers_of_a_base_image_are_not_run(workplace: Workplace) -> None:
    config = (
        f"{META}image: base\ndockerfile: Dockerfile\nfinal: false\n---\n"
        "image: app\nfromImage: base\nshell: {setup: [touch /made]}\n"
    )
    dockerfile = f"FROM {BASE}\nCMD x\nONBUILD RUN touch /triggered\n"
    ran = workplace.commit({"werf.yaml": config, "Dockerfile": dockerfile}).export()
    assert ran.code == 0, ran.text
    assert ran.built == ["app/from", "app/setup"]
    assert "OnBuild" not in pull(workplace.tag).config["config"]
    assert _files(workplace.tag).keys() == {"made"}


def test_commands_get_the_variables_of_the_base_whatever_they_are_called(
    workplace: Workplace,
) -> None:
    config = (
        f"{META}image: base\ndockerfile: Dockerfile\nfinal: false\n---\n"
        "image: app\nfromImage: base\ngit: [{add: /src, to: /app}]\nshell:\n"
        "  setup: ['printf %s,%s,%s,%s $B $T $W $list >/seen', loaded >>/seen, umask >>/seen]\n"
    )
    dockerfile = (
        f"FROM {BASE}\nENV B=b T=t W=w list=l BASH_ENV=/profile\n"
        "RUN echo 'loaded() { echo :$BASH_ENV; }' >/profile\n"
    )
    workplace.commit({"werf.yaml": config, "Dockerfile": dockerfile, "src/a": ""})
    ran = workplace.export()
    assert ran.code == 0, ran.text
    text = "b,t,w,l:/profile\n0022\n"
    seen = _files(workplace.tag)["seen"]
    assert seen["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_a_failing_command_is_shown_with_its_line(workplace: Workplace) -> None:
    config = (
        f"{META}image: app\nfrom: {BASE}\nshell:\n  install:\n  - echo one\n"
        "  - |\n    echo two\n    ls /missing\n"
    )
    ran = workplace.commit({"werf.yaml": config}).export()
    assert ran.code == 4
    assert "werf.yaml:11: the stage install of app failed: exit code 2: ls /missing" in ran.text
    assert "No such file or directory" in ran.text
    assert [tag for tag in tags(workplace.repo) if len(tag) == 70] != []  # the stage from


def test_a_changed_variant_of_the_base_rebuilds_the_image(workplace: Workplace) -> None:
    config = (
        f"{META}image: base\ndockerfile: Dockerfile\n---\n"
        "image: app\nfromImage: base\nshell: {install: [cp /text /copy]}\n"
    )
    dockerfile = f"FROM {BASE}\nCOPY <<EOF /text\none\nEOF\n"
    ran = workplace.commit({"werf.yaml": config, "Dockerfile": dockerfile}).export("app")
    assert ran.code == 0, ran.text
    # werf's digest does not see the quotes; the variant does
    workplace.commit({"Dockerfile": dockerfile.replace("<<EOF", "<<'EOF'")})
    again = workplace.export("app")
    assert again.code == 0, again.text
    assert [stage for stage in again.built if stage.startswith("app/")] != []


@pytest.mark.parametrize("pushes_by_tag", [False, True], ids=["by-digest", "by-tag"])
def test_stages_are_published_where_tags_cannot_be_written_twice(
    workplace: Workplace, tmp_path: Path, *, pushes_by_tag: bool
) -> None:
    config = (
        f"{META}image: app\nfrom: {BASE}\nshell:\n  install: [echo 1 >/one]\n"
        "  setup: [echo 2 >/two]\n"
    )
    workplace.commit({"werf.yaml": config})
    fake = FakeRegistry(Profile(immutable=True))
    with serve(fake) as address, ExitStack() as stack:
        env = {}
        if pushes_by_tag:
            host = stack.enter_context(second_engine(tmp_path, containerd=False))
            env = {"DOCKER_HOST": host}
        where = ("--repo", f"{address}/app/stages", "--tag", f"{address}/app/out:v1")
        first = workplace.run("export", *where, env=env)
        assert first.code == 0, first.text
        again = workplace.run("export", *where, env=NO_ENGINE)
        assert (again.code, again.built) == (0, [])
        rejected = [tag for tag in fake.tags["app/stages"] if tag.endswith("-rejected")]
        assert len(rejected) == (1 if pushes_by_tag else 0)
        history = pull(f"{address}/app/out:v1").config["history"]
    assert [entry["created_by"] for entry in history[-2:]] == [
        "echo 1 >/one",
        "echo 2 >/two",
    ]


def test_imports_are_summed_up_while_their_source_is_built(workplace: Workplace) -> None:
    config = (
        f"{META}image: made\nfinal: false\nfrom: {BASE}\nshell:\n"
        f"  setup: [mkdir -p /out/lib, 'echo {workplace.unique} >/out/lib/a', ln -s a /out/lib/b]\n"
        f"---\nimage: app\nfrom: {BASE}\nimport:\n"
        "- {image: made, add: /out/lib, to: /lib/made, after: setup}\n"
        "- {image: made, add: /out, to: /lib/some, after: setup, includePaths: [lib/a]}\n"
        "- {image: made, add: /out/lib/b, to: /lib/link, after: setup}\n"
    )
    workplace.commit({"werf.yaml": config})
    first = workplace.export()
    assert first.code == 0, first.text
    assert "sum up" not in first.text
    assert "exporter:" not in first.text
    records = [tag for tag in tags(workplace.repo) if tag.startswith("import-metadata-")]
    assert len(records) == 3
    # the engine has done everything before and tells nothing, so that it is asked for the sums
    other = f"{workplace.repo}-again"
    again = workplace.run("export", "--repo", other, "--tag", workplace.tag)
    assert again.code == 0, again.text
    assert "sum up what is imported" in again.text
    stages = [
        sorted(tag.partition("-")[0] for tag in tags(repo) if len(tag.partition("-")[0]) == _DIGEST)
        for repo in (workplace.repo, other)
    ]
    assert stages[0] == stages[1]
    for tag in records:
        found = [
            pull(f"{repo}:{tag}").config["config"]["Labels"] for repo in (workplace.repo, other)
        ]
        assert found[0]["checksum"] == found[1]["checksum"]


@contextmanager
def _socket_to(host: str, path: Path) -> Iterator[Path]:
    """An engine on TCP as one of this machine."""

    def forward(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near = opened.enter_context(listener.accept()[0])
                far = opened.enter_context(socket.create_connection((name, int(port))))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=forward, args=pair, daemon=True).start()

    name, port = host.removeprefix("tcp://").split(":")
    with ExitStack() as opened, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        server = threading.Thread(target=serve)
        server.start()
        yield path
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


def _together(unique: str, *, made: str = "true", late: str = "true") -> str:
    return (
        f"{META}image: made\nfrom: {BASE}\nshell:\n  install: ['echo {unique} >/one']\n"
        f"  setup:\n  - head -c 16 /dev/urandom | od >/random && {made}\n"
        f"---\nimage: app\nfrom: {BASE}\nimport: [{{image: made, add: /random, to: /taken,"
        f" after: install}}]\nshell:\n  install: ['echo {unique} >/two']\n"
        f"  setup:\n  - echo in the end && {late}\n"
    )


def test_an_image_is_built_together_with_its_source(workplace: Workplace) -> None:
    workplace.commit({"werf.yaml": _together(workplace.unique)})
    tag = workplace.tag.replace("/out:v1", "/%image%:v1")
    first = workplace.run("export", "--repo", workplace.repo, "--tag", tag)
    assert first.code == 0, first.text
    assert "stage setup of app" in first.text
    # what is imported is what the source has, though no two runs of its command give the same
    files = {
        name: flattened(image, [layer["digest"] for layer in image.manifest["layers"][1:]])
        for name in ("made", "app")
        for image in [pull(tag.replace("%image%", name))]
    }
    assert files["made"]["random"]["sha256"] == files["app"]["taken"]["sha256"]
    again = workplace.run("export", "--repo", workplace.repo, "--tag", tag, env=NO_ENGINE)
    assert (again.code, again.built) == (0, [])


def test_what_fails_in_an_image_built_ahead_is_not_run_again(workplace: Workplace) -> None:
    workplace.commit({"werf.yaml": _together(workplace.unique, late="false")})
    ran = workplace.export("app")
    assert ran.code == 4
    assert "werf.yaml:17: the stage setup of app failed: exit code 1" in ran.text
    assert ran.text.count("  in the end") == 1
    pushed = ran.text.partition("Build app")[2]
    assert "stage install: cached" in pushed
    assert "to /taken: cached" in pushed
    labels = [
        pull(f"{workplace.repo}:{tag}").config["history"][-1]["created_by"]
        for tag in tags(workplace.repo)
        if len(tag.partition("-")[0]) == _DIGEST
    ]
    assert f"echo {workplace.unique} >/two" in labels
    assert any(label.startswith("dependenciesAfterInstall: import") for label in labels)
    assert not any("in the end" in label for label in labels)
    workplace.commit({"werf.yaml": _together(workplace.unique)})
    mended = workplace.export("app")
    assert (mended.code, mended.built) == (0, ["app/setup"])


def test_an_engine_that_gives_no_layouts_builds_images_one_by_one(
    workplace: Workplace, tmp_path: Path
) -> None:
    workplace.commit({"werf.yaml": _together(workplace.unique)})
    with (
        second_engine(tmp_path, containerd=False) as host,
        _socket_to(host, tmp_path / "engine.sock") as path,
    ):
        ran = workplace.run(
            "export", "app", "--repo", workplace.repo, "--tag", workplace.tag,
            env={"DOCKER_HOST": f"unix://{path}"},
        )  # fmt: skip
    assert ran.code == 0, ran.text
    assert "stage setup of app" not in ran.text
    assert "taken" in _files(workplace.tag)


def test_a_source_that_fails_is_the_only_error(workplace: Workplace) -> None:
    workplace.commit({"werf.yaml": _together(workplace.unique, made="false")})
    ran = workplace.export("app")
    assert ran.code == 4
    assert "werf.yaml:9: the stage setup of made failed: exit code 1" in ran.text
    assert "of app failed" not in ran.text


def test_stages_are_written_side_by_side_and_the_last_one_last(workplace: Workplace) -> None:
    config = (
        f"{META}image: app\nfrom: {BASE}\ngit: [{{add: /src, to: /app}}]\nshell:\n"
        "  install: [echo 1 >/one]\n  setup: [echo 2 >/two]\n"
    )
    workplace.commit({"werf.yaml": config, "src/a": "1\n"})
    fake = FakeRegistry()
    with serve(fake) as address:
        ran = workplace.run("export", "--repo", f"{address}/app/stages", "--tag", workplace.tag)
        assert ran.code == 0, ran.text
        written = fake.writes("^PUT /v2/app/stages/manifests/[0-9a-f]{56}-")
        ours = [
            json.loads(fake.manifests["app/stages"][digest][0])["config"]["digest"]
            for tag, digest in fake.tags["app/stages"].items()
            if len(tag.partition("-")[0]) == _DIGEST
        ]
        looks = [line for line in fake.requests("^HEAD") if line.rpartition("/")[2] in ours]
    assert len(written) == len(ours) == 4  # BuildKit's own one has no tag
    assert written[-1].endswith(ran.image("app")["stage"].rpartition(":")[2])
    assert looks == []


def test_ansible_is_refused_with_its_line_and_two_ways_out(workplace: Workplace) -> None:
    config = f"{META}image: app\nfrom: {BASE}\nansible:\n  install:\n  - shell: date\n"
    ran = workplace.commit({"werf.yaml": config}).export()
    assert ran.code == 4
    assert "werf.yaml:7" in ran.text
    assert "`shell`" in ran.text
    assert "Dockerfile" in ran.text


def test_nothing_of_ours_is_left_in_the_image(workplace: Workplace) -> None:
    config = (
        f"{META}image: app\nfrom: {BASE}\ngit: [{{add: /src, to: /app}}]\n"
        "mount: [{from: tmp_dir, to: /cache}]\n"
        "secrets: [{id: token, value: hidden-value}]\n"
        "shell: {setup: [test -s /run/secrets/token && touch /cache/x /done]}\n"
    )
    rules = "giterminismConfigVersion: 1\nconfig: {secrets: {allowValueIds: [token]}}\n"
    workplace.commit({"werf.yaml": config, "werf-giterminism.yaml": rules, "src/a": "1\n"})
    ran = workplace.export()
    assert ran.code == 0, ran.text
    assert sorted(_files(workplace.tag)) == ["app", "app/a", "done"]
    text = json.dumps(pull(workplace.tag).config)
    assert "exporter" not in text
    assert "/dev/" not in text
    assert "hidden-value" not in text
    history = [entry["created_by"] for entry in pull(workplace.tag).config["history"][-3:]]
    commit = workplace.project.git("rev-parse", "HEAD")[:12]
    assert history == [
        f"from: {BASE}",
        f"gitArchive: files of git: /src at {commit} to /app",
        "test -s /run/secrets/token && touch /cache/x /done",
    ]
