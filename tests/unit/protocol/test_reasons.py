"""Reasons: a code and a number for programs, a sentence for people."""

import json

import pytest
from crampwatch.protocol.messages import Episode, decode, encode
from crampwatch.protocol.reasons import Reason, ReasonCode
from nights.stored_messages import episode


@pytest.mark.parametrize("code", ReasonCode)
def test_every_code_has_a_sentence(code: ReasonCode) -> None:
    sentence = Reason(code=code, number=12.34).text
    assert sentence.endswith(".")
    assert "{" not in sentence


def test_a_number_is_shown_with_the_digits_that_are_significant() -> None:
    assert Reason(code=ReasonCode.HEART, number=61.7).text.startswith("The same short wave repeats 62 times a minute")


def test_an_episode_without_codes_can_be_read() -> None:
    sent = json.loads(encode(episode()))
    del sent["why"]
    assert decode(json.dumps(sent).encode(), Episode).why == ()


def test_a_code_of_a_newer_detector_can_be_read() -> None:
    sent = json.loads(encode(episode())) | {"why": [{"code": "telepathy", "number": 3}]}
    (reason,) = decode(json.dumps(sent).encode(), Episode).why
    assert (reason.code, reason.number, reason.text) == ("telepathy", 3.0, "")
