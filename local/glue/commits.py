"""The fault ``kill_spark``: Spark dies just before or just after a chosen commit to an Iceberg table.

Only the catalog knows that moment from outside of the job: a commit is one UpdateTable or CreateTable.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from local import faults
from local.glue import spark


@asynccontextmanager
async def around_commit(table: str) -> AsyncIterator[None]:
    """Surround one UpdateTable or CreateTable at the catalog; it counts when the block ends without an exception.

    :param table: the table's name without its database.
    :raises ConnectionLost: its caller was killed before it, so it must not happen any more.
    """
    fault = faults.find("kill_spark", table)
    if fault and fault["when"] == "before" and fault["after_commits"] == 1:
        faults.take("kill_spark", table)
        spark.kill_running()
        raise faults.ConnectionLost
    yield
    counted = faults.take("kill_spark", table)
    if counted and counted["after_commits"] == 0:
        spark.kill_running()
