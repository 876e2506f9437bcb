"""Text that gives its original bytes back.

Trino's varchar holds any bytes, and ``to_utf8(line)`` returns them; DuckDB's VARCHAR must be valid UTF-8. So each
byte that is not part of valid UTF-8 is held as two characters, a mark and one that stands for the byte. The mark
is the last code point of Unicode, a noncharacter that no text should hold; one that does has its four bytes held
in the same way. Equality, grouping and joins on such text are then those of the bytes.
"""

import codecs
import re

MARK = "\U0010ffff"
_MARK_BYTES = MARK.encode()
_FIRST = 0x100
_HELD = re.compile(f"{MARK}(.)", re.DOTALL)


def _hold(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _held(error.object[error.start : error.end]), error.end


def _held(invalid: bytes) -> str:
    return "".join(MARK + chr(_FIRST + byte) for byte in invalid)


codecs.register_error("athena.raw_text", _hold)


def to_text(raw: bytes) -> str:
    """The text that stands for ``raw``, whatever bytes it holds."""
    return _held(_MARK_BYTES).join(part.decode("utf-8", "athena.raw_text") for part in raw.split(_MARK_BYTES))


def to_bytes(text: str) -> bytes:
    """The bytes that ``text`` stands for."""
    if MARK not in text:
        return text.encode()
    pieces = _HELD.split(text)
    return b"".join(bytes([ord(piece) - _FIRST]) if at % 2 else piece.encode() for at, piece in enumerate(pieces))


def shown(text: str) -> str:
    """``text`` as a reader of UTF-8 sees it: U+FFFD for what is not valid."""
    return to_bytes(text).decode("utf-8", "replace") if MARK in text else text
