"""AES-256 in CBC mode, for the few bytes that a template encrypts; not made for speed."""

from typing import Final

BLOCK: Final = 16
"""Bytes of a block."""
_ROUNDS: Final = 14
_KEY_WORDS: Final = 8
_HIGH_BIT: Final = 0x80


def _double(byte: int) -> int:
    """Times two in AES's field."""
    return (byte << 1) ^ (0x11B if byte & _HIGH_BIT else 0)


def _product(left: int, right: int) -> int:
    result = 0
    while right:
        if right & 1:
            result ^= left
        left, right = _double(left), right >> 1
    return result


def _make_boxes() -> tuple[bytes, bytes]:
    """The substitution box, by definition an inverse and an affine map, and its reverse."""
    box, reverse = bytearray(256), bytearray(256)
    power, inverse = 1, 1
    while True:
        # 3 generates the field, and 0xf6 is its inverse.
        power, inverse = _product(power, 3), _product(inverse, 0xF6)
        rotated = inverse * 0x101
        mixed = rotated ^ (rotated >> 4) ^ (rotated >> 5) ^ (rotated >> 6) ^ (rotated >> 7)
        box[power] = (mixed & 0xFF) ^ 0x63
        if power == 1:
            break
    box[0] = 0x63
    for byte, substitute in enumerate(box):
        reverse[substitute] = byte
    return bytes(box), bytes(reverse)


_BOX, _REVERSE = _make_boxes()
_SHIFT: Final = [(column + row) % 4 * 4 + row for column in range(4) for row in range(4)]
_UNSHIFT: Final = [_SHIFT.index(place) for place in range(BLOCK)]
_MIX: Final = (2, 3, 1, 1)
_UNMIX: Final = (14, 11, 13, 9)
_TIMES: Final = {
    factor: bytes(_product(byte, factor) for byte in range(256)) for factor in {*_MIX, *_UNMIX}
}


def _round_keys(key: bytes) -> list[bytes]:
    """The key of each round, sixteen bytes each."""
    words = [key[i : i + 4] for i in range(0, len(key), 4)]
    constant = 1
    while len(words) < 4 * (_ROUNDS + 1):
        word = words[-1]
        place = len(words) % _KEY_WORDS
        if place == 0:
            word = (word[1:] + word[:1]).translate(_BOX)
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = _double(constant)
        elif place == _KEY_WORDS // 2:
            word = word.translate(_BOX)
        words.append(_xor(word, words[-_KEY_WORDS]))
    return [b"".join(words[i : i + 4]) for i in range(0, len(words), 4)]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _mixed(block: bytes, factors: tuple[int, ...]) -> bytes:
    """Each column times a matrix of the rotated factors."""
    result = bytearray()
    for start in range(0, BLOCK, 4):
        column = block[start : start + 4]
        for row in range(4):
            byte = 0
            for place, value in enumerate(column):
                byte ^= _TIMES[factors[(place - row) % 4]][value]
            result.append(byte)
    return bytes(result)


def _encrypt_block(block: bytes, keys: list[bytes]) -> bytes:
    block = _xor(block, keys[0])
    for index, key in enumerate(keys[1:], 1):
        block = block.translate(_BOX)
        block = bytes(block[place] for place in _SHIFT)
        if index < _ROUNDS:
            block = _mixed(block, _MIX)
        block = _xor(block, key)
    return block


def _decrypt_block(block: bytes, keys: list[bytes]) -> bytes:
    for index in range(_ROUNDS, 0, -1):
        block = _xor(block, keys[index])
        if index < _ROUNDS:
            block = _mixed(block, _UNMIX)
        block = bytes(block[place] for place in _UNSHIFT)
        block = block.translate(_REVERSE)
    return _xor(block, keys[0])


def encrypt_cbc(key: bytes, vector: bytes, data: bytes) -> bytes:
    """Encrypt whole blocks with a key of 32 bytes."""
    keys = _round_keys(key)
    blocks = []
    for start in range(0, len(data), BLOCK):
        vector = _encrypt_block(_xor(vector, data[start : start + BLOCK]), keys)
        blocks.append(vector)
    return b"".join(blocks)


def decrypt_cbc(key: bytes, vector: bytes, data: bytes) -> bytes:
    """Decrypt whole blocks with a key of 32 bytes."""
    keys = _round_keys(key)
    blocks = []
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        blocks.append(_xor(_decrypt_block(block, keys), vector))
        vector = block
    return b"".join(blocks)
