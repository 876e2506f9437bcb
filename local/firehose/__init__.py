"""Firehose: deliveries to S3, from a Kinesis stream or from records put directly.

``prefix`` evaluates key expressions, ``destination`` checks a destination, ``delivery`` buffers and writes objects,
``service`` answers the API.
"""

from local.firehose.service import handle, resume, start

__all__ = ["handle", "resume", "start"]
