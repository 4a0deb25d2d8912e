import base64
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from exporter.errors import InputError
from exporter.oci.reference import Repository, parse_repository
from exporter.process import Completed, ProgramMissingError
from exporter.registry.keychain import Credential, Keychain, Login

APP = parse_repository("ghcr.io/owner/app")
HUB = parse_repository("owner/app")


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def keychain(folder: Path, config: object, **more: object) -> Keychain:
    (folder / "config.json").write_text(json.dumps(config))
    return Keychain(docker_config=folder, **more)  # type: ignore[arg-type] # passed on


def user(credential: Credential | None) -> str | None:
    return credential.username if credential else None


class Helper:
    """A stand-in for the door to programs: one answer per server."""

    def __init__(self, answers: Mapping[str, Mapping[str, str]]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, str]] = []

    def __call__(self, argv: Sequence[str], *, stdin: bytes, **_more: object) -> Completed:
        server = stdin.decode()
        self.calls.append((argv[0], server))
        answer = self.answers.get(server)
        if answer is None:
            return Completed(returncode=1, stdout=b"credentials not found", stderr="")
        return Completed(returncode=0, stdout=json.dumps(answer).encode(), stderr="")


def test_without_files_everybody_is_anonymous(tmp_path: Path) -> None:
    assert Keychain(env={"HOME": str(tmp_path)}).find(APP) is None


def test_given_logins_come_before_files(tmp_path: Path) -> None:
    logins = [Login(scope="ghcr.io", username="given", password="secret")]
    chain = keychain(tmp_path, {"auths": {"ghcr.io": auth("file", "x")}}, logins=logins)
    assert user(chain.find(APP)) == "given"


def test_the_longest_prefix_wins() -> None:
    logins = [
        Login(scope="ghcr.io", username="all", password="secret"),
        Login(scope="ghcr.io/owner", username="owner", password="secret"),
    ]
    chain = Keychain(logins=logins)
    assert user(chain.find(APP)) == "owner"
    assert user(chain.find(parse_repository("ghcr.io/owners/app"))) == "all"
    assert chain.find(parse_repository("quay.io/owner/app")) is None


@pytest.mark.parametrize(
    "key",
    ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "https://registry-1.docker.io"],
)
def test_docker_hub_has_many_keys(tmp_path: Path, key: str) -> None:
    assert user(keychain(tmp_path, {"auths": {key: auth("hub", "x")}}).find(HUB)) == "hub"


@pytest.mark.parametrize(
    "key", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v2/", "ghcr.io/owner"]
)
def test_keys_are_written_in_many_ways(tmp_path: Path, key: str) -> None:
    found = keychain(tmp_path, {"auths": {key: auth("me", "pass:word")}}).find(APP)
    assert (user(found), found and found.password) == ("me", "pass:word")


def test_plain_names_and_identity_tokens_are_read(tmp_path: Path) -> None:
    config = {
        "auths": {
            "ghcr.io": {"username": "me", "password": "secret"},
            "x.azurecr.io": {"auth": "", "identitytoken": "refresh"},
            "empty.example": {},
        }
    }
    chain = keychain(tmp_path, config)
    assert user(chain.find(APP)) == "me"
    acr = chain.find(Repository(registry="x.azurecr.io", name="app"))
    assert acr is not None
    assert acr.identity_token == "refresh"
    assert chain.find(Repository(registry="empty.example", name="app")) is None


def test_the_registrys_own_helper_comes_before_the_store(tmp_path: Path) -> None:
    helper = Helper({"ghcr.io": {"Username": "helped", "Secret": "secret"}})
    config = {"credHelpers": {"ghcr.io": "special"}, "credsStore": "general"}
    chain = keychain(tmp_path, config, run=helper)
    assert user(chain.find(APP)) == "helped"
    assert user(chain.find(APP)) == "helped"
    assert helper.calls == [("docker-credential-special", "ghcr.io")]


def test_the_store_is_asked_for_the_hub_by_its_old_address(tmp_path: Path) -> None:
    helper = Helper({"https://index.docker.io/v1/": {"Username": "hub", "Secret": "secret"}})
    assert user(keychain(tmp_path, {"credsStore": "x"}, run=helper).find(HUB)) == "hub"


def test_a_helper_may_give_an_identity_token(tmp_path: Path) -> None:
    helper = Helper({"ghcr.io": {"Username": "<token>", "Secret": "refresh"}})
    found = keychain(tmp_path, {"credsStore": "x"}, run=helper).find(APP)
    assert found is not None
    assert (found.identity_token, found.password) == ("refresh", "")


def test_a_store_that_knows_nothing_leaves_the_file(tmp_path: Path) -> None:
    config = {"credsStore": "x", "auths": {"ghcr.io": auth("file", "secret")}}
    assert user(keychain(tmp_path, config, run=Helper({})).find(APP)) == "file"


@pytest.mark.parametrize(
    "error", [ProgramMissingError("docker-credential-x"), TimeoutError("slow")]
)
def test_a_helper_that_does_not_work_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def broken(_argv: Sequence[str], **_more: object) -> Completed:
        raise error

    assert keychain(tmp_path, {"credsStore": "x"}, run=broken).find(APP) is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_helper_that_talks_nonsense_is_an_error(tmp_path: Path) -> None:
    def nonsense(_argv: Sequence[str], **_more: object) -> Completed:
        return Completed(returncode=0, stdout=b"hello", stderr="")

    with pytest.raises(InputError, match="by hand"):
        keychain(tmp_path, {"credsStore": "x"}, run=nonsense).find(APP)


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": {"ghcr.io": {"auth": "a"}}}'])
def test_a_broken_config_file_names_itself(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json"):
        Keychain(docker_config=tmp_path).find(APP)


def test_places_are_looked_at_in_order(tmp_path: Path) -> None:
    home, runtime = tmp_path / "home", tmp_path / "run"
    podman = runtime / "containers" / "auth.json"
    podman.parent.mkdir(parents=True)
    podman.write_text(json.dumps({"auths": {"ghcr.io": auth("podman", "x")}}))
    env = {"HOME": str(home), "XDG_RUNTIME_DIR": str(runtime)}
    assert user(Keychain(env=env).find(APP)) == "podman"
    docker = home / ".docker" / "config.json"
    docker.parent.mkdir(parents=True)
    docker.write_text(json.dumps({"auths": {"ghcr.io": auth("docker", "x")}}))
    assert user(Keychain(env=env).find(APP)) == "docker"


def test_a_credential_does_not_show_its_secret() -> None:
    credential = Credential(username="me", password="hush", identity_token="psst", source="here")
    assert "hush" not in repr(credential)
    assert "psst" not in repr(credential)
    assert "hush" not in repr(Login(scope="x", username="me", password="hush"))
