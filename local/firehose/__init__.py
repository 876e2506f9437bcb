"""Firehose: deliveries to S3, from a Kinesis stream or from records put directly.

``service`` answers the API. ``destination`` checks a destination, with ``processors``, ``prefix`` (key expressions),
``partitioning`` (``jq_query``) and ``conversion``. ``delivery`` reads and buffers (``buffer``), ``writer`` writes
objects, ``failures`` are the lines below the error prefix. ``conversion`` makes Parquet of JSON by the rules of a
SerDe (``serde``: ``openx``, ``hive_json``, over ``json_documents`` and ``timestamps``).
"""

from local.firehose.service import handle, resume, start

__all__ = ["handle", "resume", "start"]
