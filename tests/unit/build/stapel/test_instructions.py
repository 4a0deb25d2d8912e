"""The ``docker:`` section: what it makes of an image config."""

from typing import Any

import pytest

from exporter.build.stapel.instructions import changes
from exporter.errors import ConfigError, Place
from exporter.project.models.docker import Docker

_NOTHING: dict[str, Any] = {
    "place": Place(path="werf.yaml", line=7),
    "volume": (),
    "expose": (),
    "env": {},
    "label": {},
    "cmd": "",
    "entrypoint": "",
    "workdir": "",
    "user": "",
    "healthcheck": "",
    "exact_values": False,
}


def _changes(**given: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the section
    return dict(changes(Docker(**(_NOTHING | given)), {"WorkingDir": "/srv"}, ["PATH=/bin"]))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("x y", "x y", id="a space does not end a value"),
        pytest.param("x y=z", "x y=z", id="nor does it begin another one"),
        pytest.param('"quoted value"', "quoted value", id="outer quotes are taken away"),
        pytest.param("$PATH:/x", "/bin:/x", id="variables are replaced"),
        pytest.param('say "hi" $PATH', 'say "hi" /bin', id="quotes inside of a text stay"),
        pytest.param(r"\$PATH", "$PATH", id="an escaped dollar sign"),
        pytest.param("", "", id="empty"),
    ],
)
def test_values(text: str, value: str) -> None:
    assert _changes(env={"A": text})["Env"] == ["PATH=/bin", f"A={value}"]


def test_exact_values_keep_their_quotes() -> None:
    assert _changes(env={"A": '"x"'}, exact_values=True)["Env"][-1] == 'A="x"'


def test_commands() -> None:
    assert _changes(cmd="echo hello")["Cmd"] == ["/bin/sh", "-c", "echo hello"]
    assert _changes(cmd='["a", "b c"]')["Cmd"] == ["a", "b c"]
    found = _changes(entrypoint='["/e"]', cmd="[]")
    assert (found["Entrypoint"], found["Cmd"]) == (["/e"], None)


def test_ports_volumes_and_directories() -> None:
    found = _changes(expose=("80", "53/udp"), volume=("/data /cache",), workdir="app")
    assert found["ExposedPorts"] == {"53/udp": {}, "80/tcp": {}}
    assert found["Volumes"] == {"/cache": {}, "/data": {}}
    assert found["WorkingDir"] == "/app"


def test_health_checks() -> None:
    text = "--interval=1m30s --retries=2 --start-period=500ms CMD curl localhost"
    assert _changes(healthcheck=text)["Healthcheck"] == {
        "Test": ["CMD-SHELL", "curl localhost"],
        "Interval": 90_000_000_000,
        "Retries": 2,
        "StartPeriod": 500_000_000,
    }
    assert _changes(healthcheck="NONE")["Healthcheck"] == {"Test": ["NONE"]}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"expose": ("http",)}, id="no port"),
        pytest.param({"healthcheck": "sometimes"}, id="no check"),
        pytest.param({"healthcheck": "--interval=soon CMD true"}, id="no duration"),
        pytest.param({"env": {"A": "${B"}}, id="an open brace"),
    ],
)
def test_faults_name_the_section(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^werf\.yaml:7: "):
        _changes(**given)
