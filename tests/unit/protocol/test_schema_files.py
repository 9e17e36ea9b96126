import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # its types are published apart
import pytest
from crampwatch.protocol.messages import Message, encode, json_schemas
from nights.stored_messages import episode, features, info, journal, notice, temperature

FOLDER = Path(__file__).parents[3] / "docs" / "schema"


def test_the_published_schemas_are_those_of_the_code() -> None:
    published = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
    assert published == json.loads(json.dumps(json_schemas())), "run: python docs/schema/regenerate.py"


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        ("episode", episode()),
        ("features", features(0)),
        ("info", info()),
        ("journal", journal(0)),
        ("notice", notice(0)),
        ("temperature", temperature(0, None)),
    ],
)
def test_what_we_send_is_valid(leaf: str, message: Message) -> None:
    sent = json.loads(encode(message))
    jsonschema.Draft202012Validator(json_schemas()[leaf]).validate(sent)


def test_a_wrong_message_is_not_valid() -> None:
    sent = json.loads(encode(episode())) | {"confidence": 1.5}
    with pytest.raises(jsonschema.ValidationError, match=r"1\.5"):
        jsonschema.Draft202012Validator(json_schemas()["episode"]).validate(sent)
