"""A session that is played again is received octet by octet, and judged to the sample as it was live."""

import json
from pathlib import Path
from typing import Any

from lanes.command_line import command, running


def episodes_of(session: Path) -> list[dict[str, Any]]:
    """Return what the detector finds in a session, without the times of day: a replay happens at another time."""
    done = command("detect", session, "--json")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return sorted(
        ({key: value for key, value in row.items() if key != "onset_utc"} for row in found),
        key=lambda row: (row["sensor"], row["onset_s"]),
    )


def only_session(folder: Path) -> Path:
    [session] = (folder / "sessions").glob("*.cws")
    return session


def test_a_replayed_session_gives_the_same_episodes_as_live(tmp_path: Path) -> None:
    with running("demo", "--for", "45", "--no-browser", "--data", tmp_path) as demo:
        live = demo.until("summary")
        assert demo.end() == 0
    session = only_session(tmp_path / "demo")
    with running("replay", session, "--speed", "2", "--no-browser", "--data", tmp_path) as replay:
        again = replay.until("summary")
        assert replay.end() == 0
    assert again["origin"] == "demo", "what was simulated says so when it is played again, too"
    assert (again["received"], again["lost"]) == (live["received"], live["lost"])
    first = episodes_of(session)
    assert "cramp" in {row["kind"] for row in first}
    assert episodes_of(only_session(tmp_path / "replay")) == first
    assert again["episodes"] == live["episodes"]
