"""How DuckDB reads a table: as a stream of Arrow batches, opened anew for each time it looks."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import pyarrow as pa
from sqlglot import exp

from local.athena.context import Context

_AHEAD = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


class Relation(Protocol):
    """What a table's name in a query stands for."""

    schema: pa.Schema
    """Its columns, hidden ones included, named in lower case."""

    def scan(self, columns: list[str], conjuncts: list[exp.Expr], context: Context) -> "Scan":
        """A reading of it.

        :param columns: the columns to give, in this order; at least one.
        :param conjuncts: predicates on this relation alone, each of which every row of interest fulfils. Rows that
            do not may be left out; the query applies the predicates again.
        """
        ...


@dataclass
class Scan:
    """A table as DuckDB sees it. Nothing is read before DuckDB asks for the first batch."""

    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]
    error: Exception | None = None
    """What ended a reading: DuckDB only passes on its text."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return pa.RecordBatchReader.from_batches(self.schema, self._guarded()).__arrow_c_stream__(requested_schema)

    def _guarded(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.batches()
        except Exception as error:
            self.error = error
            raise


def read_ahead(read: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """``read`` of each item, in order, a few at a time: S3's answers are waited for together, and no more than
    those few are held."""
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="athena-read") as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(read, item)))
                if len(waiting) > _AHEAD:
                    first, result = waiting.popleft()
                    yield first, result.result()
            while waiting:
                first, result = waiting.popleft()
                yield first, result.result()
        finally:
            for _, result in waiting:
                result.cancel()
