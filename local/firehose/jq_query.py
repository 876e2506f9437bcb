"""The jq query that takes partition keys from a record: an object of key and expression.

AWS runs jq 1.6, the local cloud a newer one: what only that one has is refused.
https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-partitioning-keys.html
"""

import json
import re
from typing import Any

import jq

from local.errors import AwsError

_NEWER = frozenset({
    "abs", "have_decnum", "have_literal_numbers", "ltrim", "pick", "rtrim", "skip", "toarray", "trim", "trimstr",
    "@base32d", "@urid",
})  # fmt: skip
"""Functions and formats of jq 1.7 and 1.8."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORD = re.compile(r"(?<![.$\w])@?[A-Za-z_]\w*(?!\s*:)")
_KEY = re.compile(r'\s*(?:([A-Za-z_]\w*)|"([^"\\]+)")\s*(:|$)')


class NoKeys(Exception):
    """A record that has no value for a key; the text says why."""


class Query:
    """A compiled query.

    :param text: such as ``{event_type: .event_type, day: .ts[0:10]}``.
    :raises AwsError: InvalidArgumentException for what is no jq 1.6, or not of that form.
    """

    def __init__(self, text: str) -> None:
        self.keys = _keys(text)
        words = _WORD.findall(_STRING.sub('""', text))
        newer = sorted(_NEWER.intersection(words))
        if words.count("if") > words.count("else"):
            newer.append("if without else")
        if newer:
            raise _invalid(f"jq 1.6 does not have {', '.join(newer)}")
        try:
            self._program = jq.compile(text)
        except ValueError as error:
            raise _invalid(f"The jq query cannot be compiled: {error}") from None

    def values(self, record: bytes) -> dict[str, str]:
        """The values of the keys in a record.

        :raises NoKeys: it is no single JSON document, the query fails on it, or a value is null, empty or no scalar.
        """
        try:
            json.loads(record)
            answers = self._program.input_text(record.decode()).all()
        except (ValueError, RecursionError) as error:
            reason = str(error) if str(error).startswith("jq: ") else "Non JSON record provided"
            raise NoKeys(reason) from None
        if len(answers) != 1:
            raise NoKeys("partitionKeys values must not be null or empty")
        return {key: _text(value) for key, value in answers[0].items()}


def _text(value: Any) -> str:
    if value is None or value == "" or isinstance(value, list | dict):
        raise NoKeys("partitionKeys values must not be null or empty")
    return value if isinstance(value, str) else json.dumps(value)


def _keys(text: str) -> list[str]:
    body = text.strip()
    if not (body.startswith("{") and body.endswith("}")):
        raise _invalid("The local cloud serves a MetadataExtractionQuery of the form {key: expression, …}")
    found = [_KEY.match(member) for member in _members(body[1:-1])]
    keys = [match[1] or match[2] for match in found if match]
    if not keys or len(keys) != len(found) or len(set(keys)) != len(keys):
        raise _invalid("The local cloud serves a MetadataExtractionQuery of the form {key: expression, …}")
    return keys


def _members(body: str) -> list[str]:
    """The text between the commas that are in no string and no bracket."""
    members, depth, start = [], 0, 0
    quiet = _STRING.sub(lambda match: "_" * len(match.group()), body)
    for at, sign in enumerate(quiet):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            members.append(body[start:at])
            start = at + 1
    return [*members, body[start:]]


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
