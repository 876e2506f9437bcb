"""Paging from Airflow's callbacks: a task that failed for good opens an incident, a good end of its DAG resolves it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseNotifier

from clickstream.airflow.incidents import Unpaged, incidents_of, resolve_failures, run_link

PROCESS_LOST = "no error: the task's process was lost or killed"


class PageOnFailure(BaseNotifier):
    """Open an incident when a task has failed for good; one for a DAG, whatever number of its tasks and runs fail.

    For `on_failure_callback` of every task. What is raised as `Unpaged` is not paged.

    Args:
        source: the source's name.
        impact: what does not hold because the run did not end.
    """

    def __init__(
        self, source: str, impact: str = "the run came to no verdict; its hours stay as the ledger has them"
    ) -> None:
        super().__init__()
        self.source = source
        self.impact = impact

    def notify(self, context: Any) -> None:
        from clickstream.paging.causes import LEDGER_BROKEN, TASK_FAILED
        from clickstream.paging.page import Page
        from clickstream.reconciliation.ledger import LedgerBroken

        # Of a task whose process was lost Airflow tells neither an exception nor a start.
        ti, exception, now = context["ti"], context.get("exception"), datetime.now(UTC)
        if isinstance(exception, Unpaged):
            return
        clear = f"then clear {ti.task_id} with its downstream tasks in Airflow"
        if isinstance(exception, LedgerBroken):
            # The source has one ledger, whichever DAG finds it broken.
            cause = name = LEDGER_BROKEN
            next_step = f"make status SOURCE={self.source} names the object; make restore OBJECT=<it>; {clear}"
        else:
            cause, name = TASK_FAILED, f"{TASK_FAILED}.{ti.dag_id}"
            next_step = f"read the log, mend the cause, {clear}"
        page = Page(
            source=self.source,
            cause=cause,
            where=f"{ti.dag_id} {ti.run_id}, {ti.task_id}",
            impact=self.impact,
            since=f"{now:%Y-%m-%dT%H:%MZ}",
            evidence=[f"{type(exception).__name__}: {exception}" if exception else PROCESS_LOST, ti.log_url],
            next_step=next_step,
            link=run_link(ti.dag_id, ti.run_id),
        )
        # A task knows of itself only: what others opened stays.
        incidents_of(self.source).report(ti.dag_id, {name: page}, now, whole=False)


class ResolveFailures(BaseNotifier):
    """Resolve what failed tasks of the DAG opened: for `on_success_callback` of its last task, or of the DAG.

    The task group of the proof needs none: its verdict does it.

    Args:
        source: the source's name.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source

    def notify(self, context: Any) -> None:
        resolve_failures(self.source, context["dag"].dag_id)
