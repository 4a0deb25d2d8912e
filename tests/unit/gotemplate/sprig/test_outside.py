from dataclasses import replace

import pytest

from exporter.gotemplate.function import FunctionError
from exporter.gotemplate.sprig import aes, functions
from exporter.gotemplate.values import Value
from tests.unit.gotemplate.sprig.calls import RUNTIME, call


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        pytest.param("randNumeric", (3,), "000", id="digits"),
        pytest.param("randAlpha", (0,), "", id="nothing"),
        pytest.param("randAscii", (-1,), "", id="less than nothing"),
        pytest.param("randBytes", (3,), "AAEC", id="bytes"),
        pytest.param("uuidv4", (), "00010203-0405-4607-8809-0a0b0c0d0e0f", id="uuid"),
        pytest.param("getHostByName", ("known.test",), "192.0.2.7", id="host"),
        pytest.param("shuffle", ("ab",), "ba", id="shuffle"),
        pytest.param("randInt", (3, 4), 3, id="the only number"),
    ],
)
def test_randomness_comes_from_the_runtime(
    name: str, arguments: tuple[Value, ...], expected: Value
) -> None:
    assert call(name, *arguments) == expected


def test_every_number_is_as_likely_as_the_others() -> None:
    given = iter([b"\xff", b"\xfb", b"\x07"])
    random_int = functions(replace(RUNTIME, random_bytes=lambda _: next(given)))["randInt"]

    # 255 is beyond the last multiple of ten below 256 and so not taken.
    assert random_int.call(0, 10) == 7


def test_an_empty_interval_is_an_error() -> None:
    with pytest.raises(FunctionError, match=r"^invalid argument to Intn$"):
        call("randInt", 5, 5)


def test_an_unknown_host_is_an_error() -> None:
    with pytest.raises(FunctionError, match="no address found for host unknown"):
        call("getHostByName", "unknown")


def test_aes_agrees_with_its_standard() -> None:
    key = bytes(range(32))
    block = bytes.fromhex("00112233445566778899aabbccddeeff")

    sealed = aes.encrypt_cbc(key, bytes(16), block)

    assert sealed.hex() == "8ea2b7ca516745bfeafc49904b496089"
    assert aes.decrypt_cbc(key, bytes(16), sealed) == block


@pytest.mark.parametrize("text", ["", "a", "x" * 16, "pässword"])
def test_what_was_encrypted_can_be_decrypted(text: str) -> None:
    assert call("decryptAES", "key", call("encryptAES", "key", text)) == text


@pytest.mark.parametrize(
    ("size", "message"),
    [
        pytest.param(3, "runtime error: slice bounds out of range [:16] with capacity 3", id="3"),
        pytest.param(16, "runtime error: index out of range [-1]", id="only a vector"),
        pytest.param(20, "crypto/cipher: input not full blocks", id="part of a block"),
    ],
)
def test_decrypting_something_else_is_an_error(size: int, message: str) -> None:
    text = call("b64enc", "x" * size)

    with pytest.raises(FunctionError) as caught:
        call("decryptAES", "key", text)

    assert str(caught.value) == message


def test_decrypting_with_another_password_finds_no_end() -> None:
    sealed = call("encryptAES", "key", "text")

    with pytest.raises(FunctionError, match=r"^runtime error: slice bounds out of range \[:-"):
        call("decryptAES", "other", sealed)


@pytest.mark.parametrize("kind", ["", "rsa", "dsa", "ecdsa", "ed25519"])
def test_private_keys_are_refused(kind: str) -> None:
    with pytest.raises(FunctionError, match="genPrivateKey is not supported"):
        call("genPrivateKey", kind)


def test_password_hashes_are_refused() -> None:
    with pytest.raises(FunctionError, match="htpasswd is not supported"):
        call("htpasswd", "user", "password")


def test_a_negative_number_of_bytes_is_an_error() -> None:
    with pytest.raises(FunctionError, match="len out of range"):
        call("randBytes", -1)


@pytest.mark.parametrize(
    ("cert", "key", "problem"),
    [
        pytest.param("!", "YQ==", "unable to decode base64 certificate", id="certificate"),
        pytest.param("YQ==", "!", "unable to decode base64 private key", id="key"),
        pytest.param("YQ==", "YQ==", "unable to decode certificate", id="no PEM"),
    ],
)
def test_what_is_no_certificate_is_refused(cert: str, key: str, problem: str) -> None:
    with pytest.raises(FunctionError, match=f"^{problem}$"):
        call("buildCustomCert", cert, key)


def test_randomness_of_the_alphabets() -> None:
    assert call("randAlphaNum", 2) == "aa"
    assert call("randAscii", 1) == " "


@pytest.mark.parametrize(
    "name",
    [
        "bcrypt", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
        "genSignedCert", "genSignedCertWithKey",
    ],
)  # fmt: skip
def test_what_needs_a_cryptography_library_says_so(name: str) -> None:
    with pytest.raises(
        FunctionError, match=rf"^{name} is not supported: .*Create the value outside"
    ):
        call(name, "x")


def test_texts_of_the_original_for_impossible_arguments() -> None:
    assert call("genPrivateKey", "x") == "Unknown type x"
    assert call("htpasswd", "a:b", "c") == "invalid username: a:b"


def test_a_certificate_is_given_by_its_texts() -> None:
    cert = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCllRPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="
    key = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCllRPT0KLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo="

    made = call("toJson", call("buildCustomCert", cert, key))

    assert made == (
        '{"Cert":"-----BEGIN CERTIFICATE-----\\nYQ==\\n-----END CERTIFICATE-----\\n",'
        '"Key":"-----BEGIN PRIVATE KEY-----\\nYQ==\\n-----END PRIVATE KEY-----\\n"}'
    )
    with pytest.raises(FunctionError, match="no private key data in PEM block of type CERT"):
        call("buildCustomCert", cert, cert)
