"""From a task to the incidents of its source."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException

from clickstream.airflow.runs import AWS_CONNECTION, place

if TYPE_CHECKING:
    from clickstream.paging.incidents import Incidents
    from clickstream.reconciliation.steps import Run


class Unpaged(AirflowFailException):
    """Fails a task for good, and is no incident of its own."""


class AlreadyPaged(Unpaged):
    """What the task found has been reported."""


class Refused(Unpaged):
    """The task was asked for what cannot be meant: who asked sees it at once, nobody else has to."""


def run_link(dag_id: str, run_id: str) -> str:
    """The page of a DAG run in the UI, at `[api] base_url`."""
    base: str = conf.get("api", "base_url", fallback="http://localhost:8080/")
    return f"{base.rstrip('/')}/dags/{dag_id}/runs/{quote(run_id)}"


def incidents_of(source: str) -> Incidents:
    """The incidents of a source, where the AWS connection leads to."""
    from clickstream.paging.incidents import Incidents

    return Incidents.of(place(), source, _sns())


def report_verdict(run: Run, dag_id: str, run_id: str) -> None:
    """Report what the ledger says now, and that this DAG came to a verdict again."""
    from clickstream.paging.verdict_pages import CHECK, verdict_pages
    from clickstream.reconciliation.ledger_index import LedgerIndex
    from clickstream.reconciliation.progress import current_entries

    current = current_entries(LedgerIndex(run.ledger, run.place.lake).read())
    pages = verdict_pages(run.place.s3, run.source.name, current, run_link(dag_id, run_id))
    incidents_of(run.source.name).report(CHECK, pages, datetime.now(UTC))
    resolve_failures(run.source.name, dag_id)


def report_gold(run: Run, dag_id: str, run_id: str) -> None:
    """Report what the ledger of dates says now."""
    from clickstream.paging.gold_pages import CHECK, gold_pages
    from clickstream.reconciliation.report import gold_of

    pages = gold_pages(run.source.name, gold_of(run.place, run.source), run_link(dag_id, run_id))
    incidents_of(run.source.name).report(CHECK, pages, datetime.now(UTC))


def report_maintenance(run: Run, dag_id: str, run_id: str) -> None:
    """Report what the ledger of maintenance says now."""
    from clickstream.paging.maintenance_pages import CHECK, maintenance_pages
    from clickstream.reconciliation.maintenance.evidence import current_tables, maintenance_ledger

    current = current_tables(maintenance_ledger(run.place, run.source).read())
    pages = maintenance_pages(run.source, current, run_link(dag_id, run_id))
    incidents_of(run.source.name).report(CHECK, pages, datetime.now(UTC))
    resolve_failures(run.source.name, dag_id)


def report_quality(run: Run, dag_id: str, run_id: str) -> None:
    """Report what the ledger of quality says now."""
    from clickstream.paging.quality_pages import CHECK, quality_pages
    from clickstream.quality.ledger import failed_now
    from clickstream.quality.report import quality_of

    failed = failed_now(quality_of(run.place, run.source), run.source.checks.recheck_days)
    pages = quality_pages(run.source.name, failed, run_link(dag_id, run_id))
    incidents_of(run.source.name).report(CHECK, pages, datetime.now(UTC))


def resolve_failures(source: str, dag_id: str) -> None:
    """Resolve what failed tasks of a DAG opened: a run of it has come to its end."""
    incidents_of(source).report(dag_id, {}, datetime.now(UTC))


def _sns() -> Any:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from botocore.config import Config

    # A page that SNS does not take at once is kept, and the claim on it is short.
    config = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    return AwsBaseHook(aws_conn_id=AWS_CONNECTION, client_type="sns", config=config).conn
