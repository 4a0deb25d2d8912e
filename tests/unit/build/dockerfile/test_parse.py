"""Dockerfiles in parts: original lines, places, heredocs, flags, and what is refused."""

import pytest

from exporter.build.dockerfile.parse import (
    Dockerfile,
    Mount,
    parse_dockerfile,
    parse_trigger,
    target_index,
)
from exporter.errors import ConfigError


def codes(text: str) -> list[str]:
    return [each.code for stage in parse_dockerfile(text).stages for each in stage.instructions]


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_dockerfile(text, path="build/Dockerfile")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("RUN  a   b \n", ["RUN  a   b"], id="inner white space stays"),
        pytest.param("  run x\n", ["run x"], id="indented, lower case"),
        pytest.param("RUN a && \\\n   b\n", ["RUN a &&    b"], id="continuation keeps indentation"),
        pytest.param("RUN a \\\n# note\n  # more\n b\n", ["RUN a  b"], id="comments inside"),
        pytest.param("RUN a \\\n\n\n b\n", ["RUN a  b"], id="empty lines inside"),
        pytest.param("RUN a \\  \n b\n", ["RUN a  b"], id="white space after the backslash"),
        pytest.param("RUN a \\\\\nRUN b\n", ["RUN a \\\\", "RUN b"], id="an escaped backslash"),
        pytest.param("RUN a \\\n", ["RUN a"], id="continuation at the end"),
        pytest.param("RUN a\r\nRUN \\\r\n b\r\n", ["RUN a", "RUN  b"], id="crlf"),
        pytest.param("RUN a # not a comment\n", ["RUN a # not a comment"], id="hash in a line"),
        pytest.param("RUN echo ü\n", ["RUN echo ü"], id="unicode"),
    ],
)
def test_lines_are_joined_as_buildkit_joins_them(text: str, expected: list[str]) -> None:
    assert codes("FROM scratch\n" + text) == expected


def test_directives_stand_at_the_top_only() -> None:
    file = parse_dockerfile(
        "# syntax=docker/dockerfile:1\n# check=skip=all\n# Escape=`\nFROM a\nRUN b `\n  c\n"
    )
    assert dict(file.directives) == {
        "syntax": "docker/dockerfile:1",
        "check": "skip=all",
        "escape": "`",
    }
    assert file.stages[0].instructions[0].code == "RUN b   c"
    late = parse_dockerfile("# a comment\n# escape=`\nFROM a\nRUN b `\n")
    assert dict(late.directives) == {}
    assert late.stages[0].instructions[0].code == "RUN b `"


def test_a_byte_order_mark_is_no_part_of_the_first_instruction() -> None:
    assert parse_dockerfile("\ufeffFROM a\n").stages[0].base == "a"


def test_places_cover_continuations_and_heredocs() -> None:
    text = "FROM a\n\nRUN b \\\n  c\nRUN <<E cat\nx\nE\nCMD d\n"
    places = [(i.line, i.end_line) for i in parse_dockerfile(text).stages[0].instructions]
    assert places == [(3, 4), (5, 7), (8, 8)]


def test_stages_have_bases_names_and_platforms() -> None:
    file = parse_dockerfile(
        "ARG V=1 W\nFROM --platform=$BUILDPLATFORM base:$V AS Builder\nRUN a\nFROM builder\n"
    )
    assert [argument.pairs for argument in file.meta_args] == [(("V", "1"), ("W", ""))]
    first, second = file.stages
    assert (first.base, first.name, first.platform, first.line) == (
        "base:$V",
        "builder",
        "$BUILDPLATFORM",
        2,
    )
    assert (second.base, second.name, second.platform) == ("builder", "", "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            "ENV A=1 B='two words' C=x\\ y",
            (("A", "1"), ("B", "'two words'"), ("C", "x\\ y")),
            id="new form",
        ),
        pytest.param("ENV A the rest  of it", (("A", "the rest  of it"),), id="old form"),
        pytest.param('LABEL "k 1"="v" k2=', (('"k 1"', '"v"'), ("k2", "")), id="label"),
        pytest.param("ARG A B=c", (("A", ""), ("B", "c")), id="arg"),
    ],
)
def test_pairs_keep_their_quotes(line: str, expected: tuple[tuple[str, str], ...]) -> None:
    (instruction,) = parse_dockerfile(f"FROM a\n{line}\n").stages[0].instructions
    assert instruction.pairs == expected


@pytest.mark.parametrize(
    ("line", "arguments", "is_json"),
    [
        ('CMD ["a", "b c"]', ("a", "b c"), True),
        ("CMD [a, b]", ("[a, b]",), False),
        ("CMD ['a']", ("['a']",), False),
        ("CMD []", (), True),
        ('COPY ["a b", "/c"]', ("a b", "/c"), True),
        ("COPY a\tb   /c", ("a", "b", "/c"), False),
        ("EXPOSE 80 443/udp", ("80", "443/udp"), False),
        ('HEALTHCHECK CMD ["x", "y"]', ("CMD", "x", "y"), True),
        ("USER 7:8", ("7:8",), False),
    ],
)
def test_arguments_come_as_lists_or_words(
    line: str, arguments: tuple[str, ...], *, is_json: bool
) -> None:
    (instruction,) = parse_dockerfile(f"FROM a\n{line}\n").stages[0].instructions
    assert (instruction.arguments, instruction.is_json) == (arguments, is_json)


def test_flags_are_taken_off_the_arguments() -> None:
    (copy,) = (
        parse_dockerfile(
            "FROM a\nCOPY --link --from=Build --chown='1:2' --exclude=*.md --exclude=x b /c\n"
        )
        .stages[0]
        .instructions
    )
    assert copy.arguments == ("b", "/c")
    assert dict(copy.flags) == {
        "link": ("true",),
        "from": ("Build",),
        "chown": ("1:2",),
        "exclude": ("*.md", "x"),
    }
    assert (copy.origin, copy.sources) == ("Build", ("b",))


def test_mounts_of_run_are_read() -> None:
    (run,) = (
        parse_dockerfile(
            "FROM a\nRUN --mount=type=cache,target=/c --mount=target=/s,src=lib,ro "
            "--mount=type=bind,from=b,source=x make\n"
        )
        .stages[0]
        .instructions
    )
    assert run.mounts == (
        Mount(type="cache", target="/c"),
        Mount(type="bind", source="lib", target="/s"),
        Mount(type="bind", origin="b", source="x"),
    )


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        pytest.param("RUN <<EOF\na\n  b\nEOF\n", [("EOF", "a\n  b\n", True)], id="plain"),
        pytest.param("RUN <<'EOF'\n$x\nEOF\n", [("EOF", "$x\n", False)], id="quoted"),
        pytest.param('RUN <<"E F"\nx\nE F\n', [("E F", "x\n", False)], id="quoted with a space"),
        pytest.param(
            "RUN cat << EOF\nx\nEOF\n", [("EOF", "x\n", True)], id="space before the word"
        ),
        pytest.param("RUN <<-E\n\ta\n\tE\n", [("E", "a\n", True)], id="leading tabs"),
        pytest.param(
            "COPY <<A <<B /d/\n1\nA\n2\nB\n", [("A", "1\n", True), ("B", "2\n", True)], id="two"
        ),
        pytest.param("RUN <<EOF\na\r\nEOF\r\n", [("EOF", "a\r\n", True)], id="crlf"),
        pytest.param(
            "RUN <<EOF\n# no comment \\\nEOF\n", [("EOF", "# no comment \\\n", True)], id="raw"
        ),
        pytest.param('RUN ["a", "<<EOF"]\n', [], id="not in json"),
        pytest.param("CMD cat <<EOF\n", [], id="not in cmd"),
        pytest.param("RUN a << 1\n1\n", [("1", "", True)], id="a shift of arithmetic is one too"),
    ],
)
def test_heredocs_keep_their_bodies(text: str, bodies: list[tuple[str, str, bool]]) -> None:
    instruction = parse_dockerfile(f"FROM a\n{text}").stages[0].instructions[0]
    assert [(each.name, each.text, each.expand) for each in instruction.heredocs] == bodies


def test_heredocs_are_no_sources() -> None:
    (copy,) = parse_dockerfile("FROM a\nCOPY x <<E y /d/\nE\n").stages[0].instructions
    assert copy.sources == ("x", "y")


def test_onbuild_keeps_its_instruction_with_heredocs() -> None:
    (onbuild,) = parse_dockerfile("FROM a\nOnBuild  COPY <<E /x\nbody\nE\n").stages[0].instructions
    assert onbuild.trigger == "COPY <<E /x\nbody\nE"
    inner = parse_trigger(onbuild)
    assert (inner.name, inner.code, inner.line) == ("COPY", "COPY <<E /x", 2)
    assert inner.heredocs[0].content == "body\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "build/Dockerfile:1: the Dockerfile has no instruction FROM"),
        ("# nothing\n", "build/Dockerfile:1: the Dockerfile has no instruction FROM"),
        ("FROM a\nCPOY x y\n", "build/Dockerfile:2: unknown instruction: CPOY. Did you mean COPY?"),
        ("RUN a\nFROM b\n", "build/Dockerfile:1: RUN stands before the first FROM: no build stage"),
        ("FROM a b\n", "build/Dockerfile:1: FROM requires either one or three arguments"),
        ("FROM a AS 1b\n", "build/Dockerfile:1: invalid name for build stage: '1b'"),
        ("FROM a\nCOPY --form=b c d\n", "unknown flag: --form. Did you mean from?"),
        ("FROM a\nCOPY --link=maybe c d\n", "expecting a boolean value for --link, not: maybe"),
        ("FROM a\nCOPY --chown c d\n", "missing a value on flag: --chown"),
        ("FROM a\nCOPY --from=a --from=b c d\n", "duplicate flag specified: --from"),
        ("FROM a\n\n\nCOPY x\n", "build/Dockerfile:4: COPY requires at least two arguments"),
        ("FROM a\nCOPY x <<E\nE\n", "COPY cannot accept a heredoc as a destination"),
        ('FROM a\nCMD ["x", 1]\n', "arrays must be comprised of strings only"),
        ("FROM a\nENV A\n", "ENV must have two arguments"),
        ("FROM a\nENV A=1 B\n", 'can\'t find = in "B"'),
        ("FROM a\nENV =x\n", "ENV names can not be blank"),
        ("FROM a\nSHELL sh -c\n", "SHELL requires the arguments to be in JSON form"),
        ("FROM a\nHEALTHCHECK WHAT\n", "unknown type 'WHAT' in HEALTHCHECK"),
        ("FROM a\nONBUILD FROM b\n", "FROM isn't allowed as an ONBUILD trigger"),
        ("FROM a\nONBUILD ONBUILD RUN b\n", "chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("FROM a\nONBUILD RNU b\n", "unknown instruction: RNU. Did you mean RUN?"),
        ("FROM a\nUSER\n", "USER requires exactly one argument"),
        ("FROM a\nRUN <<E\nx\n", "build/Dockerfile:2: unterminated heredoc: no line with E alone"),
        ("FROM a\nRUN --mount=type=chache,target=/x y\n", "unsupported mount type 'chache'"),
        (
            "FROM a\nRUN --mount=from=$X,target=/x y\n",
            "'from' of a mount does not support variables",
        ),
        ("# escape=x\nFROM a\n", "build/Dockerfile:1: invalid escape token 'x'"),
        (
            "# escape=`\n# escape=`\nFROM a\n",
            "build/Dockerfile:2: only one escape parser directive",
        ),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, message: str) -> None:
    assert message in refusal(text)


def test_a_newer_frontend_may_have_newer_flags() -> None:
    file = parse_dockerfile("# syntax=docker/dockerfile:labs\nFROM a\nCOPY --new=1 b c\n")
    assert file.stages[0].instructions[0].arguments == ("b", "c")


def two_stages() -> Dockerfile:
    return parse_dockerfile("FROM a AS One\nFROM b AS two\n", path="Dockerfile")


@pytest.mark.parametrize(("target", "index"), [("", 1), ("one", 0), ("two", 1)])
def test_the_target_is_a_stage_by_name_or_the_last(target: str, index: int) -> None:
    assert target_index(two_stages(), target) == index


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("One", "Dockerfile: target: there is no stage 'One'. Did you mean one?"),
        ("0", "target: there is no stage '0'. The named stages are: one, two"),
    ],
)
def test_the_target_is_compared_as_written(target: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        target_index(two_stages(), target)
    assert message in str(caught.value)
