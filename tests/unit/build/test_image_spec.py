"""The settings of vectors is-config and is-labels, and what they must hash to."""

import pytest

from exporter.build import image_spec
from exporter.errors import ConfigError, Place
from exporter.oci.config import parse_config
from exporter.project.models.image_spec import Healthcheck, ImageSpec

BASE = parse_config(
    b'{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]},'
    b'"history":[{"created_by":"x"}],"config":{"Env":["PATH=/bin","A=1","DROP=1",'
    b'"WERF_COMMIT_HASH=1"],"Cmd":["c"],"Entrypoint":["/e"],"User":"5","WorkingDir":"/w",'
    b'"Volumes":{"/v1":{},"/v2":{}},"ExposedPorts":{"80/tcp":{}},'
    b'"Labels":{"keep":"1","drop.me":"1","drop.re1":"1","werf":"p"}}}'
)


def spec(**changes: object) -> ImageSpec:
    values: dict[str, object] = {
        "place": Place(path="werf.yaml", line=5),
        "author": "",
        "clear_history": False,
        "keep_essential_werf_labels": False,
        "remove_labels": (),
        "remove_volumes": (),
        "remove_env": (),
        "clear_cmd": False,
        "clear_entrypoint": False,
        "clear_user": False,
        "clear_working_dir": False,
        "volumes": (),
        "labels": {},
        "env": {},
        "expose": None,
        "user": "",
        "cmd": None,
        "entrypoint": None,
        "working_dir": "",
        "stop_signal": "",
        "healthcheck": None,
        **changes,
    }
    return ImageSpec(**values)  # type: ignore[arg-type]  # filled from the table above


FULL = spec(
    env={"A": "2", "NEW": "$PATH:/x"},
    remove_env=("DROP",),
    entrypoint=("/ne", "a b"),
    cmd=("nc",),
    user="9:9",
    working_dir="/nw",
    expose=("90/tcp", "91"),
    volumes=("/v3",),
    remove_volumes=("/v1",),
    stop_signal="SIGTERM",
    healthcheck=Healthcheck(test=("CMD", "/x"), interval=30, timeout=5, start_period=2, retries=3),
)


def test_settings_hash_as_the_original_does() -> None:
    """The value is recorded from the real program (vector is-config)."""
    assert (
        image_spec.dependencies(FULL)
        == "f8a2d1e7068a1e1aff1b7e645d741e18bcc73a075dcac362caa7a3d34012ef5b"
    )


def test_every_setting_reaches_the_config() -> None:
    changed = image_spec.apply(FULL, BASE, image="app", project="p", service_labels={})
    assert dict(changed.run) == {
        "Env": ["PATH=/bin", "A=2", "NEW=/bin:/x"],
        "Cmd": ["nc"],
        "Entrypoint": ["/ne", "a b"],
        "User": "9:9",
        "WorkingDir": "/nw",
        "Volumes": {"/v2": {}, "/v3": {}},
        "ExposedPorts": {"90/tcp": {}, "91": {}},
        "Labels": {"drop.me": "1", "drop.re1": "1", "keep": "1", "werf": "p"},
        "StopSignal": "SIGTERM",
        "Healthcheck": {
            "Test": ["CMD", "/x"],
            "Interval": 30_000_000_000,
            "Timeout": 5_000_000_000,
            "StartPeriod": 2_000_000_000,
            "Retries": 3,
        },
    }


def test_labels_are_removed_by_name_and_expression_but_never_the_essential_ones() -> None:
    changed = image_spec.apply(
        spec(
            remove_labels=("drop.me", "/drop.re[0-9]/", "werf"), labels={"k-%image%": "a+b & <c>"}
        ),
        BASE,
        image="app",
        project="p",
        service_labels={"werf": "p", "werf-version": "1"},
    )
    assert dict(changed.labels) == {
        "k-app": "a+b & <c>",
        "keep": "1",
        "werf": "p",
        "werf-version": "1",
    }


def changed_run(**changes: object) -> dict[str, object]:
    changed = image_spec.apply(spec(**changes), BASE, image="app", project="p", service_labels={})
    return dict(changed.run)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("${NO:-default}", "default", id="a default"),
        pytest.param("${A:+set}:$A", "set:1", id="a replacement"),
        pytest.param("\"$A\" 'b'", "1 b", id="quotes are taken away"),
        pytest.param(r"C:\\x \$A", r"C:\x $A", id="backslashes escape"),
    ],
)
def test_values_of_variables_are_read_as_in_a_dockerfile(value: str, expected: str) -> None:
    env = changed_run(env={"N": value})["Env"]
    assert env == ["PATH=/bin", "A=1", "DROP=1", f"N={expected}"]


@pytest.mark.parametrize("value", ["it's", "${A"])
def test_an_open_quote_in_a_variable_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^werf\.yaml:5: imageSpec\.config\.env\.N: "):
        changed_run(env={"N": value})


def test_expressions_are_bound_as_werf_binds_them() -> None:
    labels = changed_run(remove_labels=("/kee|re1/",))["Labels"]
    assert labels == {"drop.me": "1", "werf": "p"}


@pytest.mark.parametrize("key", ["remove_labels", "remove_env"])
def test_a_malformed_expression_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=r"^werf\.yaml:5: imageSpec: /\(/ is no regular"):
        changed_run(**{key: ("/(/",)})


def test_ports_can_be_taken_away() -> None:
    assert "ExposedPorts" not in changed_run(expose=())
    assert changed_run()["ExposedPorts"] == {"80/tcp": {}}


def test_an_entrypoint_alone_clears_the_command() -> None:
    changed = image_spec.apply(
        spec(entrypoint=("/ne",)), BASE, image="app", project="p", service_labels={}
    )
    assert changed.run["Entrypoint"] == ["/ne"]
    assert "Cmd" not in changed.run


def test_an_empty_entrypoint_clears_the_command_and_stays() -> None:
    run = changed_run(entrypoint=())
    assert (run["Entrypoint"], run.get("Cmd")) == (["/e"], None)


def test_an_empty_command_beside_an_entrypoint_keeps_the_one_of_the_base() -> None:
    run = changed_run(entrypoint=("/ne",), cmd=())
    assert (run["Entrypoint"], run["Cmd"]) == (["/ne"], ["c"])


def test_clear_flags_empty_the_config_and_the_history() -> None:
    changed = image_spec.apply(
        spec(
            clear_history=True,
            clear_cmd=True,
            clear_entrypoint=True,
            clear_user=True,
            clear_working_dir=True,
        ),
        BASE,
        image="app",
        project="p",
        service_labels={},
    )
    assert sorted(changed.run) == ["Env", "ExposedPorts", "Labels", "Volumes"]
    assert "history" not in changed.document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a+b & %image%", "a+b & i&#43;&lt;1&gt;"),
        ("%print image `-` project%", "i&#43;&lt;1&gt;-p"),
        ('%if eq image "i+<1>"%yes%end%', "yes"),
        ("x %- image -%  y {{z}}", "xi&#43;&lt;1&gt;y {{z}}"),
        ('100%print "%"%', "100%"),
    ],
)
def test_labels_are_templates_whose_actions_are_escaped(text: str, expected: str) -> None:
    changed = image_spec.apply(
        spec(labels={"a": text}), BASE, image="i+<1>", project="p", service_labels={}
    )
    assert changed.labels["a"] == expected


@pytest.mark.parametrize("text", ["100%", "%%", "%other%"])
def test_an_unknown_placeholder_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^werf\.yaml:5: the label text"):
        image_spec.apply(
            spec(labels={"a": text}), BASE, image="app", project="p", service_labels={}
        )
