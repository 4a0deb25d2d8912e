"""What comes from outside: random text and numbers, addresses of hosts."""

import string
from collections.abc import Sequence
from typing import Final

from exporter.gotemplate.function import FunctionError, check_size
from exporter.gotemplate.sprig.register import Implementations, register
from exporter.gotemplate.sprig.runes import runes
from exporter.gotemplate.sprig.runtime import Runtime

RUNTIME_FUNCTIONS: Final[Implementations] = {}
named = register(RUNTIME_FUNCTIONS)

_PRINTABLE: Final = "".join(map(chr, range(ord(" "), 0x7F)))


def _below(limit: int, runtime: Runtime) -> int:
    """A random number from 0 up to ``limit``, without it; each as likely as the others."""
    size = (limit.bit_length() + 7) // 8
    fair = (1 << 8 * size) // limit * limit
    while True:
        number = int.from_bytes(runtime.random_bytes(size), "big")
        if number < fair:
            return number % limit


def _chosen(alphabet: Sequence[str], count: int, runtime: Runtime) -> str:
    check_size(count)
    return "".join(alphabet[_below(len(alphabet), runtime)] for _ in range(count))


@named("randAlpha")
def rand_alpha(runtime: Runtime, count: int) -> str:
    """Random letters."""
    return _chosen(string.ascii_letters, count, runtime)


@named("randNumeric")
def rand_numeric(runtime: Runtime, count: int) -> str:
    """Random digits."""
    return _chosen(string.digits, count, runtime)


@named("randAlphaNum")
def rand_alpha_num(runtime: Runtime, count: int) -> str:
    """Random letters and digits."""
    return _chosen(string.ascii_letters + string.digits, count, runtime)


@named("randAscii")
def rand_ascii(runtime: Runtime, count: int) -> str:
    """Random printable ASCII characters."""
    return _chosen(_PRINTABLE, count, runtime)


@named("randBytes")
def rand_bytes(runtime: Runtime, count: int) -> str:
    """Random bytes in base64."""
    from base64 import b64encode  # noqa: PLC0415 - costs start-up time

    if count < 0:
        raise FunctionError("runtime error: makeslice: len out of range")
    check_size(count)
    return b64encode(runtime.random_bytes(count)).decode()


@named("randInt")
def rand_int(runtime: Runtime, least: int, end: int) -> int:
    """A random number from ``least`` up to ``end``, without it."""
    if end <= least:
        raise FunctionError("invalid argument to Intn")
    return least + _below(end - least, runtime)


@named("shuffle")
def shuffle(runtime: Runtime, text: str) -> str:
    """The characters in random order."""
    letters = list(runes(text))
    for last in range(len(letters) - 1, 0, -1):
        other = _below(last + 1, runtime)
        letters[last], letters[other] = letters[other], letters[last]
    return "".join(letters)


@named("uuidv4")
def uuidv4(runtime: Runtime) -> str:
    """A random UUID."""
    from uuid import UUID  # noqa: PLC0415 - costs start-up time

    return str(UUID(bytes=runtime.random_bytes(16), version=4))


@named("getHostByName")
def get_host_by_name(runtime: Runtime, name: str) -> str:
    """One of the addresses of a host.

    Raises:
        FunctionError: The host has none.
    """
    addresses = runtime.resolve_host(name)
    if not addresses:
        raise FunctionError(f"no address found for host {name}")
    return addresses[_below(len(addresses), runtime)]
