"""The wearer's answers: what is saved is read again, the newest is valid, and withdrawing works."""

import msgspec
import pytest
from crampwatch.protocol.kinds import Origin
from crampwatch.protocol.messages import JournalEntry
from crampwatch.web.night.model.labels import collect_labels, journal_entries
from crampwatch.web.night.model.schema import Label, LabelChange
from hypothesis import given
from hypothesis import strategies as st
from nights.stored_messages import episode

EPISODE = episode(sensor="CW-1", id="e1")
CHANGES = st.builds(
    LabelChange,
    verdict=st.sampled_from(["confirmed", "not_a_cramp", "unsure", None, msgspec.UNSET]),
    pain=st.sampled_from([0, 4, 10, None, msgspec.UNSET]),
    woke=st.sampled_from([True, False, None, msgspec.UNSET]),
    helped=st.sampled_from([[], ["stretch"], ["stand", "warmth"], msgspec.UNSET]),
    note=st.sampled_from(["", "after running", msgspec.UNSET]),
)


@given(changes=st.lists(CHANGES, max_size=6), seed=st.randoms(use_true_random=False))
def test_the_newest_answer_is_valid_in_any_order_of_entries(changes: list[LabelChange], seed: object) -> None:
    entries: list[JournalEntry] = []
    expected = Label()
    for t_ns, change in enumerate(changes, 10):
        entries += journal_entries(EPISODE, change, t_ns=t_ns)
        given_ = {name: getattr(change, name) for name in change.__struct_fields__}
        expected = msgspec.structs.replace(
            expected, **{name: value for name, value in given_.items() if value is not msgspec.UNSET}
        )
    seed.shuffle(entries)  # type: ignore[attr-defined] # random.Random
    found = collect_labels(entries).get("e1", Label())
    assert msgspec.structs.replace(found, at_ns=0) == expected


def test_entries_are_marked_like_their_episode() -> None:
    (entry,) = journal_entries(EPISODE, LabelChange(pain=7), t_ns=9)
    assert (entry.origin, entry.sensor, entry.episode) == (Origin.DEMO, "CW-1", "e1")
    assert (entry.entry, entry.value) == ("pain", 7.0)


def test_entries_of_other_programs_that_make_no_sense_are_ignored() -> None:
    strange = [
        JournalEntry(sensor="x", t_ns=1, origin=Origin.LIVE, id="a", entry="confirmation", text="maybe", episode="e1"),
        JournalEntry(sensor="x", t_ns=1, origin=Origin.LIVE, id="b", entry="pain", value=77.0, episode="e1"),
        JournalEntry(sensor="x", t_ns=1, origin=Origin.LIVE, id="c", entry="note", text="no episode"),
        JournalEntry(sensor="x", t_ns=1, origin=Origin.LIVE, id="d", entry="relief", text="magic", episode="e1"),
    ]
    assert collect_labels(strange) == {}


@pytest.mark.parametrize(("value", "is_valid"), [(-0.1, False), (0.0, True), (10.0, True), (10.1, False)])
def test_pain_is_from_0_to_10(value: float, is_valid: bool) -> None:
    entry = JournalEntry(sensor="x", t_ns=1, origin=Origin.LIVE, id="b", entry="pain", value=value, episode="e1")
    assert ("e1" in collect_labels([entry])) is is_valid


def test_of_two_entries_at_the_same_time_the_later_one_holds() -> None:
    first, second = (journal_entries(EPISODE, LabelChange(pain=pain), t_ns=5)[0] for pain in (3, 4))
    assert collect_labels([first, second])["e1"].pain == 4


def test_an_entry_id_has_at_most_120_characters() -> None:
    long = msgspec.structs.replace(EPISODE, id="e" * 120)
    (entry,) = journal_entries(long, LabelChange(pain=7), t_ns=9)
    assert len(entry.id) == 120
    assert entry.id.endswith("-pain")
