"""The sample of a source: a day of a made-up site by arrival hour, with faults planted in known numbers.

Deterministic from its seed, and independent of the product: `expected.json` beside the files says what a correct
product must find, from the generator's own books. An event has at most one further copy, so which copy wins does
not change how many are exact and how many conflict.
"""

from __future__ import annotations

import gzip
import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from commands.dialects import DIALECTS, NO_CONSENT, Dialect
from commands.moments import Event, Moment, stamp

HOUR = timedelta(hours=1)
BATCH = 500
"""Records that the producer puts at once: they arrive together and lie in one object."""

EXPECTED = "expected.json"


@dataclass
class _Line:
    """One raw record of an arrival hour."""

    second: float
    """Where in the hour it stands."""
    raw: bytes
    beside: _Line | None = None
    """The line that it must directly follow, in the same batch."""


@dataclass
class _Hour:
    """An arrival hour and what a correct product finds in it."""

    start: datetime
    lines: list[_Line] = field(default_factory=list)
    good: Counter[str] = field(default_factory=Counter)
    """By event date."""
    filtered: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    duplicate: Counter[str] = field(default_factory=Counter)
    planted: Counter[str] = field(default_factory=Counter)

    def add_good(self, second: float, event: Event, event_time: datetime) -> _Line:
        self.good[f"{event_time:%Y-%m-%d}"] += 1
        return self._add(second, orjson.dumps(event))

    def add_filtered(self, second: float, raw: bytes, reason: str) -> None:
        self.filtered[reason] += 1
        self._add(second, raw)

    def add_quarantined(self, second: float, raw: bytes, reason: str) -> None:
        self.quarantined[reason] += 1
        self._add(second, raw)

    def add_duplicate(self, second: float, raw: bytes, reason: str, beside: _Line | None = None) -> None:
        self.duplicate[reason] += 1
        self._add(second, raw, beside)

    def _add(self, second: float, raw: bytes, beside: _Line | None = None) -> _Line:
        line = _Line(second, raw, beside)
        self.lines.append(line)
        return line

    def ordered(self) -> list[bytes]:
        """The raw records in the order of their sending."""
        beside = [line for line in self.lines if line.beside]
        lines = sorted((line for line in self.lines if not line.beside), key=lambda line: line.second)
        for line in beside:
            assert line.beside
            place = lines.index(line.beside) + 1
            lines.insert(place, line)
        # Pushed apart by a batch's end, a pair moves up by one.
        for place in range(BATCH, len(lines), BATCH):
            if lines[place].beside:
                lines.insert(place, lines.pop(place - 2))
        return [line.raw for line in lines]

    def expected(self) -> dict[str, Any]:
        return {
            "raw": len(self.lines),
            "good": self.good.total(),
            "filtered": self.filtered,
            "quarantined": self.quarantined,
            "duplicate": self.duplicate,
            "good_by_event_date": self.good,
            "planted": self.planted,
        }


def write_sample(folder: Path, *, source: str, day: datetime, events: int, seed: int) -> None:
    """Write the sample's files: `<hour>.ndjson.gz` an arrival hour, and `expected.json`.

    :param folder: must exist.
    :param source: the source's name; its clients write in a dialect of their own.
    :param day: its start, UTC.
    :param events: of visitors on the day, beside what is planted; spread by day and night.
    :param seed: equal seeds give equal bytes.
    """
    sample = _Sample(day, seed, DIALECTS[source])
    hours = {}
    dates: Counter[str] = Counter()
    for start, target in _curve(day, events).items():
        hour = sample.fill(start, target)
        with gzip.GzipFile(folder / file_name(start), "wb", compresslevel=1, mtime=0) as file:
            file.write(b"".join(raw + b"\n" for raw in hour.ordered()))
        hours[start.strftime("%Y-%m-%dT%H:%M:%SZ")] = hour.expected()
        dates += hour.good
    document = {
        "source": source,
        "seed": seed,
        "events": events,
        "day": f"{day:%Y-%m-%d}",
        "hours": hours,
        "good_by_event_date": dates,
    }
    (folder / EXPECTED).write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


def file_name(hour: datetime) -> str:
    """The file of an arrival hour."""
    return f"{hour:%Y-%m-%dT%H}.ndjson.gz"


def _curve(day: datetime, events: int) -> dict[datetime, int]:
    """A day's traffic by hour: seven times as much in the evening of the Americas as in their night."""
    weights = [1 + 0.75 * math.cos((hour - 20) / 24 * 2 * math.pi) for hour in range(24)]
    return {day + hour * HOUR: math.ceil(events * weight / sum(weights)) for hour, weight in enumerate(weights)}


class _Sample:
    """Fills hour after hour; what an hour does to a later one is kept until that one's turn."""

    def __init__(self, day: datetime, seed: int, dialect: Dialect) -> None:
        self._rng = random.Random(seed)
        self._dialect = dialect
        self._day = day
        self._hours: dict[datetime, _Hour] = {}
        self._begun: dict[datetime, list[Moment]] = defaultdict(list)

    def fill(self, start: datetime, events: int) -> _Hour:
        """The next arrival hour, whole. Hours must be asked for in order."""
        hour = self._hour(start)
        self._hours.pop(start)
        moments = self._moments(start, events)
        counts = {kind: max(1, round(rate * events)) for kind, rate in self._dialect.planted.items()}
        curious = set(self._rng.sample(range(len(moments)), counts.get("unknown_field", 0)))
        good = []
        for number, moment in enumerate(moments):
            event, refused = moment.event, self._dialect.refused(moment.event)
            if number in curious:
                event |= self._dialect.unknown
                hour.planted["unknown_field"] += 1
            second = (moment.arrives - start).total_seconds()
            if refused:
                hour.add_filtered(second, orjson.dumps(event), NO_CONSENT)
            else:
                good.append((event, hour.add_good(second, event, moment.at)))
        copies = [k for k, count in counts.items() if k.startswith(("copy", "conflict")) for _ in range(count)]
        # At night a small sample may have fewer events than there are kinds of copies.
        copied = self._rng.sample(good, min(len(copies), len(good)))
        for kind, (event, line) in zip(copies, copied, strict=False):
            self._copy(kind, hour, event, line)
        for kind, count in counts.items():
            if kind not in copies and kind != "unknown_field":
                hour.planted[kind] += count
                for _ in range(count):
                    self._plant(kind, hour, moments)
        return hour

    def _hour(self, start: datetime) -> _Hour:
        return self._hours.setdefault(start, _Hour(start))

    def _moments(self, start: datetime, events: int) -> list[Moment]:
        """Events of visits that go on from the hours before, and of as many new ones as are wanted."""
        moments = self._begun.pop(start, [])
        while len(moments) < events:
            begun = start + timedelta(milliseconds=self._rng.randrange(3_600_000))
            for moment in self._dialect.visit(self._rng, begun):
                hour = moment.arrives.replace(minute=0, second=0, microsecond=0)
                if hour == start:
                    moments.append(moment)
                elif hour < self._day + 24 * HOUR:
                    self._begun[hour].append(moment)
        return moments

    def _copy(self, kind: str, hour: _Hour, event: Event, line: _Line) -> None:
        """Send an event a second time, as it was or changed."""
        what, when = kind.split("_", 1)
        if when == "later_hour":
            last = self._day + 23 * HOUR
            if hour.start == last:
                return
            target = self._hour(
                self._rng.choice([h * HOUR + hour.start for h in range(1, 7) if h * HOUR + hour.start <= last])
            )
        else:
            target = hour
        target.planted[kind] += 1
        if when == "same_object":
            target.add_duplicate(line.second, line.raw, "exact", beside=line)
            return
        second = self._rng.uniform(line.second if target is hour else 0, 3600)
        if what == "copy":
            target.add_duplicate(second, line.raw, "exact")
        else:
            reordered = self._rng.random() >= 0.5
            changed = dict(reversed(event.items())) if reordered else {**event, **self._dialect.conflict}
            reason = "exact" if reordered and self._dialect.converted else "conflict"
            target.add_duplicate(second, orjson.dumps(changed), reason)

    def _plant(self, kind: str, hour: _Hour, moments: list[Moment]) -> None:
        """Add one record of a kind to an hour."""
        rng = self._rng
        second = rng.uniform(0, 3600)
        at = hour.start + timedelta(seconds=second)

        def fresh(timestamp: datetime = at, **changes: Any) -> Event:
            like = rng.choice(moments).event
            return {**like, **self._dialect.fresh(rng), self._dialect.time: stamp(timestamp), **changes}

        def quarantine(event: Event, reason: str) -> None:
            hour.add_quarantined(second, orjson.dumps(event), reason)

        match kind:
            case "late_1_day" | "late_3_days" | "skewed_within_limit":
                shift = {
                    "late_1_day": timedelta(days=-1),
                    "late_3_days": timedelta(days=-3),
                    "skewed_within_limit": timedelta(minutes=rng.randrange(10, 50)),
                }[kind]
                hour.add_good(second, fresh(at + shift), at + shift)
            case "skewed_beyond_limit":
                ahead = rng.choice([timedelta(hours=rng.randrange(3, 300)), datetime(2099, 1, 1, tzinfo=UTC) - at])
                quarantine(fresh(at + ahead), "timestamp_out_of_range")
            case "too_old":
                behind = rng.choice([timedelta(days=rng.randrange(9, 400)), at - datetime(1970, 1, 1, tzinfo=UTC)])
                quarantine(fresh(at - behind), "timestamp_out_of_range")
            case "unknown_event_type":
                quarantine(fresh(event_type=rng.choice(["page_veiw", "wishlist_add", ""])), "enum:event_type")
            case "wrong_typed_consent":
                quarantine(fresh(consent=rng.choice(["true", "no", 1, None])), "type:consent")
            case "sent_again_with_right_consent":
                event = fresh()
                quarantine({**event, "consent": "yes"}, "type:consent")
                hour.add_good(rng.uniform(second, 3600), event, at)
            case "wrong_typed_price":
                quarantine(fresh(properties={"product_id": "PROD-5001", "price": "999.99"}), "type:properties.price")
            case "no_event_id" | "no_timestamp" | "no_user_id" | "no_event_timestamp" | "no_ts":
                event = fresh()
                name = kind.removeprefix("no_")
                del event[name]
                quarantine(event, f"required:{name}")
            case "repeated_event_id":
                raw = orjson.dumps(fresh())
                hour.add_quarantined(second, b'{"event_id":"evt-twice",' + raw[1:], "duplicate_key")
            case "malformed":
                raw = orjson.dumps(fresh())
                broken = [raw[: len(raw) // 2], raw.replace(b'":"', b'":"\xff'), b"undefined", b"{'event_id': 1}"]
                hour.add_quarantined(second, rng.choice(broken), "bad_json")
            case "two_on_a_line":
                hour.add_quarantined(second, orjson.dumps(fresh()) + orjson.dumps(fresh()), "bad_json")
            case "canary":
                record = {"canary": {"kind": "heartbeat", "id": f"sample-{rng.getrandbits(64):016x}"}}
                hour.add_filtered(second, orjson.dumps(record), "canary")
            case _:
                change, reason = self._dialect.broken[kind]
                if reason == NO_CONSENT:
                    hour.add_filtered(second, orjson.dumps(change(fresh())), reason)
                else:
                    quarantine(change(fresh()), reason)
