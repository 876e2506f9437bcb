"""A step of a run that asks Athena, without holding a worker while Athena works."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from clickstream.airflow.runs import AWS_CONNECTION, open_run

if TYPE_CHECKING:
    from clickstream.reconciliation.steps import QueryStep, Rows, Run


class QueryFailed(RuntimeError):
    """A query of a step failed; the text holds its name and Athena's reason."""


class AthenaStepOperator(AwsBaseOperator[AthenaHook]):
    """Ask a step's queries, wait deferred, and let the step conclude from the answers.

    Args:
        source: the source's name.
        run: the run's key (templated).
        step: the step; it says what is asked, and whether a failed query is asked again differently.
        poll_seconds: seconds between two looks at the queries.
    """

    aws_hook_class = AthenaHook
    template_fields: Sequence[str] = aws_template_fields("run")

    def __init__(self, *, source: str, run: str, step: QueryStep, poll_seconds: float = 2, **kwargs: Any) -> None:
        super().__init__(aws_conn_id=AWS_CONNECTION, **kwargs)
        self.source = source
        self.run = run
        self.step = step
        self.poll_seconds = poll_seconds

    def execute(self, context: Any) -> None:
        self._ask(open_run(self.source, self.run), context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> None:
        """Resume when the queries have ended."""
        run = open_run(self.source, self.run)
        if failed := event["failed"]:
            if not self.step.recover(run, failed["reason"]):
                raise QueryFailed(f"{failed['name']}: {failed['reason']}")
            self.log.warning("%s: %s; asking again without it", failed["name"], failed["reason"])
            self._ask(run, context)
        else:
            self.step.conclude(
                run, {name: self._rows(run, execution) for name, execution in event["executions"].items()}
            )

    def _ask(self, run: Run, context: Any) -> None:
        from clickstream.airflow.triggers.athena_queries import AthenaQueriesTrigger

        queries = self.step.queries(run)
        if not queries:
            self.step.conclude(run, {})
            return
        executions = {name: self._start(run, name, sql, context["ti"]) for name, sql in queries.items()}
        self.defer(
            trigger=AthenaQueriesTrigger(executions, self.poll_seconds, AWS_CONNECTION),
            method_name="execute_complete",
        )

    def _start(self, run: Run, name: str, sql: str, ti: Any) -> str:
        from clickstream.lake.names import Names

        key = f"sql/{self.source}/{self.run}/{ti.task_id}.{name}.sql"
        run.place.s3.put_object(Bucket=run.place.evidence, Key=key, Body=sql.encode())
        # The same token for the same statement of the same try: a start whose answer was lost is not made twice.
        token = hashlib.sha256(f"{self.run} {ti.task_id} {ti.try_number} {sql}".encode()).hexdigest()
        client: Any = self.hook.conn
        answer = client.start_query_execution(QueryString=sql, ClientRequestToken=token, WorkGroup=Names.workgroup)
        execution: str = answer["QueryExecutionId"]
        self.log.info("%s: query %s, kept as s3://%s/%s", name, execution, run.place.evidence, key)
        return execution

    def _rows(self, run: Run, execution: str) -> Rows:
        """The rows that a query left in S3; Athena writes NULL as nothing."""
        from clickstream.lake.objects import split_uri

        client: Any = self.hook.conn
        answer = client.get_query_execution(QueryExecutionId=execution)
        bucket, key = split_uri(answer["QueryExecution"]["ResultConfiguration"]["OutputLocation"])
        csv.field_size_limit(sys.maxsize)  # a cell of a query's answer may be longer than csv's cautious 128 KiB
        text = run.place.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        return [{name: value or None for name, value in row.items()} for row in csv.DictReader(io.StringIO(text))]
