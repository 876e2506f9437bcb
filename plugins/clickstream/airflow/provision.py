"""The tasks that make a source's path what it is declared to be, or take it away."""

from __future__ import annotations

from typing import Any

from airflow.sdk import TriggerRule, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from clickstream.airflow.operators.approval import ASKED
from clickstream.airflow.operators.plan_review import PlanReviewOperator, check_approval
from clickstream.airflow.runs import account, place, session, source_named
from clickstream.sources.model import Source

PLAN, REVIEW = "plan", "review"
CANARY_GRACE_SECONDS = 600
"""Beside the delivery's own buffering: how long a canary may take to Bronze."""


def _planned(field: str) -> str:
    return "{{ ti.xcom_pull(task_ids='" + PLAN + "')['" + field + "'] }}"


def provision(source: Source) -> None:
    """Make the tasks for a source in the DAG that is being defined."""
    name = source.name

    @task(task_id=PLAN)
    def plan_path() -> dict[str, Any]:
        """Compare what lives on AWS with what is declared; changes nothing."""
        from clickstream.provisioning.plan import STEPS, as_markdown, digest

        steps = _steps(name, get_current_context()["params"])
        return {
            "steps": STEPS.dump_python(steps, mode="json"),
            "digest": digest(steps),
            "table": as_markdown(steps),
            "needs_approval": any(step.needs_approval for step in steps),
        }

    review = PlanReviewOperator(
        task_id=REVIEW,
        subject=f"{name}: carry out plan {_planned('digest')}?",
        body=_planned("table"),
        mode="{{ params.mode }}",
        digest=_planned("digest"),
        needs_approval=_planned("needs_approval"),
        doc_md="Show the plan; ask for approval when something would be replaced, deleted or made dearer.",
    )

    @task
    def confirm() -> list[dict[str, Any]]:
        """Plan again: nothing may have changed since, and what needs approval has it."""
        from clickstream.provisioning.plan import STEPS, digest

        context = get_current_context()
        ti: Any = context["ti"]
        planned = ti.xcom_pull(task_ids=PLAN)
        check_approval(planned, ti.xcom_pull(task_ids=REVIEW, key=ASKED), ti.xcom_pull(task_ids=REVIEW))
        steps = _steps(name, context["params"])
        if digest(steps) != planned["digest"]:
            changed = [f"{step}" for step in steps if step.action != "none"]
            raise AirflowFailException(
                f"plan {planned['digest']} is out of date, nothing was changed. By now it would be "
                f"{digest(steps)}: {'; '.join(changed) or 'nothing to do'}. Trigger the DAG again."
            )
        todo = tuple(step for step in steps if step.action != "none")
        todo_as_json: list[dict[str, Any]] = STEPS.dump_python(todo, mode="json")
        return todo_as_json

    # In the plan's order and one at a time: each resource needs those before it.
    @task(
        max_active_tis_per_dagrun=1,
        map_index_template="{{ task.op_kwargs['step']['action'] }} {{ task.op_kwargs['step']['kind'] }}",
        doc_md="Do one step of the plan, or what an earlier try left of it.",
    )
    def apply(step: dict[str, Any]) -> str:
        """Do one step of the plan, or what an earlier try left of it."""
        from clickstream.provisioning.apply import Drifted, carry_out
        from clickstream.provisioning.path import path_of
        from clickstream.provisioning.plan import STEPS

        (planned,) = STEPS.validate_python([step])
        path = {resource.kind: resource for resource in path_of(source_named(name), account())}
        try:
            return str(carry_out(path[planned.kind], planned))
        except Drifted as drifted:
            raise AirflowFailException(str(drifted)) from drifted

    @task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
    def send_canary() -> dict[str, Any]:
        """Send a record of our own down the path."""
        from clickstream.producer.receipt import Receipt
        from clickstream.producer.sinks import open_sink
        from clickstream.provisioning import canary

        if get_current_context()["params"]["mode"] != "apply":
            raise AirflowSkipException("the path is gone")
        here = place()
        with Receipt(here.s3, here.evidence, name, "provision") as receipt:
            sent = canary.send_canary(open_sink(source_named(name), session()), receipt)
        return sent.model_dump(mode="json")

    @task.sensor(poke_interval=15, timeout=60, mode="reschedule")
    def is_in_stream(sent: dict[str, Any]) -> bool:
        """Wait until readers of the stream are given the canary."""
        from clickstream.provisioning import canary

        return canary.is_in_stream(account().client("kinesis"), source_named(name), canary.Canary.model_validate(sent))

    @task.sensor(poke_interval=15, timeout=source.delivery.buffer_seconds + CANARY_GRACE_SECONDS, mode="reschedule")
    def is_in_bronze(sent: dict[str, Any]) -> bool:
        """Wait until the delivery has written the canary to Bronze."""
        from clickstream.provisioning import canary

        here = place()
        return canary.is_in_bronze(here.s3, here.lake, source_named(name), canary.Canary.model_validate(sent))

    @task
    def details() -> dict[str, Any]:
        """What the path is now: each resource with its settings."""
        from clickstream.provisioning.path import path_of

        return {
            f"{resource.kind} {resource.name}": dict(resource.live() or {})
            for resource in path_of(source_named(name), account())
        }

    confirmed = confirm()
    applied = apply.expand(step=confirmed)
    sent: Any = send_canary()
    plan_path() >> review >> confirmed >> sent
    applied >> sent
    waits = (is_in_stream, is_in_bronze) if source.stream else (is_in_bronze,)
    chain(*(wait(sent) for wait in waits), details())


def _steps(name: str, params: Any) -> tuple[Any, ...]:
    """The plan that a run's Params ask for, in the order in which it is carried out."""
    from clickstream.provisioning.path import path_of
    from clickstream.provisioning.plan import plan, plan_removal

    path = path_of(source_named(name), account())
    if params["mode"] != "destroy":
        return tuple(plan(resource) for resource in path)
    if params["delete_data"] not in (None, name):
        raise AirflowFailException(f"params.delete_data = {params['delete_data']!r}: must be empty or {name!r}")
    with_data = params["delete_data"] == name
    doomed = [resource for resource in path if not resource.shared and (with_data or not resource.holds_data)]
    return tuple(plan_removal(resource) for resource in reversed(doomed))
