"""Visits of a made-up web shop: sessions of events as its pages would send them.

Part of the sample's generator, which shares no code with the product.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from commands.moments import Event, Moment, stamp

_END = "end"
_STEPS: dict[str, dict[str, int]] = {
    "start": {"page_view": 70, "product_view": 20, "search": 10},
    "page_view": {"page_view": 24, "product_view": 34, "search": 14, "click": 16, _END: 12},
    "search": {"product_view": 62, "search": 14, "click": 14, _END: 10},
    "click": {"page_view": 40, "product_view": 44, _END: 16},
    "product_view": {"product_view": 34, "page_view": 20, "click": 16, "add_to_cart": 18, _END: 12},
    "add_to_cart": {"product_view": 42, "checkout_start": 34, "remove_from_cart": 12, "page_view": 6, _END: 6},
    "remove_from_cart": {"product_view": 70, _END: 30},
    "checkout_start": {"purchase": 66, "page_view": 16, _END: 18},
    "purchase": {"page_view": 30, _END: 70},
}
_NEXT = {step: (list(to), list(to.values())) for step, to in _STEPS.items()}

_PLACES = [
    ("US", "CA", "San Francisco", -8), ("US", "NY", "New York", -5), ("US", "TX", "Austin", -6),
    ("US", "WA", "Seattle", -8), ("US", "IL", "Chicago", -6), ("CA", "ON", "Toronto", -5),
    ("GB", "ENG", "London", 0), ("DE", "BE", "Berlin", 1), ("FR", "IDF", "Paris", 1), ("BR", "SP", "São Paulo", -3),
]  # fmt: skip
_DEVICES = [
    ("desktop", "Chrome", "Windows 10", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0 Safari/537.36"),
    ("desktop", "Firefox", "macOS 15", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Gecko/20100101 Firefox/133.0"),
    ("mobile", "Safari", "iOS 18", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1"),
    ("mobile", "Chrome", "Android 15", "Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/131.0 Mobile Safari/537.36"),
    ("tablet", "Safari", "iPadOS 18", "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) Version/18.1 Safari/604.1"),
]
_CATEGORIES = ["Electronics", "Home", "Garden", "Toys", "Books", "Sports", "Beauty", "Grocery"]
_QUERIES = ["laptop", "running shoes", "coffee grinder", "lego", "rain jacket", "usb-c cable", "crème", "tent 2p"]
_PAGES = ["/", "/deals", "/account", "/help/returns", "/stores", "/cart"]
_ELEMENTS = [("hero-banner", "banner"), ("menu-open", "button"), ("size-guide", "link"), ("newsletter", "form")]


def visit(rng: random.Random, start: datetime) -> Iterator[Moment]:
    """The events of one session, in their order.

    Args:
        rng: all chance comes from here.
        start: time of the first event, UTC.
    """
    country, state, city, offset = rng.choice(_PLACES)
    device, browser, system, agent = rng.choice(_DEVICES)
    # Most clients send UTC; some send their local time with its offset.
    zone = timezone(timedelta(hours=offset)) if rng.random() < 0.05 else None
    session = {
        "customer_id": f"CUST-{rng.randrange(10_000, 60_000)}" if rng.random() < 0.6 else None,
        "session_id": f"sess-{rng.getrandbits(64):016x}",
    }
    consent = rng.choices([{"consent": True}, {"consent": False}, {}], [87, 3, 10])[0]
    client = {
        "device_type": device,
        "browser": browser,
        "os": system,
        "ip_address": f"203.0.{rng.randrange(113, 120)}.{rng.randrange(1, 255)}",
        "user_agent": agent,
        "geo": {"country": country, "state": state, "city": city},
    }
    trolley: list[Event] = []
    product = _product(rng)
    referrer, at, step = "", start, "start"
    while True:
        step = rng.choices(*_NEXT[step])[0]
        if step == _END:
            return
        if step == "product_view":
            product = _product(rng)
        page, properties = _page(rng, step, product, trolley)
        event = {
            "event_id": new_id(rng),
            "event_type": step,
            **session,
            "timestamp": stamp(at, zone),
            **consent,
            "page_url": page,
            "referrer_url": referrer,
            **client,
            "properties": properties,
        }
        yield Moment(at, event)
        referrer = page
        at += timedelta(seconds=round(1 + rng.expovariate(1 / 25), 3))


def new_id(rng: random.Random) -> str:
    """An event id that nothing else has."""
    return f"evt-{rng.getrandbits(128):032x}"


def _product(rng: random.Random) -> Event:
    number = rng.randrange(400)
    return {
        "product_id": f"PROD-{5000 + number}",
        "category": _CATEGORIES[number % len(_CATEGORIES)],
        "price": round(4.99 + (number * 7919 % 60_000) / 100, 2),
    }


def _page(rng: random.Random, step: str, product: Event, trolley: list[Event]) -> tuple[str, Event]:
    """Where a step happens, and what it says of itself. Fills and empties the trolley."""
    product_page = f"/products/{product['category'].lower()}/{product['product_id'].lower()}"
    match step:
        case "page_view":
            return rng.choice(_PAGES), {"duration_seconds": rng.randrange(2, 180)}
        case "product_view":
            return product_page, {**product, "duration_seconds": rng.randrange(3, 240)}
        case "add_to_cart":
            line = {**product, "quantity": rng.choices([1, 2, 3], [80, 15, 5])[0]}
            trolley.append(line)
            return product_page, line
        case "remove_from_cart":
            line = trolley.pop()
            return "/cart", {"product_id": line["product_id"]}
        case "checkout_start":
            return "/checkout", {"cart_value": _value(trolley)}
        case "purchase":
            total = _value(trolley)
            trolley.clear()
            return "/checkout/done", {"order_id": f"ORD-{rng.randrange(10**8):08}", "total_amount": total}
        case "search":
            query = rng.choice(_QUERIES)
            return f"/search?q={query}", {"search_query": query, "result_count": rng.randrange(0, 240)}
        case _:
            element, kind = rng.choice(_ELEMENTS)
            return rng.choice(_PAGES), {"element_id": element, "element_type": kind}


def _value(trolley: list[Event]) -> float:
    return float(round(sum(line["price"] * line["quantity"] for line in trolley), 2))
