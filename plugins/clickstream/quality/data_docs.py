"""A page of the Data Docs that can be read anywhere: offline, from a mail, in ten years.

Great Expectations' own pages load their style and scripts from other people's servers. Here these are taken out and a
small stylesheet is put in; before what Great Expectations tells comes a summary: what failed, why it is expected, and
in which rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

STYLE = Path(__file__).with_suffix(".css")

_LOADED = re.compile(r"<script\b.*?</script>|<link\b[^>]*>|<img\b[^>]*>|<footer\b.*?</footer>", re.DOTALL)
_ELSEWHERE = re.compile(r'<a href="(?!#)[^"]*"\s*>(.*?)</a>', re.DOTALL)
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
_OUTCOMES = ("failed", "unjudged", "passed")


def self_contained(page: str, title: str, lines: Sequence[str], results: Iterable[Mapping[str, Any]]) -> str:
    """A page as Great Expectations renders it, with nothing to load, and with a summary.

    Args:
        page: HTML.
        title: what it is about.
        lines: what else there is to know of it.
        results: of the expectations, as in the validation result.
    """
    head, _, rest = page.partition("<body>")
    head = _TITLE.sub("", _LOADED.sub("", re.sub(r"<style\b.*?</style>", "", head, flags=re.DOTALL)))
    head = head.replace("</head>", f"<title>{escape(title)}</title>\n<style>{STYLE.read_text()}</style>\n</head>")
    rest = _ELSEWHERE.sub(r"\1", _LOADED.sub("", rest))
    return f"{head}<body>\n{_summary(title, lines, results)}\n{rest}"


def _summary(title: str, lines: Sequence[str], results: Iterable[Mapping[str, Any]]) -> str:
    told = sorted(((outcome(result), result) for result in results), key=lambda each: _OUTCOMES.index(each[0]))
    return "\n".join(
        (
            f"<h1>{escape(title)}</h1>",
            f"<p>{'<br>'.join(map(escape, lines))}</p>",
            "<table>",
            "<tr><th>Outcome</th><th>Expectation</th><th>Why, and where it fails</th></tr>",
            *(_line(state, result) for state, result in told),
            "</table>",
        )
    )


def outcome(result: Mapping[str, Any]) -> str:
    """What became of an expectation: failed, passed, or unjudged when no row was about it."""
    found = result["result"]
    if not result["success"]:
        return "failed"
    return "passed" if found["element_count"] > found.get("missing_count", 0) else "unjudged"


def _line(state: str, result: Mapping[str, Any]) -> str:
    config = result["expectation_config"]
    rows = result["result"].get("partial_unexpected_index_list") or ()
    shown = "".join(f"<br>{escape(_row(row))}" for row in rows)
    more = f"<div class='rows'>{result['result']['unexpected_count']} rows{shown}</div>" if rows else ""
    return (
        f"<tr><td class='outcome {state}'>{state}</td>"
        f"<td>{escape(config['meta']['name'])}<br><span class='rows'>{escape(config['severity'])}</span></td>"
        f"<td>{escape(config['notes'])}{more}</td></tr>"
    )


def _row(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in row.items() if value is not None)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
