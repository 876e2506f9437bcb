"""The ledger as a table, so that it can be asked by SQL: `include/sql/athena/ledger_current.sql` is an example.

Athena shows the lines as they lie there now and checks no chain; `make status` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from clickstream.provisioning.external_table import ExternalTable, TableColumn

_FINGERPRINT = "array<bigint>"
_COUNTS = "map<string,bigint>"
_LOSSES = "array<struct<code:string,object:string,records:bigint>>"
_COLUMNS = (
    TableColumn("schema_version", "bigint", "version of the line's form"),
    TableColumn("sequence", "bigint", "number of the object that holds the line; the highest of an hour is current"),
    TableColumn("source", "string", "the source's name"),
    TableColumn("arrival_hour", "string", "the hour that the line speaks of, as 2026-11-18T13:00:00Z"),
    TableColumn("state", "string", "open, provisional, verified, excepted, failed or late_change"),
    TableColumn(
        "tiers",
        "struct<producer:bigint,stream:bigint,delivery:bigint,bronze:bigint,silver:bigint>",
        "records at each tier; NULL where the source does not count it",
    ),
    TableColumn("producer_unknown", "bigint", "records whose put the producer never got an answer to"),
    TableColumn("fates", _COUNTS, "records by fate"),
    TableColumn("reasons", _COUNTS, "records that are not good, by reason"),
    TableColumn("event_dates", _COUNTS, "good records by event date"),
    TableColumn("bronze", _FINGERPRINT, "count and two sums of the raw hashes in Bronze"),
    TableColumn("silver", _FINGERPRINT, "the same of Silver"),
    TableColumn("rejects", _FINGERPRINT, "the same of rejects"),
    TableColumn("largest_object", "bigint", "records of the hour's largest object"),
    TableColumn("manifest", "string", "uri of the hour's objects as they were counted"),
    TableColumn("listing", "string", "digest of the live listing when the hour was checked"),
    TableColumn("silver_snapshot", "bigint", "Iceberg snapshot of Silver that was checked"),
    TableColumn("rejects_snapshot", "bigint", "Iceberg snapshot of rejects that was checked"),
    TableColumn("contract", "string", "version of the contract that the records were judged by"),
    TableColumn("contract_digest", "string", "digest of that contract"),
    TableColumn("code_digest", "string", "digest of the code of the job"),
    TableColumn(
        "waivers",
        f"array<struct<waived_by:string,waived_at:string,reason:string,run:string,losses:{_LOSSES},followed:bigint>>",
        "what people have accepted of the hour: who, when, why, in which run, each loss with its records",
    ),
    TableColumn("causes", "array<string>", "codes of the findings; empty when there are none"),
    TableColumn("findings", "string", "uri of the findings with ids and objects; they expire"),
    TableColumn("run", "string", "the run that wrote the line: DAG run and clear number"),
    TableColumn("triggered_by", "string", "who or what started the run"),
    TableColumn("checked_at", "string", "when the hour was checked"),
    TableColumn("previous", "string", "hash of the line before this one; empty for the first"),
    TableColumn("hash", "string", "hash of this line"),
)


class LedgerTable(ExternalTable):
    """Every line of the source's ledger; not partitioned, so a new line is there at once."""

    kind = "ledger"
    columns: Sequence[TableColumn] = _COLUMNS
    # Athena's other JSON SerDe, OpenX, may give other rows each time:
    # https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
    serde = "org.apache.hive.hcatalog.data.JsonSerDe"

    @property
    def location(self) -> str:
        return f"s3://{self.cloud.names.evidence}/ledger/{self.source.name}/"
