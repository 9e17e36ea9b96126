import re

from crampwatch.store.influx.line_protocol import format_point
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(max_size=30)


def test_each_type_is_written_as_such() -> None:
    written = format_point("m", {"b": "2", "a": "x y"}, {"f": 1.0, "i": 3, "yes": True, "s": 'say "a\\b"'}, 5)
    assert written == r'm,a=x\ y,b=2 f=1.0,i=3i,yes=true,s="say \"a\\b\"" 5'


def test_what_cannot_be_written_is_left_out() -> None:
    assert format_point("m", {}, {"f": float("nan"), "g": float("inf"), "h": 1 << 63}, 5) == ""
    assert format_point("m", {"empty": ""}, {"f": float("nan"), "g": 1.5}, 5) == "m g=1.5 5"


@given(st.dictionaries(st.sampled_from("abc"), texts), texts)
def test_no_text_breaks_out_of_its_place(tags: dict[str, str], text: str) -> None:
    written = format_point("m", tags, {"n": 1, "text": text}, 7)
    head = r"m(,[abc]=(\\.|[^ ,=\\])+)*"
    body = r' n=1i,text="(\\.|[^"\\])*" 7'
    assert re.fullmatch(head + body, written, re.DOTALL)


def test_integers_are_written_up_to_64_bits() -> None:
    assert format_point("m", {}, {"n": (1 << 63) - 1}, 5) == "m n=9223372036854775807i 5"
    assert format_point("m", {}, {"n": -(1 << 63)}, 5) == "m n=-9223372036854775808i 5"
    assert format_point("m", {}, {"n": -(1 << 63) - 1}, 5) == ""
