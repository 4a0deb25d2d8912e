"""What enters a digest: werf's inputs to the byte, and beside them what werf overlooks."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.build.dockerfile.added import list_added
from exporter.build.dockerfile.dockerignore import parse_dockerignore
from exporter.build.dockerfile.inputs import DigestInputs, digest_inputs
from exporter.build.dockerfile.parse import parse_dockerfile
from exporter.build.dockerfile.request import BuildContext, ImageRequest, normalise_source
from exporter.errors import ConfigError
from exporter.oci.platform import Platform
from tests.fakes.commit_tree import Executable, Link, commit_tree

AMD64 = Platform.parse("linux/amd64")
ARM64 = Platform.parse("linux/arm64")
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HELLO = "caf7af16cbd6401f9450a55ec160ad71fdd17be2bd2752b60ed4454d94b435b0"

Files = Mapping[str, str | Executable | Link]


class Served:
    """Remote sources: URL to content."""

    def __init__(self, **content: str) -> None:
        self.content = content
        self.asked: list[str] = []

    def identify(self, url: str) -> str:
        self.asked.append(url)
        return self.content.get(url.rpartition("/")[2], "")


def inputs_of(
    text: str,
    files: Files = {"hello.txt": "hello\n"},  # noqa: B006 - never changed
    *,
    request: Mapping[str, object] | None = None,
    context: Mapping[str, object] | None = None,
    remote: Served | None = None,
) -> DigestInputs:
    options = {"platform": AMD64, "build_platform": AMD64, **(request or {})}
    place = str((context or {}).get("directory", ""))
    committed = {f"{place}/Dockerfile".lstrip("/"): text, **files}
    return digest_inputs(
        replace(
            ImageRequest(dockerfile=parse_dockerfile(text), platform=AMD64, build_platform=AMD64),
            **options,  # type: ignore[arg-type] # each test gives the fields it is about
        ),
        replace(BuildContext(tree=commit_tree(committed)), **(context or {})),  # type: ignore[arg-type] # the same
        remote=remote or Served(),
    )


def arguments(text: str, **more: object) -> tuple[str, ...]:
    return inputs_of(text, **more).arguments  # type: ignore[arg-type] # passed through


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "FROM alpine:latest\nRUN echo hello\n", ("alpine:latest", "RUN echo hello"), id="run"
        ),
        pytest.param(
            "ARG B=alpine:latest\nFROM ${B}\nRUN echo hello\n",
            ("alpine:latest", "RUN echo hello"),
            id="a global argument shows in the base only",
        ),
        pytest.param(
            'ARG V=1\nFROM a\nARG V\nARG W=$V\nLABEL v=$V w="$W"\n',
            ("a", "ARG V=1", "ARG W=1", "LABEL v=1 w=1"),
            id="a stage takes a global argument in by name",
        ),
        pytest.param(
            "FROM a\nENV A=1 B=${A}x\nRUN echo '$A' \"$A\" \\$A $NONE\n",
            ("a", "ENV A=1", "ENV B=1x", "RUN echo $A 1 $A "),
            id="quotes go, the same ENV is seen",
        ),
        pytest.param(
            "FROM a\nARG X=arg\nENV X=env\nRUN $X\n",
            ("a", "ARG X=arg", "ENV X=env", "RUN arg"),
            id="ARG wins over ENV",
        ),
        pytest.param(
            "FROM a\nARG TARGETARCH\nARG BUILDPLATFORM\n",
            ("a", "ARG TARGETARCH=amd64", "ARG BUILDPLATFORM=linux/amd64"),
            id="arguments of the platform",
        ),
        pytest.param(
            "FROM scratch\nCOPY hello.txt /\n",
            ("scratch", "COPY hello.txt /", HELLO),
            id="files",
        ),
        pytest.param(
            "FROM scratch\nCOPY --from=x:1 hello.txt /\n",
            ("scratch", "COPY --from=x:1 hello.txt /"),
            id="files of another image",
        ),
        pytest.param(
            "FROM scratch\nCOPY nope /\n", ("scratch", "COPY nope /", NOTHING), id="no such file"
        ),
        pytest.param(
            "FROM a AS b\nRUN one\nFROM b\nRUN two\n",
            ("b", "RUN two", "a", "RUN one"),
            id="FROM a stage",
        ),
        pytest.param(
            "FROM a AS b\nFROM c\nCOPY --from=B x /\nRUN --mount=from=0,target=/m y\n",
            ("c", "COPY --from=B x /", "RUN --mount=from=0,target=/m y", "a", "a"),
            id="stages by name and by index",
        ),
        pytest.param(
            "FROM a AS b\nONBUILD ENV X=$HOME\nONBUILD COPY hello.txt /o\nFROM b\n",
            ("b", "a", "ENV X=$HOME", "COPY hello.txt /o", "ENV X=", "COPY hello.txt /o", HELLO),
            id="ONBUILD as written for its own stage, expanded for those on top",
        ),
        pytest.param(
            "FROM a\nRUN echo ${X^^} it's\n",
            ("a", "RUN echo ${X^^} it's"),
            id="what the lexer cannot read stays as it is",
        ),
    ],
)
def test_werf_hashes_these_lines(text: str, expected: tuple[str, ...]) -> None:
    assert arguments(text) == expected


def test_values_come_from_dependencies_then_arguments_then_defaults() -> None:
    request = {
        "arguments": {"A": "args", "B": "args", "UNUSED": "x"},
        "dependency_arguments": {"A": "dependency"},
    }
    text = "ARG A=d\nFROM $A\nARG A=d\nARG B=d\nARG C=d\n"
    assert arguments(text, request=request) == (
        "dependency",
        "ARG A=dependency",
        "ARG B=args",
        "ARG C=d",
    )


def test_hosts_come_first_and_the_cache_version_last() -> None:
    request = {"add_hosts": ("h:1.2.3.4",), "cache_version": "7"}
    assert arguments("FROM a\nRUN b\n", request=request) == ("h:1.2.3.4", "a", "RUN b", "7")


def test_stages_that_the_target_does_not_need_do_not_count() -> None:
    text = "FROM a AS one\nRUN one\nFROM b AS two\nRUN two\n"
    assert arguments(text, request={"target": "one"}) == ("a", "RUN one")


def test_an_empty_base_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match="Dockerfile:2: the base image of FROM \\$B is empty"):
        arguments("ARG B\nFROM $B\n")


def test_a_malformed_source_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigError, match="Dockerfile:2: malformed glob"):
        arguments("FROM a\nCOPY [a /b\n")
    with pytest.raises(ConfigError, match="Dockerfile:2: unsupported modifier"):
        arguments("FROM a\nCOPY ${A^} /b\n")


@pytest.mark.parametrize(
    ("source", "glob"),
    [
        ("/", "."),
        (".", "."),
        ("./a/", "a"),
        ("/a/../b", "b"),
        ("//a", "a"),
        ("", "."),
        ("../a", "../a"),
    ],
)
def test_sources_are_relative_to_the_context(source: str, glob: str) -> None:
    assert normalise_source(source) == glob


def test_an_ignored_file_is_not_hashed() -> None:
    ignore = parse_dockerignore("d/*.md", path=".dockerignore")
    files = {"d/a.md": "1", "d/b": "2"}
    with_it = inputs_of("FROM a\nCOPY d /\n", files, context={"ignore": ignore})
    without = inputs_of("FROM a\nCOPY d /\n", {"d/b": "2"}, context={"ignore": ignore})
    assert with_it.arguments == without.arguments


# what werf overlooks


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("RUN <<EOF\none\nEOF\n", "RUN <<EOF\ntwo\nEOF\n", id="a heredoc of RUN"),
        pytest.param("RUN <<E\n$x\nE\n", "RUN <<'E'\n$x\nE\n", id="a heredoc gets quotes"),
        pytest.param(
            "COPY <<EOF hello.txt /d/\n1\nEOF\n",
            "COPY <<EOF hello.txt /d/\n2\nEOF\n",
            id="a heredoc of COPY beside files",
        ),
    ],
)
def test_heredocs_enter_the_digest(before: str, after: str) -> None:
    one, two = inputs_of(f"FROM a\n{before}"), inputs_of(f"FROM a\n{after}")
    assert one.arguments == two.arguments
    assert [each.kind for each in one.additions] == ["heredoc"]
    assert one.dependencies != two.dependencies


def test_a_heredoc_alone_is_in_the_hash_of_the_context_already() -> None:
    one = inputs_of("FROM a\nCOPY <<EOF /c\n1\nEOF\n")
    two = inputs_of("FROM a\nCOPY <<EOF /c\n2\nEOF\n")
    assert one.additions == two.additions == ()
    assert one.dependencies != two.dependencies


def test_a_heredoc_of_a_dockerfile_that_is_not_committed_enters() -> None:
    text = "FROM a\nCOPY <<EOF /c\n{}\nEOF\n"
    committed = {"Dockerfile": text.format("committed")}
    one = inputs_of(text.format("1"), committed)
    two = inputs_of(text.format("2"), committed)
    assert [each.kind for each in one.additions] == ["heredoc"]
    assert one.dependencies != two.dependencies


def test_a_dockerfile_that_is_ignored_is_copied_all_the_same() -> None:
    """BuildKit gets it in any case: a comment in it changes the image."""
    context = {"ignore": parse_dockerignore("Dockerfile", path=".dockerignore")}
    one = inputs_of("FROM a\nCOPY . /\n", context=context)
    two = inputs_of("# two\nFROM a\nCOPY . /\n", context=context)
    assert one.arguments == two.arguments == ("a", "COPY . /", HELLO)
    assert one.variant != two.variant


def test_remote_content_enters_the_digest() -> None:
    text = "FROM a\nARG V=1\nADD https://example.org/$V/f hello.txt /d/\n"
    one = inputs_of(text, remote=Served(f="one"))
    two = inputs_of(text, remote=Served(f="two"))
    assert one.arguments == two.arguments
    assert one.dependencies != two.dependencies
    served = Served(f="one")
    assert inputs_of(text, remote=served).dependencies == one.dependencies
    assert served.asked == ["https://example.org/1/f"]


def test_pinned_remote_content_is_not_asked_for() -> None:
    served = Served()
    found = inputs_of("FROM a\nADD --checksum=sha256:1 https://e.org/f /\n", remote=served)
    assert (found.additions, served.asked) == ((), [])


@pytest.mark.parametrize(
    ("mount", "files"),
    [
        pytest.param("target=/s,source=lib", {"lib/a": "2"}, id="content"),
        pytest.param("target=/s,source=lib", {"lib/b": "1"}, id="name"),
        pytest.param("target=/s,source=lib", {"lib/a": Executable("1")}, id="mode"),
        pytest.param("type=bind,target=/s,src=$DIR", {"lib/a": "2"}, id="variable"),
        pytest.param("target=/s", {"lib/a": "1", "more": ""}, id="the whole context"),
    ],
)
def test_mounts_of_the_context_enter_the_digest(mount: str, files: Files) -> None:
    text = f"FROM a\nENV DIR=lib\nRUN --mount={mount} make\n"
    one, two = inputs_of(text, {"lib/a": "1"}), inputs_of(text, files)
    assert one.arguments == two.arguments
    assert [each.kind for each in one.additions] == ["mount"]
    assert one.dependencies != two.dependencies


def test_other_mounts_do_not_enter() -> None:
    text = "FROM a\nRUN --mount=type=cache,target=/c --mount=from=x,target=/x y\n"
    assert inputs_of(text).additions == ()


@pytest.mark.parametrize(
    ("copy", "link", "files"),
    [
        pytest.param("lnk/", Link("real"), {"real/a": "2"}, id="a directory"),
        pytest.param("lnk", Link("real/a"), {"real/a": "2"}, id="a file"),
        pytest.param("lnk/a", Link("real"), {"real/a": "2"}, id="through a link"),
        pytest.param("ln?", Link("real"), {"real/a": "2"}, id="a glob"),
        pytest.param("lnk", Link("/real"), {"real/a": "2"}, id="absolute, from the context's root"),
        pytest.param("lnk", Link("../../real"), {"real/a": "2"}, id="not out of the context"),
        pytest.param("lnk", Link("real"), {"real/a": Executable("1")}, id="modes"),
    ],
)
def test_what_is_behind_a_link_enters_the_digest(copy: str, link: Link, files: Files) -> None:
    text = f"FROM a\nCOPY {copy} /x/\n"
    one = inputs_of(text, {"lnk": link, "real/a": "1"})
    two = inputs_of(text, {"lnk": link, **files})
    assert [each.kind for each in one.additions] == ["link"]
    assert one.dependencies != two.dependencies


@pytest.mark.parametrize(
    ("copies", "files"),
    [
        pytest.param("COPY d /d\nCOPY d/link /f\n", {"d/link": Link("x"), "d/x": ""}, id="hashed"),
        pytest.param("COPY link /f\n", {"link": Link("nowhere")}, id="leads to nothing"),
        pytest.param("COPY . /f\n", {"link": Link("x"), "x": ""}, id="copied as a link"),
    ],
)
def test_links_without_secrets_add_nothing(copies: str, files: Files) -> None:
    assert inputs_of(f"FROM a\n{copies}", files).additions == ()


def test_a_stage_named_by_a_variable_enters_the_digest() -> None:
    text = "ARG BASE=Built\nFROM a AS built\nRUN {}\nFROM $BASE\nRUN end\n"
    one, two = inputs_of(text.format("1")), inputs_of(text.format("2"))
    assert one.arguments == ("Built", "RUN end")
    assert [each.kind for each in one.additions] == ["stage"]
    assert one.dependencies != two.dependencies


def test_files_that_the_build_really_takes_enter_the_digest() -> None:
    text = "FROM a\nARG X=one\nENV X=two\nCOPY $X /\n"
    one = inputs_of(text, {"one": "", "two": "1"})
    two = inputs_of(text, {"one": "", "two": "2"})
    assert one.arguments == two.arguments
    assert [each.kind for each in one.additions] == ["sources"]
    assert one.dependencies != two.dependencies


def test_a_stage_inherits_the_variables_of_its_parent() -> None:
    text = "FROM a AS p\nENV D=dir\nONBUILD COPY $D /o\nFROM p\nCOPY $D/f /\n"
    one, two = inputs_of(text, {"dir/f": "1"}), inputs_of(text, {"dir/f": "2"})
    assert {each.kind for each in one.additions} == {"sources"}
    assert one.dependencies != two.dependencies


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param("RUN echo 'a'\n", 'RUN echo "a"\n', id="quotes"),
        pytest.param("RUN echo $A\n", "RUN echo $B\n", id="variables of the shell"),
        pytest.param('CMD ["a"]\n', "CMD [a]\n", id="exec form and shell form"),
        pytest.param("ENV P=$PATH:/x\n", "ENV P=$LATH:/x\n", id="variables of the base"),
    ],
)
def test_text_that_the_digest_loses_is_in_the_variant(one: str, two: str) -> None:
    first, second = inputs_of(f"FROM a\n{one}"), inputs_of(f"FROM a\n{two}")
    assert first.dependencies == second.dependencies
    assert first.variant != second.variant


@pytest.mark.parametrize(
    ("copy", "one", "two"),
    [
        pytest.param("COPY *.txt /", {"a.txt": "1"}, {"b.txt": "1"}, id="renamed under a wildcard"),
        pytest.param("COPY f /", {"f": "1"}, {"f": Executable("1")}, id="made executable"),
        pytest.param("COPY f /", {"f": "x"}, {"f": Link("x")}, id="made a link"),
        pytest.param(
            "COPY f /",
            {"f": "x", ".gitattributes": "* text=auto\n"},
            {"f": "x", ".gitattributes": "* eol=crlf\n"},
            id="other line ends",
        ),
    ],
)
def test_names_and_modes_are_in_the_variant(copy: str, one: Files, two: Files) -> None:
    first, second = inputs_of(f"FROM a\n{copy}\n", one), inputs_of(f"FROM a\n{copy}\n", two)
    assert first.dependencies == second.dependencies
    assert first.variant != second.variant


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param({"network": "none"}, {"network": "host"}, id="network"),
        pytest.param({}, {"network": "host"}, id="a network is given"),
    ],
)
def test_the_network_of_run_is_in_the_variant(
    one: Mapping[str, object], two: Mapping[str, object]
) -> None:
    text = "FROM a\nRUN b\n"
    first, second = inputs_of(text, request=one), inputs_of(text, request=two)
    assert first.dependencies == second.dependencies
    assert first.variant != second.variant


def test_the_platform_of_a_base_is_in_the_variant() -> None:
    first = inputs_of("FROM --platform=linux/amd64 a\n")
    assert first.variant != inputs_of("FROM --platform=linux/arm64 a\n").variant
    native = "FROM --platform=$BUILDPLATFORM a\n"
    here = inputs_of(native)
    assert here.variant == inputs_of(native, request={"build_platform": ARM64}).variant


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param("RUN b\n", "# note\n\nRUN b\n", id="comments"),
        pytest.param("LABEL a=b\n", "LABEL a=b\n", id="no RUN, no network"),
    ],
)
def test_what_does_not_change_the_image_changes_nothing(one: str, two: str) -> None:
    first = inputs_of(f"FROM a\n{one}", request={"network": "default"})
    second = inputs_of(f"FROM a\n{two}", {"other": "file"})
    assert (first.dependencies, first.variant) == (second.dependencies, second.variant)


# contextAddFiles


def added(project: Path, context: str = "") -> Mapping[str, object]:
    return {
        "added": list_added(project, context, ["gen"]),
        "directory": f"sub/{context}".rstrip("/"),
    }


def test_added_files_enter_when_a_source_takes_them(tmp_path: Path) -> None:
    (tmp_path / "gen").mkdir()
    (tmp_path / "gen/out.bin").write_text("v1\n")
    files = list_added(tmp_path, "", ["gen"])
    taken = inputs_of("FROM scratch\nCOPY hello.txt gen/out.bin /d/\n", context={"added": files})
    assert taken.arguments == (
        "scratch",
        "COPY hello.txt gen/out.bin /d/",
        "f4c825ff6f38b0a1ee022315716c011d62a5e794522aa91f85091422b48041d6",
    )
    other = inputs_of("FROM scratch\nCOPY hello.txt /d/\n", context={"added": files})
    assert other.arguments[-1] == HELLO


def test_added_files_of_a_project_in_a_directory_enter_too(tmp_path: Path) -> None:
    """Werf compares paths of the project with the context in the repository, and finds none."""
    (tmp_path / "gen").write_text("1")
    text = "FROM a\nCOPY gen /\n"
    one = inputs_of(text, context=added(tmp_path))
    (tmp_path / "gen").write_text("2")
    two = inputs_of(text, context=added(tmp_path))
    assert one.arguments == two.arguments == ("a", "COPY gen /", NOTHING)
    assert one.dependencies != two.dependencies


def test_added_files_need_not_be_committed(tmp_path: Path) -> None:
    (tmp_path / "gen").write_text("1")
    (matcher,) = inputs_of(
        "FROM a\nCOPY . /\n", context={"added": list_added(tmp_path, "", ["gen"])}
    ).matchers
    assert matcher.matches("hello.txt")
    assert not matcher.matches("gen")


def test_a_missing_added_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="contextAddFiles: 'gen' was not found"):
        list_added(tmp_path, "svc", ["gen"])


def test_what_buildkit_itself_expands_must_be_well_formed() -> None:
    with pytest.raises(ConfigError, match=r"Dockerfile:2: unsupported modifier"):
        arguments("FROM a\nLABEL x=${X^^}\n")
    assert arguments("FROM a\nLABEL x=${X:?}\n") == ("a", "LABEL x=${X:?}")
