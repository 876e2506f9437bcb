"""The tasks that watch a source's live path: a heartbeat, a look, and what people are told of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import get_current_context, task

from clickstream.airflow.incidents import incidents_of, run_link
from clickstream.airflow.notifiers.page import ResolveFailures
from clickstream.airflow.runs import place, session, source_named
from clickstream.sources.model import Source


def watch(source: Source) -> None:
    """Make the tasks for a source in the DAG that is being defined."""
    name = source.name

    @task
    def heartbeat() -> dict[str, Any]:
        """Send one heartbeat through the producer, and store its receipt."""
        from clickstream.health.beats import send_beat
        from clickstream.producer.sinks import open_sink

        watched = source_named(name)
        receipt = send_beat(place(), watched, open_sink(watched, session()))
        return {
            "acknowledged": receipt.acknowledged.total(),
            "failed": dict(receipt.failed),
            "unknown": receipt.unknown.total(),
        }

    @task
    def look() -> dict[str, Any]:
        """Hold stream, delivery and their metrics against the source's thresholds."""
        from clickstream.health.check import judge
        from clickstream.health.look import take_look

        watched, aws = source_named(name), session()
        looked = take_look(place(), watched, aws.client("kinesis"), aws.client("firehose"))
        return judge(looked).model_dump(mode="json")

    @task(on_success_callback=[ResolveFailures(name)])
    def page(judged: dict[str, Any]) -> dict[str, str]:
        """Report what is wrong: one page when it turns bad, one when it is well again."""
        from clickstream.health.check import Judgement
        from clickstream.health.report import report

        dag_run = get_current_context()["dag_run"]
        link = run_link(dag_run.dag_id, dag_run.run_id)
        judgement = Judgement.model_validate(judged)
        return {**report(incidents_of(name), source_named(name), judgement, link, datetime.now(UTC))}

    sent, judged = heartbeat(), look()
    sent >> judged
    page(judged)  # type: ignore[arg-type]
