"""The processors of a destination: which are served, and what they ask for."""

from typing import Any

from local.errors import AwsError

MOST = 5
JQ = "JQ-1.6"


def check(destination: dict[str, Any]) -> None:
    """Refuse processors that Firehose refuses, and those that are not served.

    :raises AwsError: InvalidArgumentException.
    """
    processing = destination["ProcessingConfiguration"]
    if not processing.get("Enabled"):
        return
    kinds = [processor["Type"] for processor in processing.get("Processors", [])]
    if not 1 <= len(kinds) <= MOST:
        raise _invalid(
            f"A maximum of {MOST} and a minimum of 1 processor needs to be supplied when processing is enabled."
        )
    for kind in kinds:
        if kind not in ("AppendDelimiterToRecord", "MetadataExtraction"):
            raise _invalid(f"The local cloud does not serve the processor {kind}")
        if kinds.count(kind) > 1:
            raise _invalid(f"Cannot have more than 1 {kind} processor.")
    for name, value in _parameters(destination, "AppendDelimiterToRecord") or []:
        if (name, value) != ("Delimiter", "\\n"):
            raise _invalid(f"The local cloud does not serve the delimiter parameter {name}: {value}")
    extraction = _parameters(destination, "MetadataExtraction")
    if extraction is not None:
        given = dict(extraction)
        if given.get("JsonParsingEngine") != JQ:
            raise _invalid(f"MetaDataExtraction JSON Parsing Engine has to be one of {JQ}")
        if not given.get("MetadataExtractionQuery"):
            raise _invalid("A MetadataExtraction processor needs a MetadataExtractionQuery")


def delimiter(destination: dict[str, Any]) -> bytes:
    """What is put behind each record: a line feed with AppendDelimiterToRecord, else nothing."""
    return b"" if _parameters(destination, "AppendDelimiterToRecord") is None else b"\n"


def metadata_query(destination: dict[str, Any]) -> str | None:
    """The query of the MetadataExtraction processor, when there is one."""
    extraction = _parameters(destination, "MetadataExtraction")
    return None if extraction is None else dict(extraction)["MetadataExtractionQuery"]


def _parameters(destination: dict[str, Any], kind: str) -> list[tuple[str, str]] | None:
    """Name and value of the parameters of the processor of that kind; None when it is not at work."""
    processing = destination["ProcessingConfiguration"]
    for processor in processing.get("Processors", []) if processing.get("Enabled") else []:
        if processor["Type"] == kind:
            return [(each["ParameterName"], each["ParameterValue"]) for each in processor.get("Parameters", [])]
    return None


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidArgumentException", message)
