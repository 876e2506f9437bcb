"""The Hive statements that sqlglot leaves unparsed, read from their tokens."""

from dataclasses import dataclass
from typing import NoReturn, TypeVar

from sqlglot.dialects.hive import Hive
from sqlglot.tokens import Token, TokenType

from local.athena.dialect import tokenize
from local.athena.errors import malformed
from local.athena.partitions import Spec

TableName = tuple[str | None, str]
"""Database, when it is named, and table."""


@dataclass(frozen=True)
class AddPartitions:
    """ALTER TABLE … ADD PARTITION."""

    table: TableName
    partitions: list[tuple[Spec, str | None]]
    if_not_exists: bool


@dataclass(frozen=True)
class DropPartitions:
    """ALTER TABLE … DROP PARTITION."""

    table: TableName
    partitions: list[Spec]
    if_exists: bool


@dataclass(frozen=True)
class RepairTable:
    """MSCK REPAIR TABLE."""

    table: TableName


@dataclass(frozen=True)
class ShowPartitions:
    """SHOW PARTITIONS."""

    table: TableName


@dataclass(frozen=True)
class ShowTables:
    """SHOW TABLES."""

    database: str | None
    pattern: str | None


@dataclass(frozen=True)
class ShowDatabases:
    """SHOW DATABASES."""

    pattern: str | None


@dataclass(frozen=True)
class DescribeTable:
    """DESCRIBE."""

    table: TableName


Command = AddPartitions | DropPartitions | RepairTable | ShowPartitions | ShowTables | ShowDatabases | DescribeTable
AnyCommand = TypeVar("AnyCommand", bound=Command)


def read_command(sql: str) -> Command | None:
    """The command that the text is; None when it is none of these.

    :raises AwsError: InvalidRequestException: it begins like one and goes on in another way.
    """
    first, _, rest = sql.partition(" ") if " " in sql else (sql, "", "")
    words = _Words(rest, len(first) + 1)
    match first.upper():
        case "ALTER" if words.take("TABLE"):
            return _alter(words)
        case "MSCK":
            words.require("REPAIR")
            words.require("TABLE")
            return words.last(RepairTable(words.table()))
        case "SHOW" if words.take("PARTITIONS"):
            return words.last(ShowPartitions(words.table()))
        case "SHOW" if words.take("TABLES"):
            database = words.name() if words.take("IN") or words.take("FROM") else None
            return words.last(ShowTables(database, words.pattern()))
        case "SHOW" if words.take("DATABASES") or words.take("SCHEMAS"):
            return words.last(ShowDatabases(words.pattern()))
        case "DESCRIBE" | "DESC":
            return words.last(DescribeTable(words.table()))
    return None


def _alter(words: "_Words") -> Command | None:
    table = words.table()
    if words.take("ADD"):
        if_not_exists = words.take("IF", "NOT", "EXISTS")
        added = []
        while words.take("PARTITION"):
            spec = words.spec()
            added.append((spec, words.text() if words.take("LOCATION") else None))
        return words.last(AddPartitions(table, added, if_not_exists)) if added else None
    if words.take("DROP"):
        if_exists = words.take("IF", "EXISTS")
        dropped: list[Spec] = []
        while words.take("PARTITION") or (dropped and words.take(",", "PARTITION")):
            dropped.append(words.spec())
        return words.last(DropPartitions(table, dropped, if_exists)) if dropped else None
    return None


class _Words:
    """The tokens of a statement behind its first word, taken one after the other."""

    def __init__(self, sql: str, offset: int) -> None:
        self._tokens = tokenize(sql, Hive())
        self._offset = offset
        self._at = 0

    def take(self, *words: str) -> bool:
        """Go past these words, when they are next."""
        following = [token.text.upper() for token in self._tokens[self._at : self._at + len(words)]]
        if following != list(words):
            return False
        self._at += len(words)
        return True

    def require(self, word: str) -> None:
        if not self.take(word):
            self._mismatch()

    def table(self) -> TableName:
        first = self.name()
        return (first, self.name()) if self.take(".") else (None, first)

    def name(self) -> str:
        token = self._next()
        text: str = token.text.lower()
        if token.token_type in (TokenType.STRING, TokenType.NUMBER) or not text.isidentifier():
            self._mismatch(token)
        return text

    def text(self) -> str:
        token = self._next()
        text: str = token.text
        if token.token_type != TokenType.STRING:
            self._mismatch(token)
        return text

    def pattern(self) -> str | None:
        """The optional pattern of SHOW: names joined by ``|``, each with ``*`` for any characters."""
        self.take("LIKE")
        return self.text() if self._at < len(self._tokens) else None

    def spec(self) -> Spec:
        self.require("(")
        spec: Spec = {}
        while True:
            key = self.name()
            self.require("=")
            value = self._next()
            if value.token_type not in (TokenType.STRING, TokenType.NUMBER):
                self._mismatch(value)
            spec[key] = value.text
            if self.take(")"):
                return spec
            self.require(",")

    def last(self, command: AnyCommand) -> AnyCommand:
        """The command, when nothing follows it."""
        if self._at < len(self._tokens):
            self._mismatch()
        return command

    def _next(self) -> Token:
        if self._at == len(self._tokens):
            self._mismatch()
        self._at += 1
        return self._tokens[self._at - 1]

    def _mismatch(self, token: Token | None = None) -> NoReturn:
        if token is None and self._at < len(self._tokens):
            token = self._tokens[self._at]
        where = (
            f"line {token.line}:{token.col - len(token.text) + 1 + self._offset * (token.line == 1)}"
            if token
            else "line 1:1"
        )
        raise malformed(f"{where}: mismatched input '{token.text if token else '<EOF>'}'")
