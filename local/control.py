"""The control API at /_local/: health, the clock, faults and calls. Tests and the commands use it; AWS has none."""

from datetime import datetime
from typing import Any

from local import calls, faults, firehose
from local.clock import clock, now
from local.errors import AwsError

PREFIX = "/_local/"


async def handle(method: str, path: str, request: dict[str, Any]) -> Any:
    """Answer one call of the control API.

    :raises AwsError: an unknown path or method (404), or a request that makes no sense (400).
    """
    match method, path.removeprefix(PREFIX):
        case "GET", "health":
            return {"status": "ok"}
        case "GET", "clock":
            return _time()
        case "PUT", "clock":
            await clock.set(_moment(request))
            return _time()
        case "GET", "faults":
            return {"faults": faults.armed()}
        case "POST", "faults":
            faults.arm(request)
            return {"faults": faults.armed()}
        case "DELETE", "faults":
            faults.clear()
            firehose.resume()
            return {"faults": []}
        case "GET", "calls":
            return calls.counted()
    raise AwsError("NotFound", f"{method} {path} is not part of the control API", 404)


def _time() -> dict[str, Any]:
    return {"now": now().isoformat().replace("+00:00", "Z"), "set": clock.is_set}


def _moment(request: dict[str, Any]) -> datetime | None:
    given = request.get("now", "")
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise AwsError("ValidationException", "now is an ISO 8601 time with an offset, or null for real time")
    return moment
