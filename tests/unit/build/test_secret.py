"""Which build arguments are secrets by their name."""

import pytest

from exporter.build.secret import secret_arguments


@pytest.mark.parametrize(
    "name", ["TOKEN", "NPM_TOKEN", "token_npm", "DB_PASSWORD", "API_KEY", "APIKEY", "Secret"]
)
def test_a_secret(name: str) -> None:
    assert secret_arguments({name: "12345678", "VERSION": "12345678"}) == {name: "12345678"}


@pytest.mark.parametrize("name", ["CACHE_KEY", "TOKENIZER", "PUBLIC_API_KEY", "AUTHOR", "VERSION"])
def test_no_secret(name: str) -> None:
    assert secret_arguments({name: "12345678"}) == {}


def test_a_short_value_hides_too_much() -> None:
    assert secret_arguments({"TOKEN": "true", "SECRET": "7654321"}) == {}
