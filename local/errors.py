"""The one error that our services answer with, shaped as AWS's JSON protocol shapes it."""


class AwsError(Exception):
    """An error that a caller of AWS would get.

    :param code: AWS's name of it, such as ``ResourceNotFoundException``; the ``__type`` of the answer.
    :param message: the text beside it.
    :param status: HTTP status; 400 for nearly all errors of the JSON protocols.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
