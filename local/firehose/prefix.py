"""Key prefixes with expressions (Firehose developer guide, "Understand custom prefixes for Amazon S3 objects")."""

import re
import secrets
import string
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from uuid import uuid4

from local.errors import AwsError

MAX_LENGTH = 1024
MAX_EVALUATED_LENGTH = 512
DEFAULT_TIMESTAMP = "yyyy/MM/dd/HH/"
FROM_QUERY = "partitionKeyFromQuery"
_OF_FIREHOSE = {("firehose", "error-output-type"), ("firehose", "random-string")}

_EXPRESSION = re.compile(r"!\{([^:}]*):([^}]*)\}")
_PATTERN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']")
_LETTERS = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "dd": "%d",
    "DDD": "%j",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
}


def check(prefix: str, error_prefix: str | None) -> None:
    """Refuse prefixes that Firehose refuses when a delivery is made.

    :raises AwsError: InvalidArgumentException.
    """
    expressions, error_expressions = _expressions(prefix), _expressions(error_prefix or "")
    if any(namespace == FROM_QUERY for namespace, _ in error_expressions):
        raise _invalid("Dynamic Partitioning Namespaces can't be part of an error prefix expression")
    if ("firehose", "error-output-type") in expressions:
        raise _invalid("Prefix cannot contain !{firehose:error-output-type}")
    if expressions and not error_prefix:
        raise _invalid("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions")
    says_type = ("firehose", "error-output-type") in error_expressions
    if error_prefix and (expressions or error_expressions) and not says_type:
        raise _invalid("ErrorOutputPrefix must contain at least one instance of !{firehose:error-output-type}")


def partition_keys(prefix: str) -> list[str]:
    """The keys of dynamic partitioning that a prefix names, each once."""
    return list(dict.fromkeys(name for namespace, name in _expressions(prefix) if namespace == FROM_QUERY))


def evaluate(prefix: str, at: datetime, error_type: str = "", keys: Mapping[str, str] | None = None) -> str:
    """The prefix of an object.

    :param at: arrival, in UTC, of the object's oldest record.
    :param error_type: what ``!{firehose:error-output-type}`` stands for.
    :param keys: the values of the partition keys.
    """
    if not {"timestamp", FROM_QUERY} & {namespace for namespace, _ in _expressions(prefix)}:
        prefix += f"!{{timestamp:{DEFAULT_TIMESTAMP}}}"

    def value(match: re.Match[str]) -> str:
        namespace, name = match.groups()
        if namespace == "timestamp":
            return "".join(_format(name, at))
        if namespace == FROM_QUERY and keys:
            return keys[name]
        return error_type if name == "error-output-type" else _random_string()

    return _EXPRESSION.sub(value, prefix)


def object_name(delivery: str, version: str, at: datetime, extension: str) -> str:
    """The part of a key behind the prefix: delivery, version, oldest arrival, random."""
    return f"{delivery}-{version}-{at:%Y-%m-%d-%H-%M-%S}-{uuid4()}{extension}"


def _expressions(prefix: str) -> list[tuple[str, str]]:
    if len(prefix) > MAX_LENGTH:
        raise _invalid(f"A prefix has at most {MAX_LENGTH} characters")
    found = [(match[1], match[2]) for match in _EXPRESSION.finditer(prefix)]
    if "!{" in _EXPRESSION.sub("", prefix):
        raise _invalid("The sequence !{ can only appear in expressions of the form !{namespace:value}")
    for namespace, value in found:
        if namespace == "timestamp":
            list(_format(value, datetime.min.replace(tzinfo=UTC)))
        elif not (namespace == FROM_QUERY and value) and (namespace, value) not in _OF_FIREHOSE:
            raise _invalid(f"The local cloud does not serve the prefix expression !{{{namespace}:{value}}}")
    return found


def _format(pattern: str, at: datetime) -> Iterator[str]:
    """The pieces of a Java DateTimeFormatter pattern."""
    end = 0
    for match in _PATTERN.finditer(pattern):
        if match.start() != end:
            break
        end = match.end()
        quoted, letter = match.groups()
        if quoted is not None:
            yield quoted or "'"
        elif letter is None:
            yield match.group()
        elif match.group() in _LETTERS:
            yield at.strftime(_LETTERS[match.group()]).rjust(len(match.group()), "0")
        else:
            raise _invalid(f"The local cloud does not serve the timestamp pattern {match.group()}")
    if end != len(pattern):
        raise _invalid(f"{pattern} is not a valid timestamp pattern")


def _random_string() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(11))


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
