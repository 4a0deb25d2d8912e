import pytest

from exporter.errors import Place
from exporter.project.models.exports import Export, without_overlaps
from exporter.project.models.imports import has_tag_or_digest
from tests.unit.project.reading import META, Allowing, config, dockerfile, refusal, stapel

PLACE = Place(path="werf.yaml", line=1, column=1)


def test_args_are_printed_as_go_prints_them() -> None:
    found = dockerfile(
        "image: a\ndockerfile: D\nargs: {a: 1.10, b: 010, c: yes, d: ~, e: 1e3, f: 0x1F, g: text,"
        " h: [1, x], i: {k: v}, j: 2024-01-01}\n"
    )
    assert dict(found.args) == {
        "a": "1.1",
        "b": "8",
        "c": "true",
        "d": "<nil>",
        "e": "1000",
        "f": "31",
        "g": "text",
        "h": "[1 x]",
        "i": "map[k:v]",
        "j": "2024-01-01",
    }


def test_a_dockerfile_image_takes_defaults_from_the_project() -> None:
    found = config(
        """\
        configVersion: 1
        project: demo
        build:
          cacheVersion: v1
          platform: [linux/arm64]
          staged: true
          imageSpec:
            author: common
            clearHistory: true
            config: {labels: {a: common, b: common}, removeLabels: [x, y]}
        ---
        image: a
        dockerfile: D
        imageSpec:
          author: own
          config: {labels: {a: own, c: own}, removeLabels: [y, z]}
        ---
        image: b
        dockerfile: D
        final: false
        cacheVersion: v2
        platform: [linux/amd64]
        staged: false
        """
    )
    first, second = found.images
    assert first.kind == second.kind == "dockerfile"
    assert (first.cache_version, first.platforms, first.staged) == ("v1", ("linux/arm64",), True)
    assert (second.cache_version, second.platforms, second.staged) == (
        "v2",
        ("linux/amd64",),
        False,
    )
    spec = first.image_spec
    assert spec is not None
    assert (spec.author, spec.clear_history) == ("common", True)
    assert dict(spec.labels) == {"a": "common", "b": "common", "c": "own"}
    assert spec.remove_labels == ("y", "z", "x")
    assert second.image_spec is None


def test_labels_that_the_project_removes_twice_count_once() -> None:
    found = config(
        """\
        configVersion: 1
        project: demo
        build: {imageSpec: {config: {removeLabels: [x, y, x]}}}
        ---
        image: a
        dockerfile: D
        ---
        image: b
        dockerfile: D
        imageSpec: {config: {removeLabels: [z, z]}}
        """
    )
    removed = [image.image_spec and image.image_spec.remove_labels for image in found.images]
    assert removed == [("x", "y"), ("z", "z", "x", "y")]


def test_a_merge_key_leaves_the_name_before_it() -> None:
    found = dockerfile("image: a\ndockerfile: D\n<<: {target: t}\n")
    assert (found.name, found.target) == ("a", "t")


def test_context_add_files_are_checked_inside_the_context() -> None:
    rules = Allowing()
    found = dockerfile("image: a\ndockerfile: D\ncontext: ctx\ncontextAddFiles: [x/../y]\n", rules)
    assert found.context_add_files == ("x/../y",)
    assert rules.asked == [("context add file", "werf.yaml:7:1", "ctx/y")]


def test_a_build_arg_may_not_come_twice() -> None:
    text = (
        "image: b\ndockerfile: D\n---\nimage: a\ndockerfile: D\nargs: {A: 1}\n"
        "dependencies: [{image: b, imports: [{type: ImageName, targetBuildArg: A}]}]\n"
    )
    assert refusal(text).startswith('werf.yaml:9:1: dockerfile `args:` build arg "A" already')


def test_a_stapel_image_has_its_files_and_commands() -> None:
    found = stapel(
        """\
        image: a
        from: debian:12
        git:
        - {url: "https://example.org/r.git", tag: v1, add: /, to: /r}
        - add: /src/
          to: /app
          owner: 1000
          excludePaths: c/./d
          stageDependencies: {install: package.json}
        shell: {install: [a, b], setup: c, installCacheVersion: 2}
        mount: [{from: tmp_dir, to: /tmp/x}, {fromPath: ~/.cache, to: /c}]
        """
    )
    own, remote = found.git
    assert (own.export.add, own.export.to, own.export.owner) == ("/src", "/app", "1000")
    assert own.export.exclude_paths == ("c/d",)
    assert own.stage_dependencies.install == ("package.json",)
    assert own.remote is None
    assert remote.remote is not None
    assert (remote.remote.url, remote.remote.tag) == ("https://example.org/r.git", "v1")
    assert found.shell is not None
    assert (found.shell.install, found.shell.setup) == (("a", "b"), ("c",))
    assert found.shell.cache_versions.install == "2"
    assert [(mount.kind, mount.from_path) for mount in found.mounts] == [
        ("tmp_dir", ""),
        ("custom_dir", "~/.cache"),
    ]


def test_a_docker_section_turns_lists_into_text_without_escaping() -> None:
    found = stapel('image: a\nfrom: x\ndocker: {ENTRYPOINT: [/e, \'q"\'], EXPOSE: "80"}\n').docker
    assert found is not None
    assert (found.entrypoint, found.cmd, found.expose) == ('["/e", "q""]', "[]", ("80",))


def test_an_artifact_is_never_final_and_keeps_its_git_files() -> None:
    found = stapel("artifact: a\nfrom: x\n")
    assert (found.is_artifact, found.final, found.disable_git_after_patch) == (True, False, True)


def test_secrets_get_their_ids_from_their_sources() -> None:
    rules = Allowing()
    found = dockerfile(
        "image: a\ndockerfile: D\n"
        "secrets: [{env: TOKEN}, {src: ~/dir/key}, {id: v, value: s3cret}]\n",
        rules,
    )
    assert [secret.id for secret in found.secrets] == ["TOKEN", "key", "v"]
    assert [asked[0] for asked in rules.asked] == ["secret env", "secret file", "secret value"]
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image: a\n", "`from: DOCKER_IMAGE`"),
        ("image: a\nfromImage: a\n", "image cannot reference itself!"),
        ("image: a\nfrom: x\nshell: {}\nansible: {}\n", "can not use shell and ansible"),
        ("image: a\nfrom: x\nmount: [{to: /x}]\n", "`fromPath: PATH`"),
        ("image: a\nfrom: x\ngit: [{add: x, to: /y}]\n", "`add: PATH` absolute path"),
        ("image: a\nfrom: x\ngit: [{to: /y, branch: b}]\n", "only for remote git!"),
        ("image: a\nfrom: x\nimport: [{add: /y, after: setup}]\n", "required for import!"),
        (
            "image: a\nfrom: x\nimport: [{from: a, add: /, after: setup}]\n",
            "not empty includePaths",
        ),
        ("image: 5\nfrom: x\n", "invalid image name `5`!"),
        ("image: [a, 5]\nfrom: x\n", "got `[a 5]`!"),
        ("image: a\nfrom: x\nshell: {install: yes}\n", "got `true`!"),
        ("image: a\nfrom: x\nansible: {install: [{nomod: 1}]}\n", "unsupported ansible task!"),
        ("image: a\ndockerfile: D\ncontext: ../x\n", "relative to project directory!"),
        (
            "image: a\ndockerfile: D\nsecrets: [{env: A}, {id: A, src: b}]\n",
            'duplicated secret "A"',
        ),
    ],
)
def test_rules_between_keys(text: str, message: str) -> None:
    assert message in refusal(text)


def test_ansible_tasks_keep_their_blocks() -> None:
    found = stapel(
        """\
        image: a
        from: x
        ansible: {install: [{name: task, block: [{command: ls}], rescue: [], always: ~}]}
        """
    ).ansible
    assert found is not None
    assert found.install == ({"block": ({"command": "ls"},), "name": "task"},)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alpine", False),
        ("alpine:3", True),
        ("localhost:5000/a", False),
        ("localhost:5000/a:b", True),
        ("a/b@sha256:" + "0" * 64, True),
        ("Upper:1", False),
        ("a b:1", False),
    ],
)
def test_a_tag_or_digest_makes_an_import_external(name: str, expected: object) -> None:
    assert has_tag_or_digest(name) is expected


def export(to: str, *include: str) -> Export:
    return Export(
        place=PLACE,
        add="/",
        to=to,
        include_paths=include,
        exclude_paths=(),
        owner="",
        group="",
        written_add="/",
        written_to=to,
    )


def test_the_outer_mapping_leaves_to_the_inner_one_what_it_provides() -> None:
    (outer, inner), conflict = without_overlaps([export("/app"), export("/app/sub")])
    assert conflict is None
    assert (outer.exclude_paths, inner.exclude_paths) == (("sub",), ())


def test_two_mappings_of_the_same_files_conflict() -> None:
    first, second = export("/app"), export("/app")
    assert without_overlaps([first, second])[1] == (first, second)


def test_disjoint_parts_of_one_directory_do_not_conflict() -> None:
    (first, second), conflict = without_overlaps([export("/app", "p"), export("/app", "q")])
    assert conflict is None
    assert (first.exclude_paths, second.exclude_paths) == (("q",), ("p",))


def test_the_project_document_keeps_what_other_tools_read() -> None:
    meta = config(
        META.replace("---\n", "")
        + "deploy: {namespace: x, helmReleaseSlug: no}\n"
        + "cleanup: {keepPolicies: [{references: {tag: /v.*/, limit: {in: 1h, operator: Or}}}]}\n"
        + "gitWorktree: {allowUnshallow: false}\n"
    ).meta
    assert (meta.deploy.namespace, meta.deploy.helm_release_slug) == ("x", False)
    assert meta.cleanup is not None
    (policy,) = meta.cleanup.keep_policies
    assert (policy.kind, policy.pattern) == ("tag", "/v.*/")
    assert policy.references is not None
    assert (policy.references.within_ns, policy.references.operator) == (3_600_000_000_000, "Or")
    assert meta.git_worktree.allow_unshallow is False
    assert meta.cleanup.keep_built_within_hours == 2
