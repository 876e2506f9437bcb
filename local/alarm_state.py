"""The state of a metric alarm, from the datapoints of the periods that it looks at.

CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data": an alarm looks further back than it
evaluates, and what is missing is filled in only where that does not give enough datapoints.
"""

from collections.abc import Sequence

FURTHER_BACK = 2
"""Periods that are looked at beyond those evaluated; AWS gives no number, its examples have 2."""


def state(breaching: Sequence[bool | None], evaluated: int, to_alarm: int, treat: str, current: str) -> str:
    """The state that an alarm is in next.

    :param breaching: of each period, oldest first: whether its datapoint breaches the threshold; None: it is missing.
    :param evaluated: EvaluationPeriods.
    :param to_alarm: DatapointsToAlarm.
    :param treat: TreatMissingData.
    :param current: the state that it is in.
    """
    found = [(age, bad) for age, bad in enumerate(reversed(breaching), 1) if bad is not None][:evaluated]
    missing, bad = evaluated - len(found), sum(bad for _, bad in found)
    if treat == "breaching":
        bad += missing
    if bad >= to_alarm:
        return "ALARM"
    if not missing or treat in ("breaching", "notBreaching"):
        return "OK"
    if not found:
        return "INSUFFICIENT_DATA" if treat == "missing" else current
    if not all(bad for _, bad in found):
        return "OK"
    # All that there is breaches, but it is little: that alone raises an alarm only when it is not new.
    oldest, _ = found[-1]
    return "ALARM" if treat == "missing" and oldest >= to_alarm else current
