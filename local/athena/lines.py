"""The lines of a text object, as Athena's text reader splits them.

A line ends at LF, CR or CR LF, or with the object; nothing behind the last line end is no line. A UTF-8 byte order
mark at the object's start is no part of the first line. An empty line is a row.

Source: io.trino.hive.formats.line.text.TextLineReader.
"""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def split_lines(content: bytes) -> list[bytes]:
    """The lines of an object's (decompressed) content."""
    content = content.removeprefix(BYTE_ORDER_MARK)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = content.split(b"\n")
    if lines[-1] == b"":
        del lines[-1]
    return lines
