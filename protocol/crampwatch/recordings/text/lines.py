"""Reading the lines of a text file in pieces of bounded size, whatever its encoding and line ends."""

from collections.abc import Iterator
from pathlib import Path

from crampwatch.protocol.errors import RecordingError

__all__ = ["COMMENT_MARKS", "data_lines", "encoding_of", "is_text", "raw_lines"]

COMMENT_MARKS = ("#", "%", "//")
"""A line that starts with one of these is a comment."""
# Never in text; 0x1a is how DOS programs ended a file.
_CONTROL_CHARACTERS = bytes(set(range(32)) - set(b"\t\n\r\f\x1a")) + b"\x7f"
_BLOCK_CHARACTERS = 4 << 20
"""Read at once: a second's work, some tens of MB as Python strings."""
_LONGEST_LINE = 65_536
"""Hundreds of columns fit; a file without line ends must not be read into memory as one line."""
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def encoding_of(head: bytes) -> str:
    """Return the encoding by the byte order mark if there is one; else UTF-8 if the head is valid, or Latin-1."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    try:
        # A character may be cut at the end of the head.
        head[: len(head) - 4 if len(head) > 4 else None].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def is_text(head: bytes) -> bool:
    """Return whether a file begins like text: without control characters other than line ends and tabs."""
    encoding = encoding_of(head)
    plain = head.decode(encoding, "replace").encode("utf-8", "replace") if encoding == "utf-16" else head
    return plain.translate(None, delete=_CONTROL_CHARACTERS) == plain


def raw_lines(path: Path, encoding: str) -> Iterator[list[str]]:
    """Yield all lines without their line ends, some megabytes at a time.

    Raises:
        RecordingError: A line is longer than any row of numbers could be.
    """
    with path.open(encoding=encoding, errors="replace") as file:
        rest = ""
        while text := file.read(_BLOCK_CHARACTERS):
            *lines, rest = (rest + text).split("\n")
            if len(rest) > _LONGEST_LINE:
                raise RecordingError(
                    f"{path} has a line of more than {_LONGEST_LINE} characters; expected one row of numbers per line.",
                    advice="Check that it is a table with one sample per line.",
                )
            yield lines
        if rest:
            yield [rest]


def data_lines(path: Path, encoding: str, skip: int) -> Iterator[list[str]]:
    """Yield the lines after the first `skip`, without comments and blank lines; each is one sample.

    A line of nothing but tabs is not blank: it is a row of missing values.
    """
    for lines in raw_lines(path, encoding):
        unskipped = lines[skip:]
        skip = max(0, skip - len(lines))
        yield [line for line in unskipped if line.strip(" \r\x1a") and not line.startswith(COMMENT_MARKS)]
