"""Paging from Airflow's failure callbacks."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseNotifier

from clickstream.airflow.runs import open_run, place


class PageOnVerdict(BaseNotifier):
    """Page for the causes that a failed verdict found and that nobody was told of before: one page a cause.

    Args:
        source: the source's name.
        run_task: id of the task that returned the run's key, as `run`.
    """

    def __init__(self, source: str, run_task: str) -> None:
        super().__init__()
        self.source = source
        self.run_task = run_task

    def notify(self, context: Any) -> None:
        from clickstream.paging.page import Page

        run = open_run(self.source, context["ti"].xcom_pull(task_ids=self.run_task)["run"])
        for page in (_page_for(run, cause, Page) for cause in run.read("verdict")["new_causes"]):
            page.send(_sns(), run.place.account)


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
            cause="task_failed",
            where=f"{ti.dag_id} {ti.run_id}, {ti.task_id}",
            impact="the run came to no verdict; its hours stay as the ledger has them",
            since=str(ti.start_date),
            evidence=[str(context.get("exception")), ti.log_url],
            next_step=f"read the log, mend the cause, then clear {ti.task_id} with its downstream tasks in Airflow",
        ).send(_sns(), place().account)


def _page_for(run: Any, cause: str, page: Any) -> Any:
    entries = [entry for entry in run.current.values() if entry.run == run.run and cause in entry.causes]
    hours = sorted(entry.arrival_hour for entry in entries)
    days = sorted({hour[:10] for hour in hours})
    return page(
        source=run.source.name,
        cause=cause,
        where=hours[0] if len(hours) == 1 else f"{len(hours)} hours from {hours[0]} to {hours[-1]}",
        impact=f"verified_through stops before {hours[0]}",
        since=hours[0],
        evidence=[entry.findings for entry in entries if entry.findings],
        next_step=f"see the runbook; when it is mended: make backfill SOURCE={run.source.name} "
        f"FROM={days[0]} TO={days[-1]}",
    )


def _sns() -> Any:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    from clickstream.airflow.runs import AWS_CONNECTION

    return AwsBaseHook(aws_conn_id=AWS_CONNECTION, client_type="sns").conn
