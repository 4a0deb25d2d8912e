"""The report as JSON and outputs, and what the page and the log show of it."""

import io
import json
from pathlib import Path

import pytest

from exporter import report as reports
from exporter.ci import Style, console_for
from exporter.errors import InputError
from exporter.options import Options
from exporter.report import ImageResult, Phase, ReferenceResult, Report, StageResult
from exporter.reporting import hand_out, outside
from exporter.summary import size, summary
from exporter.table import table
from tests.schema import problems

ROOT = Path(__file__).resolve().parents[2]
NEW = "sha256:" + "a" * 64
OLD = "sha256:" + "b" * 64
PLAIN = Style(colors=False)


def reference(tag: str, status: reports.Status, **more: str) -> ReferenceResult:
    return ReferenceResult(
        reference=f"r.io/me/app:{tag}",
        registry="r.io",
        repository="me/app",
        tag=tag,
        status=status,
        **more,
    )


STAGES = (
    StageResult(name="from", platform="linux/amd64", reference="r.io/s:1", built=False),
    StageResult(name="dockerfile", platform="linux/amd64", reference="r.io/s:2", built=True),
)
IMAGE = ImageResult(
    name="app",
    content_tag="tag-1",
    stage="r.io/s:tag-1",
    digest=NEW,
    platforms={"linux/amd64": NEW},
    size=3 * 1024 * 1024,
    started=101.0,
    seconds=2.5,
    stages=STAGES,
    references=(
        reference("v1", "created", digest=NEW),
        reference("latest", "moved", digest=NEW, previous_digest=OLD),
        reference("denied", "refused", digest=NEW, error="r.io said no. Log in."),
    ),
)
REPORT = Report(
    result="partial",
    command="export",
    project="demo",
    commit="c" * 40,
    images=(IMAGE,),
    problems=(("warning", "careful | <b>"), ("error", "r.io said no. Log in.")),
    phases=(Phase(name="Plan", started=100.0, seconds=1.0),),
    exit_code=6,
    started=100.0,
    seconds=4.0,
)
PLAN = Report(
    result="planned",
    command="plan",
    images=(
        ImageResult(
            name="app",
            stages=STAGES,
            references=(
                reference("new", "planned", digest=NEW),
                reference("old", "planned", digest=NEW, previous_digest=OLD),
                reference("same", "unchanged", digest=NEW, previous_digest=NEW),
                reference("kept", "kept", digest=OLD, previous_digest=OLD),
                reference("unbuilt", "planned"),
            ),
        ),
    ),
)


@pytest.mark.parametrize(
    "report",
    [REPORT, PLAN, Report(result="failure", command="export", exit_code=3)],
    ids=["partial", "plan", "nothing-known"],
)
def test_the_report_follows_its_published_schema(report: Report) -> None:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
    assert problems(json.loads(reports.text(report)), schema) == []


def test_the_schema_notices_what_does_not_belong() -> None:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
    value = reports.to_json(REPORT)
    value["images"]["app"]["references"]["r.io/me/app:v1"]["status"] = "pushed"
    value["extra"] = 1
    del value["commit"]
    assert problems(value, schema) == [
        "$ has no commit",
        "$.images.app.references.r.io/me/app:v1.status is 'pushed'",
        "$ has extra",
    ]


def test_the_outputs_name_only_what_is_in_place() -> None:
    outputs = reports.outputs(REPORT, report_path="/tmp/r.json", subjects_path="/tmp/s")  # noqa: S108 - names only
    assert outputs["result"] == "partial"
    assert outputs["references"] == "r.io/me/app:v1\nr.io/me/app:latest"
    assert outputs["references-with-digests"] == (f"r.io/me/app:v1@{NEW}\nr.io/me/app:latest@{NEW}")
    assert outputs["digest"] == NEW
    assert outputs["content-tags"] == '{"app":"tag-1"}'
    assert json.loads(outputs["attest-subjects"]) == [
        {"subject-name": "r.io/me/app", "subject-digest": NEW}
    ]
    assert outputs["cosign-references"] == f"r.io/me/app@{NEW}"
    assert json.loads(outputs["images"])["app"]["references"]["r.io/me/app:denied"] == {
        "registry": "r.io",
        "repository": "me/app",
        "tag": "denied",
        "digest": NEW,
        "status": "refused",
        "previous-digest": "",
        "error": "r.io said no. Log in.",
    }


def test_checksums_are_written_as_sha256sum_prints_them() -> None:
    assert reports.subject_checksums(REPORT) == f"{'a' * 64}  r.io/me/app\n"


def test_a_reference_that_was_kept_is_pinned_to_what_it_shows() -> None:
    image = ImageResult(name="app", references=(reference("v1", "kept", digest=OLD),))
    outputs = reports.outputs(Report(result="success", command="export", images=(image,)))
    assert outputs["references-with-digests"] == f"r.io/me/app:v1@{OLD}"


def test_the_summary_starts_with_errors_and_ends_with_the_run() -> None:
    assert summary(REPORT) == (
        "## ⚠️ Exported in part: 3 references\n"
        "\n"
        "> [!CAUTION]\n"
        "> r.io said no. Log in.\n"
        "\n"
        "> [!WARNING]\n"
        "> careful \\| &lt;b&gt;\n"
        "\n"
        "| Image | Platforms | Reference | Digest | Status | Size | Time | Stages |\n"
        "|---|---|---|---|---|---:|---:|---|\n"
        f"| app | linux/amd64 | `r.io/me/app:v1` | `{NEW}` | created | 3.0 MiB | 2.5 s "
        "| 1 built, 1 reused |\n"
        f"| app | linux/amd64 | `r.io/me/app:latest` | `{NEW}` | moved | 3.0 MiB | 2.5 s "
        "| 1 built, 1 reused |\n"
        f"| app | linux/amd64 | `r.io/me/app:denied` | `{NEW}` | refused | 3.0 MiB | 2.5 s "
        "| 1 built, 1 reused |\n"
        "\n"
        "```mermaid\n"
        "gantt\n"
        "    dateFormat x\n"
        "    axisFormat %M:%S\n"
        "    section Run\n"
        "    Plan 1.0 s : 0, 1000\n"
        "    section Builds\n"
        "    app 2.5 s : 1000, 3500\n"
        "```\n"
        "\n"
        "Project `demo`, commit `cccccccccccc`, 4.0 s.\n"
    )


def test_a_summary_that_is_too_long_says_what_was_cut() -> None:
    image = ImageResult(
        name="app", references=tuple(reference(f"v{n}", "created") for n in range(100))
    )
    text = summary(
        Report(result="success", command="export", images=(image,), phases=REPORT.phases),
        most_bytes=2000,
    )
    assert len(text.encode()) <= 2000
    assert "Cut because a summary is limited: " in text
    assert " of 100 rows of the table, the diagram of the run. The report has it all." in text


def test_many_problems_are_counted_instead_of_shown() -> None:
    report = Report(
        result="failure", command="export", problems=tuple(("error", f"e{n}") for n in range(25))
    )
    text = summary(report)
    assert "> e19\n" in text
    assert "e20" not in text
    assert "+5 more of this kind in the log." in text


def test_foreign_text_in_the_summary_is_text() -> None:
    report = Report(
        result="failure",
        command="export",
        problems=(("error", "said: [x](http://evil) `a` <img>\n| # b"),),
    )
    assert "> said: \\[x\\](http://evil) \\`a\\` &lt;img&gt;\n> \\| \\# b\n" in summary(report)


def test_the_table_has_a_line_per_reference() -> None:
    assert table(REPORT, PLAIN) == (
        "IMAGE  STATUS   REFERENCE           DIGEST\n"
        f"app    created  r.io/me/app:v1      {NEW}\n"
        f"app    moved    r.io/me/app:latest  {NEW}\n"
        f"app    refused  r.io/me/app:denied  {NEW}"
    )


def test_a_plan_says_what_is_created_moved_and_left() -> None:
    assert table(PLAN, PLAIN) == (
        "To build: 1 stage (1 there already).\n"
        "IMAGE  PLATFORM     STAGE\n"
        "app    linux/amd64  dockerfile\n"
        "References: 2 to create, 1 to move, 2 to leave. Nothing was written.\n"
        "IMAGE  ACTION  REFERENCE            DIGEST\n"
        "app    create  r.io/me/app:new      sha256:aaaaaaaaaaaa\n"
        "app    move    r.io/me/app:old      sha256:bbbbbbbbbbbb → sha256:aaaaaaaaaaaa\n"
        "app    leave   r.io/me/app:same     sha256:aaaaaaaaaaaa\n"
        "app    leave   r.io/me/app:kept     sha256:bbbbbbbbbbbb\n"
        "app    create  r.io/me/app:unbuilt  (to be built)"
    )


def test_statuses_are_coloured_on_a_terminal() -> None:
    assert "\x1b[1;31mrefused\x1b[0m" in table(REPORT, Style(colors=True))


def test_without_references_the_table_shows_the_stages() -> None:
    report = Report(
        result="success",
        command="build",
        images=(ImageResult(name="", stage="r.io/s:2", stages=STAGES),),
    )
    assert table(report, PLAIN) == (
        "IMAGE       STATUS             REFERENCE  DIGEST\n(nameless)  1 built, 1 reused  r.io/s:2"
    )


def test_nothing_known_is_no_table() -> None:
    assert table(Report(result="failure", command="export"), PLAIN) == ""


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 30, "3.0 GiB")],
)
def test_sizes_read_well(number: int, text: str) -> None:
    assert size(number) == text


def test_on_github_the_files_lie_where_later_steps_find_them(tmp_path: Path) -> None:
    out = io.StringIO()
    env = {"GITHUB_OUTPUT": str(tmp_path / "output"), "RUNNER_TEMP": str(tmp_path)}
    hand_out(
        REPORT,
        options=Options(command="export"),
        env=env,
        console=console_for("github", env, out=out),
        cwd=tmp_path,
    )
    (report,) = tmp_path.glob("exporter-*-report.json")
    (subjects,) = tmp_path.glob("exporter-*-subjects.txt")
    assert json.loads(report.read_text("utf-8"))["result"] == "partial"
    assert subjects.read_text("utf-8") == f"{'a' * 64}  r.io/me/app\n"
    written = (tmp_path / "output").read_text("utf-8")
    assert f"\n{report}\n" in written
    assert f"\n{subjects}\n" in written


def test_the_runners_folder_is_named_as_the_runner_knows_it() -> None:
    env = {"RUNNER_WORKSPACE": "/home/runner/work/two-images"}
    assert outside("/github/runner_temp/a.json", env) == "/home/runner/work/_temp/a.json"
    assert outside("report.json", env) == "report.json"
    assert outside("/github/runner_temp/a.json", {}) == "/github/runner_temp/a.json"


def test_gitlab_gets_what_its_dotenv_report_can_hold(tmp_path: Path) -> None:
    out = io.StringIO()
    image = ImageResult(
        name="app",
        references=tuple(reference(f"v{n}", "created", digest=NEW) for n in range(40)),
    )
    hand_out(
        Report(result="success", command="export", images=(image,)),
        options=Options(command="export", output_file="result.env"),
        env={},
        console=console_for("gitlab", {}, out=out),
        cwd=tmp_path,
    )
    text = (tmp_path / "result.env").read_text("utf-8")
    assert len(text) <= 5 * 1024
    assert "EXPORTER_REFERENCES=r.io/me/app:v0 r.io/me/app:v1 " in text
    assert "EXPORTER_IMAGES" not in text
    assert "warning: the outputs images are not in result.env: GitLab refuses" in out.getvalue()


def test_an_output_file_in_json_holds_everything(tmp_path: Path) -> None:
    hand_out(
        REPORT,
        options=Options(command="export", output_file="out/result.json", summary=False),
        env={},
        console=console_for("plain", {}, out=io.StringIO()),
        cwd=tmp_path,
    )
    outputs = json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))
    assert outputs["cosign-references"] == f"r.io/me/app@{NEW}"


def test_a_file_that_cannot_be_written_is_an_error_after_all_else_is_written(
    tmp_path: Path,
) -> None:
    out = io.StringIO()
    (tmp_path / "file").write_text("")
    options = Options(command="export", report_path="file/report.json", output_file="ok.json")
    console = console_for("plain", {}, out=out)
    with pytest.raises(InputError) as error:
        hand_out(REPORT, options=options, env={}, console=console, cwd=tmp_path)
    assert error.value.problems == (
        "--report-path file/report.json cannot be written: file exists",
    )
    assert (tmp_path / "ok.json").exists()
    assert "refused" in out.getvalue()


def test_outputs_that_the_runner_does_not_take_are_a_warning(tmp_path: Path) -> None:
    out = io.StringIO()
    env = {"GITHUB_OUTPUT": str(tmp_path / "no" / "folder"), "RUNNER_TEMP": "/nonexistent/x"}
    options = Options(command="export", summary=False)
    console = console_for("github", env, out=out)
    hand_out(REPORT, options=options, env=env, console=console, cwd=tmp_path)
    assert "::warning::the outputs cannot be handed to later steps: [Errno 2]" in out.getvalue()


def test_outputs_that_are_too_long_are_named(tmp_path: Path) -> None:
    out = io.StringIO()
    images = tuple(
        ImageResult(
            name=f"{n}-{'x' * 1000}", references=(reference(f"v{n}", "created", digest=NEW),)
        )
        for n in range(1200)
    )
    env = {"GITHUB_OUTPUT": str(tmp_path / "output")}
    hand_out(
        Report(result="success", command="export", images=images),
        options=Options(command="export", summary=False),
        env=env,
        console=console_for("github", env, out=out),
        cwd=tmp_path,
    )
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("::warning::the outputs images are longer than 1 MiB and stay empty")
    assert (tmp_path / "output").stat().st_size < 1024 * 1024


def test_the_summary_names_the_stages_that_took_longest() -> None:
    times = {"from": 0.0, "beforeInstall": 61.25, "install": 1.0, "setup": 0.99, "imageSpec": 0.0}
    stages = tuple(
        StageResult(
            name=name, platform="linux/amd64", reference="r.io/s:1", built=True, seconds=each
        )
        for name, each in times.items()
    )
    image = ImageResult(name="app", seconds=64.0, stages=stages)
    shown = summary(Report(result="success", command="build", images=(image,)))
    assert "| 64.0 s | 5 built<br>beforeInstall: 61.2 s<br>install: 1.0 s |" in shown
    alone = ImageResult(name="app", seconds=64.0, stages=stages[1:2])
    shown = summary(Report(result="success", command="build", images=(alone,)))
    assert "| 64.0 s | 1 built |" in shown
