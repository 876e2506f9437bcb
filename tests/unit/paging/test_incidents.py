"""Incidents over S3 and SNS in memory: how often people are told, whoever reports, whatever fails meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clickstream.paging.incident import CLAIM, Incident
from clickstream.paging.incidents import Incidents, Reported
from clickstream.paging.page import Page
from tests.unit.lake.memory_s3 import MemoryS3, refused
from tests.unit.paging.memory_sns import MemorySns
from tests.unit.paging.test_page import PAGE

NOW = datetime(2026, 11, 18, 14, 7, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MISSING, CHANGED = "object_missing", "object_changed"


class Desk:
    """The incidents of one source, with the services that they are kept in and sent by."""

    def __init__(self) -> None:
        self.s3, self.sns = MemoryS3(), MemorySns()
        self.incidents = self.by()

    def by(self, s3: Any = None, sns: Any = None, source: str = "retail_web") -> Incidents:
        """A reporter, perhaps with services of its own."""
        return Incidents(s3 or self.s3, "lake", source, sns or self.sns, "arn:topic")

    def see(self, *causes: str, after: timedelta = timedelta(0), check: str = "verdict", **how: Any) -> Reported:
        """A check reports these causes."""
        return self.incidents.report(check, {cause: page(cause) for cause in causes}, NOW + after, **how)

    def read(self, name: str = MISSING) -> Incident:
        """An incident of retail_web as it is kept."""
        return Incident.model_validate_json(self.s3.objects["lake", f"incidents/retail_web/{name}.json"])


def page(cause: str = MISSING, **changes: Any) -> Page:
    return replace(PAGE, cause=cause, **changes)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_one_page_when_it_opens_none_while_it_stays_one_when_it_is_gone(desk: Desk) -> None:
    assert desk.see(MISSING) == Reported({MISSING: "opened"}, ())
    for minutes in range(5, 60, 5):
        assert desk.see(MISSING, after=minutes * MINUTE) == Reported({}, ())
    assert desk.see(after=HOUR) == Reported({MISSING: "resolved"}, ())
    assert desk.see(after=2 * HOUR) == Reported({}, ())
    assert desk.sns.kinds == [(MISSING, "opened"), (MISSING, "resolved")]
    assert desk.sns.headlines == [PAGE.headline, f"resolved: {PAGE.headline}"]


def test_each_cause_is_an_incident_of_its_own(desk: Desk) -> None:
    desk.see(MISSING)
    desk.see(MISSING, CHANGED, after=HOUR)
    desk.see(CHANGED, after=2 * HOUR)
    assert desk.sns.kinds == [(MISSING, "opened"), (CHANGED, "opened"), (MISSING, "resolved")]


def test_sources_have_nothing_to_do_with_each_other(desk: Desk) -> None:
    desk.see(MISSING)
    other = desk.by(source="retail")
    assert other.report("verdict", {MISSING: page(source="retail")}, NOW).told == {MISSING: "opened"}
    assert other.report("verdict", {}, NOW).told == {MISSING: "resolved"}
    assert desk.read().state == "open"


def test_a_name_can_tell_several_of_one_cause_apart(desk: Desk) -> None:
    names = [f"task_failed.retail_web__{purpose}" for purpose in ("daily", "health")]
    for name in names:
        desk.incidents.report(name, {name: page("task_failed")}, NOW)
    assert desk.sns.kinds == [("task_failed", "opened")] * 2
    assert desk.incidents.report(names[0], {}, NOW).told == {names[0]: "resolved"}


def test_the_check_that_opened_it_resolves_it_and_no_other(desk: Desk) -> None:
    desk.see(MISSING)
    assert desk.see(check="health") == Reported({}, ())
    desk.see(MISSING, check="health")
    assert desk.see(check="health") == Reported({}, ())
    assert desk.read().state == "open"
    assert desk.see().told == {MISSING: "resolved"}


def test_a_report_of_a_part_resolves_nothing(desk: Desk) -> None:
    desk.see(MISSING)
    assert desk.see(CHANGED, whole=False).told == {CHANGED: "opened"}
    assert desk.read().state == "open"


def test_it_opens_again_as_a_new_one(desk: Desk) -> None:
    desk.see(MISSING)
    desk.see(after=HOUR)
    desk.see(MISSING, after=30 * HOUR, check="health")
    assert desk.sns.kinds == [(MISSING, "opened"), (MISSING, "resolved"), (MISSING, "opened")]
    again = desk.read()
    assert (again.state, again.check, again.opened_at) == ("open", "health", NOW + 30 * HOUR)
    assert (again.reminders, again.resolved_at) == (0, None)


def test_newer_evidence_is_kept_and_since_when_stays(desk: Desk) -> None:
    desk.see(MISSING)
    newer = page(where="3 hours", since="later", evidence=["two objects are gone"])
    desk.incidents.report("verdict", {MISSING: newer}, NOW + HOUR)
    kept = desk.read()
    assert kept.page == replace(newer, since=PAGE.since)
    assert (kept.opened_at, kept.seen_at) == (NOW, NOW + HOUR)


def test_reminders_come_further_and_further_apart(desk: Desk) -> None:
    desk.see(MISSING)
    reminded = [hour for hour in range(1, 24 * 6) if desk.see(MISSING, after=hour * HOUR).told]
    assert reminded == [4, 12, 36, 60, 84, 108, 132]
    assert {kind for _, kind in desk.sns.kinds[1:]} == {"reminder"}
    lines = desk.sns.published[2]["Message"].splitlines()
    assert lines[0] == f"still open: {PAGE.headline}"
    assert "Open since: 2026-11-18T14:07Z, for 12 h 0 min; last seen 2026-11-19T02:07Z by verdict" in lines
    assert lines[-3:] == PAGE.text().splitlines()[-3:]


def test_any_check_reminds_of_what_is_open(desk: Desk) -> None:
    """A daily check alone would remind of nothing before the next day."""
    desk.see(MISSING)
    assert desk.see(check="health", after=4 * HOUR).told == {MISSING: "reminder"}


def test_the_last_page_says_how_long_it_was(desk: Desk) -> None:
    desk.see(MISSING)
    desk.see(after=26 * HOUR + 3 * MINUTE)
    assert desk.sns.published[-1]["Message"].splitlines() == [
        f"resolved: {PAGE.headline}",
        "Impact: over; verdict does not find it any more",
        f"Since: {PAGE.since}, paged 2026-11-18T14:07Z, resolved 2026-11-19T16:10Z after 26 h 3 min",
        "Runbook: docs/runbooks/object_missing.md",
        "Next: nothing",
        f"Airflow: {PAGE.link}",
    ]


def test_a_cause_without_a_runbook_is_refused_before_anything_is_written(desk: Desk) -> None:
    with pytest.raises(ValueError, match="earthquake: not declared"):
        desk.see(MISSING, "earthquake")
    assert desk.s3.puts == []


class TestWithoutSns:
    """What SNS does not take is kept."""

    def test_it_is_sent_by_the_next_report_of_any_check(self, desk: Desk) -> None:
        desk.sns.is_down = True
        assert desk.see(MISSING) == Reported({MISSING: "opened"}, (MISSING,))
        assert desk.see(check="health") == Reported({}, (MISSING,))
        desk.sns.is_down = False
        assert desk.see(check="health", after=CLAIM / 4) == Reported({}, ())
        assert desk.sns.kinds == [(MISSING, "opened")]
        assert desk.see(MISSING, after=3 * MINUTE) == Reported({}, ())

    def test_all_that_happened_meanwhile_is_told_in_order(self, desk: Desk) -> None:
        desk.sns.is_down = True
        desk.see(MISSING)
        desk.see(after=HOUR)
        desk.see(MISSING, after=2 * HOUR)
        assert desk.see(after=3 * HOUR).unsent == (MISSING,)
        desk.sns.is_down = False
        desk.see(after=4 * HOUR)
        assert [kind for _, kind in desk.sns.kinds] == ["opened", "resolved"] * 2

    def test_nobody_is_reminded_of_what_nobody_was_told(self, desk: Desk) -> None:
        desk.sns.is_down = True
        for hour in range(48):
            desk.see(MISSING, after=hour * HOUR)
        desk.sns.is_down = False
        assert desk.see(MISSING, after=48 * HOUR).told == {}
        assert desk.sns.kinds == [(MISSING, "opened")]
        assert desk.see(MISSING, after=51 * HOUR).told == {}
        assert desk.see(MISSING, after=52 * HOUR).told == {MISSING: "reminder"}

    def test_one_refused_page_holds_up_no_other(self, desk: Desk) -> None:
        class Picky(MemorySns):
            def publish(self, **request: Any) -> dict[str, str]:
                if CHANGED in request["Subject"]:
                    raise refused("Publish", "InvalidParameter", 400)
                return super().publish(**request)

        picky = Picky()
        reported = desk.by(sns=picky).report("verdict", {c: page(c) for c in (CHANGED, MISSING)}, NOW)
        assert reported.unsent == (CHANGED,)
        assert picky.kinds == [(MISSING, "opened")]


class TestAtTheSameTime:
    """Two reporters; the second comes between the first one's reading and writing."""

    @pytest.mark.parametrize("check", ["verdict", "health"])
    def test_one_opens_it_and_one_page_is_sent(self, desk: Desk, check: str) -> None:
        desk.s3.before_put = lambda: [desk.see(MISSING, check=check)]  # type: ignore[assignment]
        assert desk.see(MISSING) == Reported({}, ())
        assert desk.sns.kinds == [(MISSING, "opened")]
        assert desk.read().check == check

    def test_one_resolves_it_and_one_page_is_sent(self, desk: Desk) -> None:
        desk.see(MISSING)
        desk.s3.before_put = lambda: [desk.see()]  # type: ignore[assignment]
        assert desk.see() == Reported({}, ())
        assert desk.sns.kinds == [(MISSING, "opened"), (MISSING, "resolved")]

    def test_one_reminds(self, desk: Desk) -> None:
        desk.see(MISSING)
        desk.s3.before_put = lambda: [desk.see(MISSING, after=4 * HOUR)]  # type: ignore[assignment]
        assert desk.see(MISSING, after=4 * HOUR) == Reported({}, ())
        assert desk.sns.kinds == [(MISSING, "opened"), (MISSING, "reminder")]

    def test_what_another_is_sending_is_left_to_it(self, desk: Desk) -> None:
        others: list[Reported] = []

        class Slow(MemorySns):
            def publish(self, **request: Any) -> dict[str, str]:
                if not others:
                    others.append(desk.see(MISSING, after=MINUTE))
                return super().publish(**request)

        slow = Slow()
        assert desk.by(sns=slow).report("verdict", {MISSING: page()}, NOW).unsent == ()
        assert others == [Reported({}, (MISSING,))]
        assert (slow.kinds, desk.sns.kinds) == ([(MISSING, "opened")], [])

    def test_what_is_written_while_another_sends_is_sent_by_it(self, desk: Desk) -> None:
        class Slow(MemorySns):
            def publish(self, **request: Any) -> dict[str, str]:
                answer = super().publish(**request)
                if len(self.published) == 1:
                    desk.see(after=MINUTE)
                return answer

        slow = Slow()
        desk.by(sns=slow).report("verdict", {MISSING: page()}, NOW)
        assert slow.kinds == [(MISSING, "opened"), (MISSING, "resolved")]
        assert (desk.sns.published, desk.read().unsent) == ([], ())


def test_a_write_that_s3_did_and_then_refused_its_repetition_counts(desk: Desk) -> None:
    """The first answer was lost, and boto3 asked again by itself."""

    class Forgetful(MemoryS3):
        def put_object(self, **request: Any) -> Any:
            answer = super().put_object(**request)
            if len(self.puts) == 1:
                raise refused("PutObject", "PreconditionFailed", 412)
            return answer

    desk.by(Forgetful()).report("verdict", {MISSING: page()}, NOW)
    assert desk.sns.kinds == [(MISSING, "opened")]


class Killed(BaseException):
    """The process ended here."""


class Mortal:
    """A service under which the caller dies, just before or just after the service did what was asked."""

    def __init__(self, service: Any, calls: list[str], last: int, after: bool) -> None:
        self._service, self._calls, self._last, self._after = service, calls, last, after

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(*args: Any, **request: Any) -> Any:
            self._calls.append(operation)
            if len(self._calls) == self._last and not self._after:
                raise Killed
            try:
                return getattr(self._service, operation)(*args, **request)
            finally:
                if len(self._calls) == self._last:
                    raise Killed

        return call


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_anywhere_and_called_again_it_ends_the_same(after: bool) -> None:
    """One incident opens, one stays, one is resolved; each call in turn is the last one of the first attempt."""
    found = {cause: page(cause) for cause in (MISSING, CHANGED)}
    for last in itertools.count(1):
        desk, calls = Desk(), list[str]()
        desk.see(CHANGED, "tables_changed", after=-HOUR)
        dying = desk.by(Mortal(desk.s3, calls, last, after), Mortal(desk.sns, calls, last, after))
        try:
            dying.report("verdict", found, NOW)
        except Killed:
            assert desk.incidents.report("verdict", found, NOW + CLAIM).unsent == ()
        else:
            break
        told = desk.sns.kinds[2:]
        assert set(told) == {(MISSING, "opened"), ("tables_changed", "resolved")}
        # At least once: twice when it died between SNS's answer and the write that says so.
        effected = calls if after else calls[:-1]
        assert len(told) == 2 + ("publish" in effected[-2:])
        kept = map(desk.read, (MISSING, CHANGED, "tables_changed"))
        assert [(each.state, each.unsent, each.claim) for each in kept] == [
            ("open", (), None),
            ("open", (), None),
            ("resolved", (), None),
        ]
    assert last > 12
