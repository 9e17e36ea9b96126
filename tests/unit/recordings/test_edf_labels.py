import string

import pytest
from crampwatch.recordings.edf.label import edf_labels, full_labels, transducer_text
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.lists(st.text(st.characters(codec="utf-8"), max_size=60), min_size=1, max_size=16)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["EMG 1", "EMG 2"], ["EMG 1", "EMG 2"]),
        (["EMG left Arch", "EMG left sole"], ["EMG left Arch", "EMG left sole"]),
        (["EMG left abductor hallucis 1", "EMG left abductor hallucis 2"], ["EMG L AbH 1", "EMG L AbH 2"]),
        (["EMG right abductor hallucis", "EMG right flexor hallucis brevis"], ["EMG R AbH", "EMG R FHB"]),
        (["gastrocnemius medialis", "EMG right Gastrocnemius 2"], ["EMG GM", "EMG R Gastroc 2"]),
        (["EMG left plantar interossei 1", "EMG left plantar interossei 2"], ["EMG L pla int 1", "EMG L pla int 2"]),
        (["F\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e links"], ["EMG Fusse links"]),
        (["calf", "calf"], ["EMG calf 1", "EMG calf 2"]),
        (["", "\N{SNOWMAN}"], ["EMG 1", "EMG 2"]),
    ],
)
def test_a_label_consists_of_type_side_muscle_and_number(names: list[str], labels: list[str]) -> None:
    assert list(edf_labels(names)) == labels


@given(NAMES)
def test_labels_fit_and_differ_and_names_come_back_in_full(names: list[str]) -> None:
    labels = edf_labels(names)
    assert len(set(labels)) == len(names)
    for label in labels:
        assert len(label) <= 16
        assert label.startswith("EMG")
        assert set(label) <= set(string.printable) - set("\t\n\r\x0b\x0c")
    assert list(full_labels(labels, [transducer_text(name) for name in names])) == names


def test_labels_that_somebody_changed_stay_and_those_of_older_files_come_back() -> None:
    transducers = [transducer_text("EMG left abductor hallucis 1"), "AgAgCl", transducer_text("EMG left sole")]
    assert full_labels(["EMG left abducto", "Resp", "renamed"], transducers) == (
        "EMG left abductor hallucis 1",
        "Resp",
        "renamed",
    )
