"""What Trino refuses and DuckDB would convert without a word: comparing values of different kinds.

``event_date = '2026-11-18'`` fails on Athena. Only what the types of columns and literals tell is checked: the
result of a function has no known type here.
"""

from sqlglot import exp

from local.athena.errors import QueryError

_FAMILIES: dict[exp.DType, str] = {
    **dict.fromkeys(exp.DataType.TEXT_TYPES, "varchar"),
    **dict.fromkeys(exp.DataType.NUMERIC_TYPES, "number"),
    **dict.fromkeys((exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ), "time"),
    **dict.fromkeys((exp.DType.BINARY, exp.DType.VARBINARY), "varbinary"),
    exp.DType.BOOLEAN: "boolean",
    exp.DType.ARRAY: "array",
    exp.DType.MAP: "map",
    exp.DType.STRUCT: "row",
    exp.DType.JSON: "json",
}


def check_types(query: exp.Expr) -> None:
    """Refuse comparisons across kinds of types, the joining of text with anything else, and results of two kinds.

    :param query: qualified, with its types annotated.
    :raises QueryError: TYPE_MISMATCH with the place.
    """
    for node in query.walk():
        if isinstance(node, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)):
            _require_one_kind(node, [node.left, node.right], f"Cannot apply operator: {{}} {_sign(node)} {{}}")
        elif isinstance(node, exp.Between):
            parts = [node.this, node.args["low"], node.args["high"]]
            _require_one_kind(node, parts, "Cannot check if {} is BETWEEN {}")
        elif isinstance(node, exp.In):
            _require_one_kind(node, [node.this, *node.expressions], "IN value and list items differ in type: {}, {}")
        elif isinstance(node, (exp.DPipe, exp.Concat)):
            parts = node.expressions if isinstance(node, exp.Concat) else [node.left, node.right]
            _require_one_kind(node, parts, "Cannot concatenate {} and {}")
            if any(_family(part) in ("number", "time", "boolean") for part in parts):
                raise QueryError(
                    "TYPE_MISMATCH", f"Unexpected parameters ({_type(parts[0])}) for function concat", node
                )
        elif isinstance(node, (exp.Case, exp.If, exp.Coalesce)):
            _require_one_kind(node, _results(node), "All results must be of the same type: {}, {}")
        elif isinstance(node, exp.SetOperation):
            for left, right in zip(node.left.selects, node.right.selects, strict=False):
                _require_one_kind(node, [left, right], "a column has incompatible types in the set operation: {}, {}")


def _results(node: exp.Case | exp.If | exp.Coalesce) -> list[exp.Expr]:
    if isinstance(node, exp.Coalesce):
        return [node.this, *node.expressions]
    branches = (
        [branch.args["true"] for branch in node.args["ifs"]] if isinstance(node, exp.Case) else [node.args["true"]]
    )
    default = node.args.get("default") or node.args.get("false")
    return [*branches, default] if default else branches


def _require_one_kind(node: exp.Expr, parts: list[exp.Expr], message: str) -> None:
    first = next((part for part in parts if _family(part)), None)
    for part in parts:
        if first is not None and _family(part) not in (None, _family(first)):
            raise QueryError("TYPE_MISMATCH", message.format(_type(first), _type(part)), node)


def _family(part: exp.Expr) -> str | None:
    return _FAMILIES.get(part.type.this) if part.type else None


def _type(part: exp.Expr) -> str:
    return part.type.sql("trino").lower() if part.type else "unknown"


def _sign(node: exp.Expr) -> str:
    signs = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
    return signs.get(type(node), "IS DISTINCT FROM")
