"""Query executions: their states, the few that run at a time, and their record.

The record is a SQLite file: like Athena's history it outlives the process, and a killed one loses no acknowledged
query. What was queued or running then is FAILED when the process is back, as after any fault of the service.
"""

import json
import logging
import sqlite3
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from local.athena import functions, statements
from local.athena.context import Context
from local.athena.errors import Cancelled, QueryError
from local.athena.statements import Statement
from local.errors import AwsError
from local.settings import state_dir

logger = logging.getLogger(__name__)

RUNNING_AT_A_TIME = 3
FINAL_STATES = ("SUCCEEDED", "FAILED", "CANCELLED")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS executions (
    id TEXT PRIMARY KEY,
    work_group TEXT NOT NULL,
    token TEXT,
    submitted REAL NOT NULL,
    record TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS executions_by_token ON executions (work_group, token) WHERE token IS NOT NULL;
"""
_INTERRUPT_SECONDS = 0.05
_ENGINE = "Athena engine version 3"
_BY_USER = "Query cancelled by user"
_INTERNAL = "GENERIC_INTERNAL_ERROR"
_STOPPED = f"{_INTERNAL}: the service stopped while the query was under way"


@dataclass
class Execution:
    """One query execution; times are epoch seconds of the local cloud's clock, durations milliseconds."""

    id: str
    query: str
    work_group: str
    database: str
    parameters: list[str]
    output_location: str
    statement_type: str
    substatement_type: str
    submitted: float
    state: str = "QUEUED"
    completed: float | None = None
    reason: str | None = None
    error_code: str | None = None
    scanned: int = 0
    queue_millis: int = 0
    run_millis: int = 0
    columns: list[dict[str, Any]] = field(default_factory=list)
    update_count: int | None = None

    def describe(self) -> dict[str, Any]:
        """It as GetQueryExecution shows it."""
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted}
        if self.completed is not None:
            status["CompletionDateTime"] = self.completed
        if self.reason:
            status["StateChangeReason"] = self.reason
        if self.state == "FAILED":
            system = self.error_code == _INTERNAL
            status["AthenaError"] = {
                "ErrorCategory": 1 if system else 2,
                "ErrorMessage": self.reason,
                "Retryable": system,
            }
        return {
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": self.statement_type,
            "SubstatementType": self.substatement_type,
            "ResultConfiguration": {"OutputLocation": self.output_location},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": {"Database": self.database, "Catalog": "awsdatacatalog"},
            "Status": status,
            "Statistics": {
                "EngineExecutionTimeInMillis": self.run_millis,
                "DataScannedInBytes": self.scanned,
                "TotalExecutionTimeInMillis": self.queue_millis + self.run_millis,
                "QueryQueueTimeInMillis": self.queue_millis,
                "ServiceProcessingTimeInMillis": 0,
                "ResultReuseInformation": {"ReusedPreviousResult": False},
            },
            "WorkGroup": self.work_group,
            "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": _ENGINE},
            **({"ExecutionParameters": self.parameters} if self.parameters else {}),
        }


class Executions:
    """All query executions of the local cloud. Safe to use from several threads."""

    def __init__(self) -> None:
        folder = state_dir() / "cloud"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(folder / "athena.sqlite", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)
        self._pool = ThreadPoolExecutor(RUNNING_AT_A_TIME, thread_name_prefix="athena")
        self._running: dict[str, Context] = {}
        self._closing = False
        self._fail_what_was_left()

    def start(self, execution: Execution, statement: Statement, token: str | None, cutoff: int | None) -> str:
        """Queue a query.

        :param token: the ClientRequestToken: the same one with the same query gives the same execution.
        :param cutoff: bytes that it may scan.
        :returns: the execution's id.
        :raises AwsError: the token was used for another query.
        """
        with self._lock:
            known = self._select("work_group = ? AND token = ?", execution.work_group, token)
            if known:
                same = (known[0].query, known[0].database, known[0].parameters)
                if same != (execution.query, execution.database, execution.parameters):
                    raise AwsError("InvalidRequestException", "Idempotent parameters do not match")
                return known[0].id
            self._database.execute(
                "INSERT INTO executions VALUES (?, ?, ?, ?, ?)",
                (execution.id, execution.work_group, token, execution.submitted, json.dumps(vars(execution))),
            )
        self._pool.submit(self._run, execution, statement, cutoff, time.perf_counter())
        return execution.id

    def get(self, execution_id: str) -> Execution:
        """:raises AwsError: there is no such execution."""
        with self._lock:
            found = self._select("id = ?", execution_id)
        if not found:
            raise AwsError("InvalidRequestException", f"QueryExecution {execution_id} was not found")
        return found[0]

    def list_ids(self, work_group: str, start: int, limit: int) -> list[str]:
        """Ids of a work group's executions, the newest first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT id FROM executions WHERE work_group = ? ORDER BY submitted DESC, rowid DESC LIMIT ? OFFSET ?",
                (work_group, limit, start),
            ).fetchall()
        return [execution_id for (execution_id,) in rows]

    def stop(self, execution_id: str) -> None:
        """Ask an execution to stop; one that has ended is left as it is.

        :raises AwsError: there is no such execution.
        """
        self.get(execution_id)
        with self._lock:
            execution = self._select("id = ?", execution_id)[0]
            if execution.state == "QUEUED":
                self._end(execution, "CANCELLED", _BY_USER)
                return
        # What cannot be interrupted, such as a commit, is not waited for here.
        threading.Thread(target=self._interrupt, args=([execution_id],), daemon=True).start()

    def close(self) -> None:
        """Stop all work, for the end of the process: what is under way fails, and nothing new begins."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._closing = True
        self._interrupt(list(self._running))

    def _interrupt(self, ids: list[str]) -> None:
        """Stop these when they run, and wait until they have stopped."""
        # Again and again: DuckDB takes no notice of an interrupt that comes before its query does.
        while True:
            with self._lock:
                contexts = [self._running[each] for each in ids if each in self._running]
                for context in contexts:
                    context.cancelled.set()
                    context.connection.interrupt()
            if not contexts:
                return
            time.sleep(_INTERRUPT_SECONDS)

    def _select(self, where: str, *values: str | None) -> list[Execution]:
        rows = self._database.execute(f"SELECT record FROM executions WHERE {where}", values).fetchall()
        return [Execution(**json.loads(record)) for (record,) in rows]

    def _save(self, execution: Execution) -> None:
        self._database.execute(
            "UPDATE executions SET record = ? WHERE id = ?", (json.dumps(vars(execution)), execution.id)
        )

    def _end(self, execution: Execution, state: str, reason: str | None = None) -> None:
        execution.state = state
        execution.reason = reason
        execution.completed = time.time()
        self._save(execution)

    def _fail_what_was_left(self) -> None:
        for execution in self._select("json_extract(record, '$.state') IN ('QUEUED', 'RUNNING')"):
            execution.error_code = _INTERNAL
            self._end(execution, "FAILED", _STOPPED)

    def _run(self, execution: Execution, statement: Statement, cutoff: int | None, queued_at: float) -> None:
        try:
            self._work(execution, statement, cutoff, queued_at)
        except Exception as error:
            # Nobody waits for this thread: what it does not say itself would leave the query running for ever.
            logger.exception("query %s could not be run", execution.id)
            execution.error_code = _INTERNAL
            with self._lock:
                self._end(execution, "FAILED", f"{_INTERNAL}: {type(error).__name__}: {error}")

    def _work(self, execution: Execution, statement: Statement, cutoff: int | None, queued_at: float) -> None:
        started = time.perf_counter()
        with functions.connect() as connection:
            context = Context(execution.database, datetime.now(UTC), connection, cutoff)
            execution.queue_millis = int((started - queued_at) * 1000)
            if self._begin(execution, context):
                state, reason = self._outcome(execution, statement, context)
                execution.scanned = context.scanned
                execution.run_millis = int((time.perf_counter() - started) * 1000)
                with self._lock:
                    del self._running[execution.id]
                    self._end(execution, state, reason)

    def _begin(self, execution: Execution, context: Context) -> bool:
        """Take a query from the queue; False when it was stopped there."""
        with self._lock:
            if self._select("id = ?", execution.id)[0].state != "QUEUED":
                return False
            execution.state = "RUNNING"
            self._save(execution)
            self._running[execution.id] = context
            return True

    def _outcome(self, execution: Execution, statement: Statement, context: Context) -> tuple[str, str | None]:
        """Run a query; its final state and the reason for it."""
        try:
            outcome = statements.run(statement, context, execution.output_location)
        except Cancelled as cancelled:
            if not self._closing:
                return "CANCELLED", str(cancelled) or _BY_USER
            execution.error_code = _INTERNAL
            return "FAILED", _STOPPED
        except QueryError as error:
            execution.error_code = error.code
            return "FAILED", str(error)
        except Exception as error:
            logger.exception("query %s broke the local Athena", execution.id)
            execution.error_code = _INTERNAL
            return "FAILED", f"{_INTERNAL}: {type(error).__name__}: {error}"
        execution.columns, execution.update_count = outcome.columns, outcome.update_count
        return "SUCCEEDED", None


@cache
def executions() -> Executions:
    """The one record of this process."""
    return Executions()


def new_id() -> str:
    """An id for an execution."""
    return str(uuid.uuid4())
