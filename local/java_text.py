"""Numbers as Java's text of them, which AWS's engines write."""

from decimal import Decimal


def double_text(text: str) -> str:
    """A double as Java writes it, from its shortest decimal text: ``0.5``, ``1.0E10``, ``NaN``, ``-Infinity``."""
    named = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    if text in named:
        return named[text]
    value = Decimal(text)
    if value == 0 or Decimal("0.001") <= abs(value) < 10_000_000:
        plain = f"{value:f}"
        return plain if "." in plain else f"{plain}.0"
    sign, digits, exponent = value.normalize().as_tuple()
    assert isinstance(exponent, int)
    mantissa = "".join(map(str, digits))
    return f"{'-' * sign}{mantissa[0]}.{mantissa[1:] or '0'}E{len(mantissa) + exponent - 1}"
