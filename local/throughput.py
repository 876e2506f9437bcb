"""How much a shard or a delivery takes in one second of the local clock."""

import time


class Throughput:
    """A limit of records and bytes a second, counted in whole seconds of the local clock.

    :param records: records that are taken in one second.
    :param size: bytes that are taken in one second; a larger record passes when it is the first of its second.
    """

    def __init__(self, records: int, size: int) -> None:
        self._limits = records, size
        self._second = 0
        self._taken = 0, 0

    def take(self, size: int) -> bool:
        """Count one record of that many bytes, or refuse it.

        :returns: whether it was taken.
        """
        second = int(time.time())
        if second != self._second:
            self._second, self._taken = second, (0, 0)
        records, total = self._taken[0] + 1, self._taken[1] + size
        if records > self._limits[0] or (total > self._limits[1] and records > 1):
            return False
        self._taken = records, total
        return True
