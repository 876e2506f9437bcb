"""JSON as Trino's functions read it from text: token by token, no further than they must.

``json_extract_scalar`` returns the first match and never looks behind it, so the text may be broken there;
broken before it, the answer is NULL. DuckDB's JSON functions read whole documents, and more than the standard
allows (NaN, trailing commas). They serve the common case; what could differ comes here.

Source: io.trino.operator.scalar.JsonExtract, and JsonTypeUtil for json_parse.
"""

import json
import re
from collections.abc import Iterator
from typing import Literal

import orjson

from local.athena.raw_text import shown

Path = list[str | int]
Kind = Literal["{", "}", "[", "]", "key", "string", "number", "word"]
Token = tuple[Kind, str]

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?=[\s,\]}]|$)")
_WORD = re.compile(r"(?:true|false|null)(?=[\s,\]}]|$)")
_OPENS: dict[str, Literal["{", "["]] = {"{": "{", "[": "["}
_CLOSES: dict[Literal["{", "["], Literal["}", "]"]] = {"{": "}", "[": "]"}
_SCALARS: dict[str, tuple[Kind, re.Pattern[str]]] = {
    '"': ("string", _STRING),
    "t": ("word", _WORD),
    "f": ("word", _WORD),
    "n": ("word", _WORD),
}
_STEP = re.compile(r"""\.(?P<name>[\w\-:$]+)|\["(?P<quoted>(?:[^"\\]|\\["\\])*)"\]|\[(?P<index>\d+)\]""")


class BrokenJson(ValueError):
    """The text is not JSON from some place on."""


def parse_path(text: str) -> Path | None:
    """The steps of a path such as ``$.a["b c"][0]``; None for one that Trino's json_extract does not take."""
    if not text.startswith("$"):
        return None
    steps: Path = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            return None
        if found["index"] is not None:
            steps.append(int(found["index"]))
        else:
            quoted = found["quoted"]
            steps.append(found["name"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
    return steps


def tokens(text: str) -> Iterator[Token]:
    """The tokens of one JSON value, each given out before the next one is looked at.

    :raises BrokenJson: at the first place where the text is not JSON, what follows the value included.
    """
    open_ones: list[Literal["{", "["]] = []
    just_opened = False
    at = _skip_space(text, 0)
    while True:
        if not (just_opened and text.startswith(_CLOSES[open_ones[-1]], at)):
            if open_ones and open_ones[-1] == "{":
                key = _match(_STRING, text, at)
                yield "key", key.group()
                at = _expect(text, key.end(), ":")
            opened = _OPENS.get(text[at : at + 1])
            if opened:
                yield opened, opened
                open_ones.append(opened)
                just_opened = True
                at = _skip_space(text, at + 1)
                continue
            kind, pattern = _SCALARS.get(text[at : at + 1], ("number", _NUMBER))
            value = _match(pattern, text, at)
            yield kind, value.group()
            at = _skip_space(text, value.end())
        while open_ones and text.startswith(_CLOSES[open_ones[-1]], at):
            closed = _CLOSES[open_ones.pop()]
            yield closed, closed
            at = _skip_space(text, at + 1)
        if not open_ones:
            if at < len(text):
                raise BrokenJson(f"text behind the value at {at}")
            return
        just_opened = False
        at = _expect(text, at, ",")


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _expect(text: str, at: int, sign: str) -> int:
    at = _skip_space(text, at)
    if text[at : at + 1] != sign:
        raise BrokenJson(f"no '{sign}' at {at}")
    return _skip_space(text, at + 1)


def _match(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    found = pattern.match(text, at)
    if found is None:
        raise BrokenJson(f"no value at {at}")
    return found


def _find(stream: Iterator[Token], path: Path) -> Token | None:
    """The token that begins the value at ``path``; the stream then stands behind it. None when there is none."""
    token = next(stream)
    for step in path:
        if token[0] == "{" and isinstance(step, str):
            while True:
                kind, text = next(stream)
                if kind == "}":
                    return None
                token = next(stream)
                if json.loads(text) == step:
                    break
                _skip(stream, token)
        elif token[0] == "[" and isinstance(step, int):
            for position in range(step + 1):
                token = next(stream)
                if token[0] == "]":
                    return None
                if position < step:
                    _skip(stream, token)
        else:
            return None
    return token


def _skip(stream: Iterator[Token], token: Token) -> None:
    depth = 1 if token[0] in "{[" else 0
    while depth:
        kind = next(stream)[0]
        depth += (kind in "{[") - (kind in "}]")


class _Number(str):
    """A number as it was written."""


def _refuse(constant: str) -> None:
    raise ValueError(constant)


# A whole document, with numbers as written and the first of equal keys.
_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda members: dict(reversed(members)),
    parse_float=_Number,
    parse_int=_Number,
    parse_constant=_refuse,
)


def extract_scalar(text: str, path: str) -> str | None:
    """``json_extract_scalar``: the text of a string, number or boolean; NULL for all else and for broken JSON."""
    steps = parse_path(path)
    assert steps is not None
    text = shown(text)
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return _extract_scalar_of_broken(text, steps)
    for step in steps:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return _plain(value) if isinstance(value, str) else None


def _extract_scalar_of_broken(text: str, steps: Path) -> str | None:
    try:
        token = _find(tokens(text), steps)
    except BrokenJson:
        return None
    if token is None or token[0] not in ("string", "number", "word") or token[1] == "null":
        return None
    return _plain(json.loads(token[1])) if token[0] == "string" else token[1]


def extract(text: str, path: str) -> str | None:
    """``json_extract``: the value as JSON text without white space; NULL for none and for broken JSON."""
    steps = parse_path(path)
    assert steps is not None
    stream = tokens(shown(text))
    try:
        token = _find(stream, steps)
        return None if token is None else _compact(stream, token)
    except BrokenJson:
        return None


def _compact(stream: Iterator[Token], token: Token) -> str:
    parts: list[str] = []
    depth = 0
    follows = False
    while True:
        kind, text = token
        if follows and kind not in "}]":
            parts.append(",")
        parts.append(text if kind != "key" else text + ":")
        follows = kind not in ("{", "[", "key")
        depth += (kind in "{[") - (kind in "}]")
        if depth == 0 and kind != "key":
            return "".join(parts)
        token = next(stream)


def canonical(text: str) -> str | None:
    """The text that ``json_parse`` makes of JSON: no white space, keys sorted, the last of equal keys; None when the
    text is not JSON."""
    text = shown(text)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        # Not JSON; or JSON of a kind that orjson refuses: lone surrogates, a thousand levels.
        try:
            _DECODER.decode(text)
        except RecursionError:
            pass
        except ValueError:
            return None
        try:
            stream = tokens(text)
            compact = _compact(stream, next(stream))
            for _ in stream:
                pass
        except BrokenJson:
            return None
        return compact
    if re.search(r"[0-9]{17}", text):
        # orjson reads what is wider than 64 bits as a double; Trino keeps integers of any width.
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    sorted_text: str = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return sorted_text


def _plain(text: str) -> str:
    # A lone surrogate has no UTF-8; Java writes a question mark for it.
    return text.encode("utf-8", "replace").decode()
