"""One statement of Athena that makes, changes or drops something in the catalog."""

from __future__ import annotations

from clickstream.provisioning.resource import Cloud
from clickstream.provisioning.waiting import wait


class StatementFailed(RuntimeError):
    """Athena did not carry out a statement; the text has its id, its state and Athena's reason."""


def run_statement(cloud: Cloud, name: str, statement: str) -> None:
    """Run a statement and wait for its end.

    Args:
        name: what it concerns, for the error.

    Raises:
        StatementFailed: it did not succeed.
    """
    athena = cloud.client("athena")
    started = athena.start_query_execution(QueryString=statement, WorkGroup=cloud.names.workgroup)
    execution = started["QueryExecutionId"]
    wait(athena, "StatementEnded", QueryExecutionId=execution)
    status = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
    if status["State"] != "SUCCEEDED":
        reason = status.get("StateChangeReason", "no reason given")
        raise StatementFailed(f"{name}: Athena query {execution} {status['State']}: {reason}")
