"""A small client of Airflow's REST API: what `make up` and `make backfill` need of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from types import TracebackType
from typing import Any, Self

import httpx

from commands.terminal import Failed

FINISHED = frozenset({"success", "failed"})


class AirflowSilent(Failed):
    """Nothing answers at Airflow's address."""


class AirflowRefused(Failed):
    """Airflow answered with an error: its status and its own words."""

    def __init__(self, response: httpx.Response) -> None:
        try:
            detail = response.json()["detail"]
        except (ValueError, KeyError):
            detail = response.text
        super().__init__(f"{response.request.method} {response.request.url.path}: {response.status_code}: {detail}")
        self.status = response.status_code
        self.detail = detail


@dataclass(frozen=True)
class Run:
    """A run of a DAG."""

    id: str
    date: date
    """The UTC date on which its window starts."""
    state: str
    """queued, running, success or failed."""
    kind: str
    """scheduled, backfill, manual …"""
    queued_at: datetime | None

    @property
    def finished(self) -> bool:
        return self.state in FINISHED


@dataclass(frozen=True)
class Task:
    """The latest attempt at a task of a run."""

    id: str
    map_index: int
    """Which of a mapped task's instances; -1 when it is not mapped."""
    state: str
    log: str
    """Its log's path below Airflow's folder of task logs."""

    @property
    def name(self) -> str:
        return self.id if self.map_index < 0 else f"{self.id}[{self.map_index}]"


@dataclass(frozen=True)
class Backfill:
    """A backfill that Airflow has not closed yet."""

    id: int
    first: date
    last: date
    created_at: datetime


class Airflow:
    """Logged in as the admin; a context manager.

    :param url: the address without a path, such as ``http://127.0.0.1:8080``.
    :raises AirflowRefused: from every call that Airflow answers with an error.
    :raises AirflowSilent: from every call while no Airflow listens there.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        # trust_env: a proxy is never right for this machine's own address.
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._login = {"username": user, "password": password}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def heartbeats(self) -> dict[str, datetime]:
        """When each part that is well gave its last sign of life; needs no login."""
        found = {}
        for part, health in self._send("GET", "/api/v2/monitor/health", login=False).items():
            beat = health.get(f"latest_{part}_heartbeat")
            if health["status"] == "healthy" and beat:
                found[part] = datetime.fromisoformat(beat)
        return found

    def set_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool, or bring it to this size; a deferred task keeps its slot."""
        size = {"slots": slots, "description": description, "include_deferred": True}
        try:
            self._send("PATCH", f"/api/v2/pools/{name}", json={"pool": name, **size})
        except AirflowRefused as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            self._send("POST", "/api/v2/pools", json={"name": name, **size})

    def pool(self, name: str) -> dict[str, Any]:
        """A pool as Airflow counts it: `running_slots`, `deferred_slots` and the like."""
        counted: dict[str, Any] = self._send("GET", f"/api/v2/pools/{name}")
        return counted

    def import_errors(self) -> dict[str, str]:
        """Why DAG files could not be loaded: the trace, by file name."""
        errors = self._send("GET", "/api/v2/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"].strip() for error in errors}

    def is_paused(self, dag: str) -> bool | None:
        """Whether a DAG is paused; None when Airflow does not know it (yet)."""
        try:
            paused: bool = self._send("GET", f"/api/v2/dags/{dag}")["is_paused"]
        except AirflowRefused as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise
        return paused

    def pause(self, dag: str) -> None:
        """Begin no more runs or tasks of a DAG."""
        self._send("PATCH", f"/api/v2/dags/{dag}", json={"is_paused": True})

    def unpause(self, dag: str) -> None:
        """Let the schedule, and what has waited, run."""
        self._send("PATCH", f"/api/v2/dags/{dag}", json={"is_paused": False})

    def runs(self, dag: str, first: date, last: date) -> list[Run]:
        """The runs whose windows start on the dates first..last, oldest first."""
        start, end = _whole_days(first, last)
        answer = self._send(
            "GET",
            f"/api/v2/dags/{dag}/dagRuns",
            params={
                "logical_date_gte": start,
                "logical_date_lte": end,
                "order_by": "logical_date",
                "limit": 1000,
            },
        )
        return [
            _run(run, datetime.fromisoformat(run["logical_date"]).astimezone(UTC).date()) for run in answer["dag_runs"]
        ]

    def trigger(self, dag: str, day: date, conf: dict[str, Any]) -> Run:
        """Start a run by hand, without a logical date: what it is about is in its Params."""
        answer = self._send("POST", f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf})
        return _run(answer, day)

    def run_interval(self, dag: str, start: datetime, end: datetime) -> None:
        """Start a run of one data interval [start, end), in UTC, as the schedule would have."""
        interval = {"data_interval_start": start.isoformat(), "data_interval_end": end.isoformat()}
        self._send("POST", f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": start.isoformat(), **interval})

    def run(self, dag: str, run: Run) -> Run:
        """The run as it is now."""
        return _run(self._send("GET", f"/api/v2/dags/{dag}/dagRuns/{run.id}"), run.date)

    def tasks(self, dag: str, run: str) -> list[Task]:
        """The tasks of a run that have come to their turn."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances"
        answer = self._send("GET", path, params={"limit": 1000})
        return [
            Task(
                id=task["task_id"],
                map_index=task["map_index"],
                state=task["state"],
                log=_log_path(dag, run, task["task_id"], task["map_index"], task["try_number"]),
            )
            for task in answer["task_instances"]
            if task["state"]
        ]

    def clear(self, dag: str, run: str) -> None:
        """Let a run that has ended run again, all its tasks."""
        self._send("POST", f"/api/v2/dags/{dag}/dagRuns/{run}/clear", json={"dry_run": False})

    def backfill_dates(self, dag: str, first: date, last: date) -> list[date]:
        """Which dates a backfill of first..last would run."""
        answer = self._send("POST", "/api/v2/backfills/dry_run", json=_backfill(dag, first, last))
        return sorted(datetime.fromisoformat(run["logical_date"]).astimezone(UTC).date() for run in answer["backfills"])

    def start_backfill(self, dag: str, first: date, last: date) -> Backfill:
        """Run all dates of first..last again, also those that have succeeded, one at a time.

        :raises AirflowRefused: 409 while another backfill of the DAG is open; 422 when there is no date to run.
        """
        return _opened(self._send("POST", "/api/v2/backfills", json=_backfill(dag, first, last)))

    def open_backfills(self, dag: str) -> list[Backfill]:
        """The backfills of a DAG that Airflow has not closed; it does so up to 30 seconds after their last run."""
        answer = self._send("GET", "/api/v2/backfills", params={"dag_id": dag, "limit": 1000})
        return [_opened(one) for one in answer["backfills"] if one["completed_at"] is None]

    def _send(self, method: str, path: str, *, login: bool = True, **request: Any) -> Any:
        if login and "Authorization" not in self._http.headers:
            token = self._send("POST", "/auth/token", login=False, json=self._login)["access_token"]
            self._http.headers["Authorization"] = f"Bearer {token}"
        try:
            response = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise AirflowSilent(f"Airflow does not answer at {self._http.base_url}: {error}", todo="make up") from error
        if response.is_error:
            raise AirflowRefused(response)
        return response.json()


def _run(answer: dict[str, Any], day: date) -> Run:
    return Run(
        id=answer["dag_run_id"],
        date=day,
        state=answer["state"],
        kind=answer["run_type"],
        queued_at=_moment(answer["queued_at"]),
    )


def _backfill(dag: str, first: date, last: date) -> dict[str, Any]:
    start, end = _whole_days(first, last)
    return {
        "dag_id": dag,
        "from_date": start,
        "to_date": end,
        "reprocess_behavior": "completed",
        "max_active_runs": 1,
    }


def _opened(answer: dict[str, Any]) -> Backfill:
    first, last, created = (
        datetime.fromisoformat(answer[key]).astimezone(UTC) for key in ("from_date", "to_date", "created_at")
    )
    return Backfill(answer["id"], first.date(), last.date(), created)


def _whole_days(first: date, last: date) -> tuple[str, str]:
    return (
        datetime.combine(first, time.min, UTC).isoformat(),
        datetime.combine(last, time(23, 59, 59), UTC).isoformat(),
    )


def _log_path(dag: str, run: str, task: str, map_index: int, attempt: int) -> str:
    """Airflow's [logging] log_filename_template, as it is by default."""
    mapped = f"map_index={map_index}/" if map_index >= 0 else ""
    return f"dag_id={dag}/run_id={run}/task_id={task}/{mapped}attempt={attempt}.log"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
