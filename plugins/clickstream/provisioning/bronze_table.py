"""Bronze as one column of raw lines: what the manifest is counted from."""

from __future__ import annotations

from clickstream.provisioning.text_table import TextTable


class BronzeTable(TextTable):
    """Every line that the delivery wrote."""

    kind = "bronze_text"
    column = "line"
    comment = "one line of a delivered object, as it is"

    @property
    def location(self) -> str:
        return f"s3://{self.cloud.names.lake}/{self.source.delivery.prefix}"
