"""Job arguments as Glue hands them to a script.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-get-resolved-options.html
"""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

_BOOKMARKS = ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable")
_CONTINUATIONS = ("continuation-enabled", "continuation-readonly", "continuation-ignore")
_RESERVED: dict[str, tuple[str, ...] | None] = {
    "continuation-option": _CONTINUATIONS,
    "job-bookmark-option": _BOOKMARKS,
    "job-bookmark-from": None,
    "job-bookmark-to": None,
    "JOB_ID": None,
    "JOB_RUN_ID": None,
    "SECURITY_CONFIGURATION": None,
    "encryption-type": ("sse-s3",),
}
"""Names that a script may not ask for, since Glue always answers them, with the values it takes."""
_TEMP_DIRS = ("RedshiftTempDir", "TempDir")


class GlueArgumentError(Exception):
    """An argument is missing or not as its name demands."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, Any]:  # noqa: N802
    """The values of the named job arguments.

    As on Glue: a name's hyphens are underscores in the answer; arguments that were not asked for are passed over;
    a unique beginning of a name stands for the name; TempDir may be absent (None).

    :param args: ``sys.argv``.
    :param options: names without the leading ``--``; each must be among the arguments.
    :raises GlueArgumentError: one is missing, or has no value.
    :raises RuntimeError: a reserved name was asked for.
    """
    parser = _Parser()
    for name, choices in _RESERVED.items():
        if name in options:
            raise RuntimeError(f"Using reserved arguments --{name}")
        parser.add_argument(f"--{name}", choices=choices)
    for name in _TEMP_DIRS:
        parser.add_argument(f"--{name}")
    for name in options:
        if name not in _TEMP_DIRS:
            parser.add_argument(f"--{name}", required=True)
    found = vars(parser.parse_known_args(list(args[1:]))[0])

    found["TempDir"] = found["RedshiftTempDir"] = found["TempDir"] or found["RedshiftTempDir"]
    continuation = found.pop("continuation_option")
    if found["job_bookmark_option"] is None:
        found["job_bookmark_option"] = _BOOKMARKS[_CONTINUATIONS.index(continuation or _CONTINUATIONS[-1])]
    return found
