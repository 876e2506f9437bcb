"""Encryption of a stream with a KMS key: which key is kept and shown, the records on disk stay as they are.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StartStreamEncryption.html
"""

from typing import Any

from ministack.services import kms

from local.errors import AwsError
from local.kinesis import states

STARTS_A_DAY = 25
KEY_OF_AWS = "alias/aws/kinesis"
"""Is there in every account, unlike a customer's keys."""


def begin(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    """Serve StartStreamEncryption, also with another key than before.

    :raises AwsError: as AWS does.
    """
    key = _key(request)
    states.require_active(stream)
    _check(key)
    states.count_in_a_day(
        stream,
        "encryption_starts",
        STARTS_A_DAY,
        f"A key can be applied to stream {stream['StreamName']} {STARTS_A_DAY} times within 24 hours.",
    )
    stream |= {"EncryptionType": "KMS", "KeyId": key}
    states.change(stream, "UPDATING")
    return {}


def end(stream: states.Stream, request: dict[str, Any]) -> dict[str, Any]:
    """Serve StopStreamEncryption; of a stream that is not encrypted it changes nothing.

    :raises AwsError: as AWS does.
    """
    _key(request)
    states.require_active(stream)
    stream["EncryptionType"] = "NONE"
    stream.pop("KeyId", None)
    states.change(stream, "UPDATING")
    return {}


def _key(request: dict[str, Any]) -> str:
    if request.get("EncryptionType") != "KMS":
        raise AwsError("InvalidArgumentException", f"EncryptionType is KMS, not {request.get('EncryptionType')}")
    key = request.get("KeyId")
    if not isinstance(key, str) or not 1 <= len(key) <= 2048:
        raise AwsError("InvalidArgumentException", "KeyId has 1 to 2048 characters")
    return key


def _check(key: str) -> None:
    if key.rpartition(":")[2] == KEY_OF_AWS:
        return
    found = kms._resolve_key(key)
    if found is None:
        raise AwsError("KMSNotFoundException", f"Key {key} does not exist")
    if found["KeyState"] == "Disabled":
        raise AwsError("KMSDisabledException", f"{found['Arn']} is disabled.")
    if found["KeyState"] != "Enabled":
        raise AwsError("KMSInvalidStateException", f"{found['Arn']} is in state {found['KeyState']}.")
