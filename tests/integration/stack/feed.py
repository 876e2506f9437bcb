"""Three small days of the web shop, in which copies of events meet across hours and days; and one late object.

Deterministic. Its books say which records are good and in which arrival hour an event comes first, so that the
product's Silver can be compared with something that the product did not make.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from clickstream.lake.windows import HOUR, hour_text
from commands.moments import Event, stamp
from commands.shop_visits import new_id, visit

DAYS = 3
HOURS_OF_A_DAY = 4
EVENTS_OF_AN_HOUR = 300
COPIES = 4
"""Of each kind, from each hour."""


@dataclass
class Feed:
    """What is sent, hour by hour, and what is true of it.

    Attributes:
        start: midnight of the first day.
        hours: raw records by arrival hour, in the order of their sending.
        late: what arrives in the first hour, after all three days were proven: copies of events that came first in
            later hours of all three days, and a few new events.
        first_hours: of each good event, the arrival hour of its first copy, without the late object; with it, the
            first hour for each event in `late`.
    """

    start: datetime
    hours: dict[datetime, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    late: list[bytes] = field(default_factory=list)
    first_hours: dict[str, str] = field(default_factory=dict)

    @property
    def late_ids(self) -> set[str]:
        return {orjson.loads(record)["event_id"] for record in self.late}

    def add(self, hour: datetime, event: Event) -> None:
        """One good copy of an event."""
        self.hours[hour].append(orjson.dumps(event))
        identity = event["event_id"]
        self.first_hours[identity] = min(self.first_hours.get(identity, hour_text(hour)), hour_text(hour))


def make_feed(start: datetime) -> Feed:
    """The feed of three days from a midnight on."""
    rng = random.Random(20261118)
    feed = Feed(start)
    hours = [start + timedelta(days=day) + hour * HOUR for day in range(DAYS) for hour in range(HOURS_OF_A_DAY)]
    for number, hour in enumerate(hours):
        events = list(_events(rng, hour))
        for event in events:
            if event.get("consent") is False:
                feed.hours[hour].append(orjson.dumps(event))
            else:
                feed.add(hour, event)
        good = [event for event in events if event.get("consent") is not False]
        for event in rng.sample(good, COPIES):
            feed.add(hour, event)
        for event in rng.sample(good, COPIES):
            feed.add(rng.choice(hours[number:]), event)
        for event in rng.sample(good, COPIES):
            feed.add(rng.choice(hours[number:]), event | {"page_url": "/changed"})
        for event in rng.sample(good, COPIES):
            at = hour - timedelta(days=rng.choice([1, 3]), minutes=rng.randrange(600))
            feed.add(hour, event | {"event_id": new_id(rng), "timestamp": stamp(at)})
        feed.hours[hour] += _not_good(rng, good)
    _surprise(rng, feed, hours)
    for records in feed.hours.values():
        rng.shuffle(records)
    return feed


def _events(rng: random.Random, hour: datetime) -> Iterator[Event]:
    """Events of an hour, of many visits."""
    sent = 0
    while sent < EVENTS_OF_AN_HOUR:
        for moment in visit(rng, hour + timedelta(seconds=rng.randrange(3000))):
            yield moment.event
            sent += 1


def _not_good(rng: random.Random, good: list[Event]) -> Iterable[bytes]:
    whole = orjson.dumps(rng.choice(good))
    yield whole[: len(whole) // 2]
    yield b"no json"
    yield orjson.dumps(rng.choice(good) | {"event_id": new_id(rng), "event_type": "page_veiw"})
    yield orjson.dumps(rng.choice(good) | {"event_id": new_id(rng), "timestamp": "2099-01-01T00:00:00Z"})
    yield orjson.dumps({"canary": {"kind": "heartbeat", "id": new_id(rng)}})


def _surprise(rng: random.Random, feed: Feed, hours: list[datetime]) -> None:
    """Events of the first hour that came first in a later one, and the late object that comes before them all."""
    in_first_hour = stamp(hours[0] + timedelta(minutes=10))
    template: Event = orjson.loads(feed.hours[hours[0]][0])

    def event() -> Event:
        return {**template, "event_id": new_id(rng), "timestamp": in_first_hour, "consent": True}

    for first, second in ((5, 10), (3, 4), (9, None), (2, 11), (1, 1)):
        for number in range(6):
            copy = event()
            feed.add(hours[first], copy)
            if second:
                feed.add(hours[second], copy | ({"page_url": "/changed"} if number % 2 else {}))
            feed.late.append(orjson.dumps(copy | ({"page_url": "/late"} if number % 3 else {})))
    feed.late += [orjson.dumps(event()) for _ in range(6)]
