"""The tasks that watch a source's live path: a heartbeat, a look, and what people are told of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import get_current_context, task

from clickstream.airflow.incidents import incidents_of, run_link
from clickstream.airflow.notifiers.page import ResolveFailures
from clickstream.airflow.runs import place, session, source_named
from clickstream.sources.model import Source

CHECK = "health"


def watch(source: Source) -> None:
    """Make the tasks for a source in the DAG that is being defined."""
    name = source.name

    @task
    def heartbeat() -> dict[str, Any]:
        """Send one heartbeat through the producer, and store its receipt."""
        from clickstream.health.beats import send_beat
        from clickstream.producer.kinesis import kinesis_client

        receipt = send_beat(place(), source_named(name), kinesis_client(session()))
        return {"acknowledged": receipt.acknowledged, "failed": receipt.failed, "unknown": receipt.unknown}

    @task
    def look() -> dict[str, Any]:
        """Hold stream, delivery and their metrics against the source's thresholds."""
        from clickstream.health.check import check
        from clickstream.health.look import take_look

        watched, aws = source_named(name), session()
        looked = take_look(place(), watched, aws.client("kinesis"), aws.client("firehose"))
        return {
            "now": looked.live.now.isoformat(),
            "is_whole": looked.is_whole,
            "findings": [finding.model_dump(mode="json") for finding in check(looked)],
        }

    @task(on_success_callback=[ResolveFailures(name)])
    def page(looked: dict[str, Any]) -> dict[str, Any]:
        """Report what is wrong: one page when it turns bad, one when it is well again."""
        from clickstream.health.check import Finding
        from clickstream.health.pages import health_page

        dag_run, watched = get_current_context()["dag_run"], source_named(name)
        link = run_link(dag_run.dag_id, dag_run.run_id)
        findings = map(Finding.model_validate, looked["findings"])
        pages = {str(finding.cause): health_page(watched, finding, link) for finding in findings}
        reported = incidents_of(name).report(CHECK, pages, datetime.now(UTC), whole=looked["is_whole"])
        return asdict(reported)

    sent, looked = heartbeat(), look()
    sent >> looked
    page(looked)  # type: ignore[arg-type]
