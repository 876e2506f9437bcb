"""An S3 destination: what Firehose accepts of it, its defaults, and what of it the local cloud serves."""

from typing import Any

from local.errors import AwsError
from local.firehose import conversion, partitioning, prefix, processors

COMPRESSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz"}
"""What is served, with the extension that a key gets."""

_CONVERSION = "DataFormatConversionConfiguration"
_UNSERVED = (
    ("S3BackupMode", "Disabled"),
    ("CustomTimeZone", "UTC"),
    ("FileExtension", ""),
)
_MEMBERS = {
    "RoleARN",
    "BucketARN",
    "Prefix",
    "ErrorOutputPrefix",
    "BufferingHints",
    "CompressionFormat",
    "EncryptionConfiguration",
    "CloudWatchLoggingOptions",
    "ProcessingConfiguration",
    "S3BackupMode",
    "CustomTimeZone",
    "FileExtension",
    _CONVERSION,
    "DynamicPartitioningConfiguration",
}


def describe(given: dict[str, Any], current: dict[str, Any] | None = None) -> dict[str, Any]:
    """The full description of a destination from a request's configuration or update.

    :param given: ExtendedS3DestinationConfiguration or -Update, or their older forms without "Extended".
    :param current: what an update leaves as it is (API reference, UpdateDestination).
    :raises AwsError: InvalidArgumentException for what Firehose refuses and for what is not served.
    """
    if unknown := set(given) - _MEMBERS:
        raise _invalid(f"The local cloud does not serve {', '.join(sorted(unknown))}")
    current = current or {}
    result: dict[str, Any] = {
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
        "ProcessingConfiguration": {"Enabled": False, "Processors": []},
        "S3BackupMode": "Disabled",
        **current,
        **given,
    }
    if _CONVERSION in given:
        result[_CONVERSION] = conversion.merge(given[_CONVERSION], current.get(_CONVERSION, {}))
    if "BufferingHints" not in result:
        large = conversion.is_enabled(result) or partitioning.is_enabled(result)
        result["BufferingHints"] = {"SizeInMBs": 128 if large else 5, "IntervalInSeconds": 300}
    for member in ("RoleARN", "BucketARN"):
        if not str(result.get(member, "")).startswith("arn:"):
            raise _invalid(f"{member} must be an ARN")
    for member, served in _UNSERVED:
        if result.get(member, served) != served:
            raise _invalid(f"The local cloud does not serve {member} {result[member]}")
    if result["CompressionFormat"] not in COMPRESSIONS:
        raise _invalid(f"The local cloud serves CompressionFormat {' and '.join(COMPRESSIONS)}")
    _check_buffering(result["BufferingHints"])
    processors.check(result)
    prefix.check(result.get("Prefix", ""), result.get("ErrorOutputPrefix"))
    partitioning.check(result, current)
    conversion.check(result)
    return result


def _check_buffering(hints: dict[str, Any]) -> None:
    """API reference, BufferingHints: both or neither; 0 seconds is without buffering."""
    size, interval = hints.get("SizeInMBs"), hints.get("IntervalInSeconds")
    if size is None or interval is None:
        raise _invalid("BufferingHints needs both SizeInMBs and IntervalInSeconds")
    if not 1 <= size <= 128:
        raise _invalid("BufferingHints.SizeInMBs must be between 1 and 128")
    if interval != 0 and not 60 <= interval <= 900:
        raise _invalid("BufferingHints.IntervalInSeconds must be 0 or between 60 and 900")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
