"""The texts and numbers that the SerDes take for a timestamp or a date.

Timestamps are nanoseconds of the epoch in UTC, as far as 64 bits hold them: 1677 to 2262. On AWS what lies beyond
wraps around; here it is refused.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from local.errors import AwsError

_SECOND = 1_000_000_000
_FIRST_MILLIS = 10**12
"""From here on, a number counts milliseconds."""
_LONGEST_NUMBER = 30
_LIMIT = 2**63

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)
_SPACED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)

_JODA = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']")
_JODA_LETTERS = {
    "yyyy": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d\d)",
    "M": r"(?P<month>\d{1,2})",
    "dd": r"(?P<day>\d\d)",
    "d": r"(?P<day>\d{1,2})",
    "HH": r"(?P<hour>\d\d)",
    "H": r"(?P<hour>\d{1,2})",
    "mm": r"(?P<minute>\d\d)",
    "m": r"(?P<minute>\d{1,2})",
    "ss": r"(?P<second>\d\d)",
    "s": r"(?P<second>\d{1,2})",
    "Z": r"(?P<offset>[+-]\d\d\d\d)",
    "ZZ": r"(?P<offset>[+-]\d\d:\d\d)",
}
MILLIS = "millis"
"""The format that stands for milliseconds of the epoch."""

Format = Callable[[str], int | None]
"""Reads a text; None when it is of another form."""


def read_date(text: str) -> date:
    """``2026-11-18``, month and day also with one digit.

    :raises ValueError: another form, or no such day.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError
    return date(*(int(part) for part in found.groups()))


def read_iso(text: str) -> int | None:
    """``2017-02-07T15:13:01.39256Z``: in UTC, up to nine digits of a second.

    :raises ValueError: no such moment.
    """
    return _moment(_ISO.fullmatch(text))


def read_spaced(text: str) -> int | None:
    """``2017-02-07 15:13:01.14``, as java.sql.Timestamp reads it; in UTC.

    :raises ValueError: no such moment.
    """
    return _moment(_SPACED.fullmatch(text))


def read_number(text: str) -> int | None:
    """The text of a number, as ``of_number`` takes it."""
    if _NUMBER.fullmatch(text) is None or len(text) > _LONGEST_NUMBER:
        return None
    try:
        return of_number(Decimal(text))
    except InvalidOperation:
        return None


def of_number(number: Decimal) -> int:
    """Seconds of the epoch, or from 10¹² on milliseconds; kept to the millisecond.

    :raises ValueError: out of range.
    """
    millis = number if abs(number) >= _FIRST_MILLIS else number * 1000
    if abs(millis) > _LIMIT:
        raise ValueError
    return _within(int(millis) * (_SECOND // 1000))


def format_reader(pattern: str) -> Format:
    """A reader of texts of a Joda-Time pattern, or of the special ``millis``.

    :raises AwsError: InvalidArgumentException for a pattern that is not served.
    """
    if pattern == MILLIS:
        return _read_millis
    form = re.compile(_joda(pattern), re.ASCII)

    def read(text: str) -> int | None:
        found = form.fullmatch(text)
        if found is None:
            return None
        parts = found.groupdict()
        year, month, day, *time = (int(parts.get(name) or least) for name, least in _PARTS)
        return _nanoseconds(year, month, day, *time, fraction=parts.get("fraction")) - _offset(parts.get("offset"))

    return read


_PARTS = (("year", 1970), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))


def _read_millis(text: str) -> int | None:
    return _within(int(text) * (_SECOND // 1000)) if re.fullmatch(r"-?\d{1,19}", text, re.ASCII) else None


def _joda(pattern: str) -> str:
    pieces = []
    end = 0
    for match in _JODA.finditer(pattern):
        if match.start() != end:
            break
        end = match.end()
        quoted, letter = match.groups()
        if quoted is not None:
            pieces.append(re.escape(quoted or "'"))
        elif letter is None:
            pieces.append(re.escape(match.group()))
        elif letter == "S":
            pieces.append(rf"(?P<fraction>\d{{{len(match.group())}}})")
        elif match.group() in _JODA_LETTERS:
            pieces.append(_JODA_LETTERS[match.group()])
        else:
            end = 0
            break
    form = "".join(pieces)
    if end != len(pattern) or len(re.findall(r"\?P<\w+>", form)) != len(set(re.findall(r"\?P<\w+>", form))):
        raise AwsError("InvalidArgumentException", f"The local cloud does not serve the timestamp format {pattern}")
    return form


def _offset(text: str | None) -> int:
    """An offset from UTC in nanoseconds."""
    if text is None:
        return 0
    seconds = int(text[1:3]) * 3600 + int(text[-2:]) * 60
    return (-seconds if text[0] == "-" else seconds) * _SECOND


def _moment(found: re.Match[str] | None) -> int | None:
    if found is None:
        return None
    *numbers, fraction = found.groups()
    year, month, day, *time = (int(number) for number in numbers)
    return _nanoseconds(year, month, day, *time, fraction=fraction)


def _nanoseconds(year: int, month: int, day: int, *time: int, fraction: str | None) -> int:
    hour, minute, second = time
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    seconds = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return _within(seconds * _SECOND + int((fraction or "0").ljust(9, "0")[:9]))


def _within(nanoseconds: int) -> int:
    """:raises ValueError: it is out of range."""
    if not -_LIMIT < nanoseconds < _LIMIT:
        raise ValueError
    return nanoseconds
