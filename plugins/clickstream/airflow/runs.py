"""From a task's context to the run that it is a step of."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from clickstream.sources.loader import INCLUDE, load_source
from clickstream.sources.model import Source

if TYPE_CHECKING:
    from clickstream.lake.place import Place
    from clickstream.provisioning.resource import Cloud
    from clickstream.reconciliation.steps import Run

AWS_CONNECTION = "aws_default"


def session() -> Any:
    """The boto3 session of the AWS connection."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    return AwsBaseHook(aws_conn_id=AWS_CONNECTION, client_type="s3").get_session()


def place() -> Place:
    """Where the AWS connection leads to."""
    from clickstream.lake.place import Place

    return Place.of(session())


def account() -> Cloud:
    """The account that the AWS connection leads to, for provisioning."""
    from clickstream.provisioning.resource import Cloud

    return Cloud.of(session())


def source_named(name: str) -> Source:
    """A source as it is declared now; the others, which may be many, are not read.

    Raises:
        InvalidSources: its file is not sound any more.
        KeyError: its file is gone.
    """
    path = INCLUDE / "sources" / f"{name}.yaml"
    if not path.exists():
        raise KeyError(f"include/sources/{name}.yaml is gone")
    return load_source(path, INCLUDE / "schemas")


def open_run(source: str, run: str) -> Run:
    """The run with a key, as `run_key` made it, ready for its next step."""
    from clickstream.reconciliation.steps import Run

    return Run(place(), source_named(source), run)


def run_key(context: Any) -> str:
    """A new identity for a run that is being planned; its documents lie under it and under no other's.

    The time is in it because a DAG run that was deleted can come back under the same name.
    """
    dag_run = context["dag_run"]
    key = f"{dag_run.dag_id}.{dag_run.run_id}.{datetime.now(UTC):%Y%m%dT%H%M%S}"
    return re.sub(r"[^A-Za-z0-9._-]", "_", key)
