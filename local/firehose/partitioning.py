"""Dynamic partitioning: which records go into one object, by values in them.

https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html
"""

from datetime import UTC, datetime
from typing import Any

from local.errors import AwsError
from local.firehose import prefix, processors
from local.firehose.failures import Failure
from local.firehose.jq_query import NoKeys, Query
from local.record_log import Record

MOST_ACTIVE = 500
"""Partitions of a delivery that can be buffered at once, without a raised quota."""
DEFAULT_RETRY_SECONDS = 300
LONGEST_RETRY_SECONDS = 7200
EXTRACTION_FAILED = "metadata-extraction-failed"
TOO_MANY = "activePartitionExceeded"


def is_enabled(destination: dict[str, Any]) -> bool:
    """Whether the destination is partitioned by what is in the records."""
    return bool(destination.get("DynamicPartitioningConfiguration", {}).get("Enabled"))


def check(destination: dict[str, Any], current: dict[str, Any]) -> None:
    """Refuse what Firehose refuses of dynamic partitioning.

    :param current: the destination that an update changes; empty for a new one.
    :raises AwsError: InvalidArgumentException.
    """
    named = prefix.partition_keys(destination.get("Prefix", ""))
    query = processors.metadata_query(destination)
    if current and is_enabled(current) != is_enabled(destination):
        raise _invalid("Dynamic Partitioning can be enabled only when a Firehose stream is made, and never disabled.")
    if not is_enabled(destination):
        if named:
            raise _invalid(
                "Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is"
                " enabled."
            )
        if query is not None:
            raise _invalid("A MetadataExtraction processor can only be present when Dynamic Partitioning is enabled.")
        return
    hints = destination["BufferingHints"]
    if hints["SizeInMBs"] < 64:
        raise _invalid("BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is enabled.")
    if hints["IntervalInSeconds"] == 0:
        raise _invalid("Zero buffering is not available when Dynamic Partitioning is enabled.")
    if not 0 <= retry_seconds(destination) <= LONGEST_RETRY_SECONDS:
        raise _invalid(f"RetryOptions.DurationInSeconds must be between 0 and {LONGEST_RETRY_SECONDS}")
    if not named:
        raise _invalid("S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled")
    if query is None:
        raise _invalid(
            "MetadataExtraction processor should be present when S3 Prefix has partitionKeyFromQuery namespace."
        )
    extracted = Query(query).keys
    if set(extracted) - set(named):
        raise _invalid(
            "MetaDataExtraction JQ Query can't contain keys that are not present in the S3 Prefix expression"
        )
    if missing := [key for key in named if key not in extracted]:
        raise _invalid(f"The S3 Prefix names keys that the JQ Query does not have: {', '.join(missing)}")


def retry_seconds(destination: dict[str, Any]) -> int:
    """How long a write that fails is tried again."""
    options = destination["DynamicPartitioningConfiguration"].get("RetryOptions", {})
    return int(options.get("DurationInSeconds", DEFAULT_RETRY_SECONDS))


class Partitioner:
    """Finds the partition of a record.

    :param destination: one with dynamic partitioning.
    """

    def __init__(self, destination: dict[str, Any]) -> None:
        query = processors.metadata_query(destination)
        assert query is not None
        self._query = Query(query)
        self._prefix: str = destination["Prefix"]

    def keys(self, record: Record) -> dict[str, str] | Failure:
        """The values of the record's partition keys, or why it has none."""
        try:
            keys = self._query.values(record.data)
        except NoKeys as error:
            return _failure(str(error))
        evaluated = prefix.evaluate(self._prefix, datetime.fromtimestamp(record.arrived, UTC), keys=keys)
        if len(evaluated) > prefix.MAX_EVALUATED_LENGTH:
            return _failure(f"Length of evaluated prefix cannot be greater than {prefix.MAX_EVALUATED_LENGTH}")
        return keys


def too_many() -> Failure:
    """What becomes of a record that would open one partition too many."""
    return Failure(
        TOO_MANY,
        "DynamicPartitioning.ActivePartitionLimitExceeded",
        f"The number of active partitions reached the limit of {MOST_ACTIVE}",
    )


def _failure(message: str) -> Failure:
    return Failure(EXTRACTION_FAILED, "DynamicPartitioning.MetadataExtractionFailed", message)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
