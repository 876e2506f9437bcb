"""Kinesis: ministack's streams, with records on disk, real limits, changes that take a moment, and metrics.

``service`` answers the API and holds the records; ``states`` is how a stream becomes, changes and goes; one module each
for what can be changed: ``mode``, ``resharding``, ``retention``, ``encryption``, ``monitoring``, ``tags``.
"""

from local.kinesis.service import find, handle, keep_after, measure_read, start

__all__ = ["find", "handle", "keep_after", "measure_read", "start"]
