"""What Firehose could not convert or place: it writes each record into an envelope, a JSON object a line.

https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
"""

from __future__ import annotations

import binascii
from base64 import b64decode

import orjson


def opened(envelope: bytes) -> bytes:
    """The record in an envelope, without its line end; a line that is no envelope stands for itself."""
    try:
        sent = b64decode(orjson.loads(envelope)["rawData"], validate=True)
    except (orjson.JSONDecodeError, KeyError, TypeError, binascii.Error):
        return envelope
    return sent.rstrip(b"\r\n")
