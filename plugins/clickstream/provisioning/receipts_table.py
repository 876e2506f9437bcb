"""The producer's receipts as a table: the raw hash of each record that Kinesis acknowledged."""

from __future__ import annotations

from clickstream.provisioning.text_table import TextTable


class ReceiptsTable(TextTable):
    """Acknowledged records, a hash a line, by hour of acknowledgement."""

    kind = "receipts"
    column = "raw_hash"
    comment = "MD5 of an acknowledged record's bytes"

    @property
    def location(self) -> str:
        return f"s3://{self.cloud.names.evidence}/receipts/{self.source.name}/hashes/"
