"""Visits of the comparison charts hold what the tables made of them must cope with."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from commands.chart_visits import visit
from commands.moments import Moment

START = datetime(2026, 11, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
VISITS = 3000

Visits = list[tuple[datetime, list[Moment]]]


@pytest.fixture(scope="module")
def visits() -> Visits:
    """Each with the time before which it sends nothing."""
    rng = random.Random(1)
    begins = [START + timedelta(seconds=rng.randrange(86_400)) for _ in range(VISITS)]
    return [(begin, list(visit(rng, begin))) for begin in begins]


@pytest.fixture(scope="module")
def moments(visits: Visits) -> dict[str, list[Moment]]:
    """By event type."""
    found: dict[str, list[Moment]] = defaultdict(list)
    for _, moments in visits:
        for moment in moments:
            found[moment.event["event_type"]].append(moment)
    return found


def test_all_types_of_events_occur_and_each_has_an_id_of_its_own(moments: dict[str, list[Moment]]) -> None:
    assert set(moments) == {
        *("page_view", "chart_interaction", "affiliate_click", "affiliate_correction", "segment_change")
    }
    ids = [moment.event["event_id"] for of_type in moments.values() for moment in of_type]
    assert len(ids) == len(set(ids))


def test_nothing_is_sent_before_it_happens_or_before_the_visit_begins(visits: Visits) -> None:
    assert all(moment.arrives >= max(moment.at, begin) for begin, moments in visits for moment in moments)


def test_clients_without_connection_send_what_happened_in_another_hour_and_before_midnight(visits: Visits) -> None:
    pages = [moment for _, moments in visits for moment in moments if "session" in moment.event]
    late = [moment for moment in pages if moment.arrives - moment.at > HOUR]
    assert len(late) > 50
    assert any(moment.at.date() < moment.arrives.date() for moment in late)


def test_sessions_go_on_over_midnight(visits: Visits) -> None:
    crossing = [
        (first, second)
        for _, moments in visits
        for first, second in pairwise(moment.at for moment in moments if "session" in moment.event)
        if first.date() < second.date() and second - first < timedelta(minutes=30)
    ]
    assert crossing


def test_users_come_back(visits: Visits) -> None:
    sessions = defaultdict(set)
    for _, moments in visits:
        event = moments[0].event
        sessions[event["user"]["user_id_hash"]].add(event["session"]["session_id"])
    nobody = len(sessions.pop(None))
    assert VISITS * 0.2 < nobody < VISITS * 0.4
    assert sum(len(of_user) > 1 for of_user in sessions.values()) > 300


def test_a_visit_has_one_answer_to_the_question_for_consent(visits: Visits) -> None:
    answers = [{moment.event["privacy"]["analytics"] for moment in moments} for _, moments in visits]
    assert all(len(answer) == 1 for answer in answers)
    assert 0.01 < answers.count({False}) / VISITS < 0.06


def test_visitors_go_from_the_chart_to_its_controls_and_to_the_shops(visits: Visits) -> None:
    seen = interacted = clicked = 0
    for _, moments in visits:
        types = {moment.event["event_type"] for moment in moments}
        pages = {moment.event["ctx"]["page_url"] for moment in moments if "ctx" in moment.event}
        compared = any("/compare/" in page for page in pages)
        seen += compared
        interacted += compared and "chart_interaction" in types
        clicked += compared and {"chart_interaction", "affiliate_click"} <= types
    assert VISITS > seen > interacted > clicked > 100


def test_corrections_follow_their_click_by_minutes_or_hours(moments: dict[str, list[Moment]]) -> None:
    clicks = {moment.event["event_id"]: moment for moment in moments["affiliate_click"]}
    corrections = defaultdict(list)
    for moment in moments["affiliate_correction"]:
        corrections[moment.event["corrects"]].append(moment)
    waits = [moment.at - clicks[click].at for click in clicks for moment in corrections[click]]
    assert timedelta(minutes=2) < min(waits) < timedelta(minutes=10)
    assert max(waits) > 3 * HOUR
    # Some come before the click has arrived, some overtake an earlier one, and some are of no click.
    assert any(moment.arrives < clicks[click].arrives for click in clicks for moment in corrections[click])
    several = [corrections[click] for click in clicks if len(corrections[click]) > 1]
    assert any(first.arrives > second.arrives for first, second in several)
    assert corrections.keys() - clicks.keys()
    assert all("session" not in moment.event for of_click in corrections.values() for moment in of_click)


def test_some_clicks_have_no_payout_yet_and_every_correction_has_one(moments: dict[str, list[Moment]]) -> None:
    payouts = {
        event_type: {moment.event["affiliate"]["payout_cents"] for moment in moments[event_type]}
        for event_type in ("affiliate_click", "affiliate_correction")
    }
    assert {None, 0} < payouts["affiliate_click"]
    assert 0 in payouts["affiliate_correction"]
    assert None not in payouts["affiliate_correction"]


def test_users_join_and_leave_segments_late_and_at_the_same_time(moments: dict[str, list[Moment]]) -> None:
    changes = defaultdict(list)
    for moment in moments["segment_change"]:
        event = moment.event
        changes[event["user"]["user_id_hash"], moment.at].append((event["segment"]["key"], event["segment"]["active"]))
    assert None not in {user for user, _ in changes}
    assert any(len({key for key, _ in at_once}) > 1 for at_once in changes.values())
    # Of one segment both at the same time: which is true the tables have to decide, always in the same way.
    assert any(len({key for key, _ in at_once}) < len(at_once) for at_once in changes.values())
    assert sum(moment.arrives - moment.at > HOUR for moment in moments["segment_change"]) > 5


def test_texts_are_empty_and_fields_null_as_clients_have_it(moments: dict[str, list[Moment]]) -> None:
    views = [moment.event for moment in moments["page_view"]]
    assert {view["ctx"]["referrer"] == "" for view in views} == {True, False}
    assert None in [view["session"]["utm"] for view in views]
    values = {moment.event["chart"]["control_value"] for moment in moments["chart_interaction"]}
    assert {type(value) for value in values} == {str, int, float, bool, type(None)}
    assert all("" in moment.event["chart"]["product_ids"] for moment in moments["chart_interaction"])
