"""Paging from Airflow's failure callbacks."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseNotifier

from clickstream.airflow.runs import AWS_CONNECTION, open_run, place


class PageOnVerdict(BaseNotifier):
    """Page once for a failed verdict, when it has a cause that nobody was told of before.

    Args:
        source: the source's name.
        run_task: id of the task that returned the run's key, as `run`.
    """

    def __init__(self, source: str, run_task: str) -> None:
        super().__init__()
        self.source = source
        self.run_task = run_task

    def notify(self, context: Any) -> None:
        from clickstream.paging.verdict_page import verdict_page
        from clickstream.reconciliation.findings import load_findings

        run = open_run(self.source, context["ti"].xcom_pull(task_ids=self.run_task)["run"])
        causes = run.read("verdict")["new_causes"]
        if not causes:
            return
        entries = [
            entry
            for entry in sorted(run.ledger.read(), key=lambda entry: entry.arrival_hour)
            if entry.run == run.run and entry.state == "failed" and set(causes) & set(entry.causes)
        ]
        findings = [
            finding for entry in entries if entry.findings for finding in load_findings(run.place.s3, entry.findings)
        ]
        verdict_page(self.source, causes, entries, findings).send(_sns(), run.place.names.account)


class PageOnFailure(BaseNotifier):
    """Page when a task of a run has failed for good: the run could not come to a verdict.

    Args:
        source: the source's name.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source

    def notify(self, context: Any) -> None:
        from clickstream.paging.page import Page

        ti = context["ti"]
        Page(
            source=self.source,
            causes=["task_failed"],
            where=f"{ti.dag_id} {ti.run_id}, {ti.task_id}",
            impact="the run came to no verdict; its hours stay as the ledger has them",
            since=str(ti.start_date),
            evidence=[str(context.get("exception")), ti.log_url],
            next_step=f"read the log, mend the cause, then clear {ti.task_id} with its downstream tasks in Airflow",
        ).send(_sns(), place().names.account)


def _sns() -> Any:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    return AwsBaseHook(aws_conn_id=AWS_CONNECTION, client_type="sns").conn
