"""The wearer's answers about an episode (what it was, pain, woke up, what helped, note) as journal entries.

The journal is append-only and shared with other programs, so an answer is never changed: each question about an
episode has one entry id, and the newest entry with that id is the valid answer. An entry with neither text nor value
withdraws the answer. Entries of other programs that make no sense here are ignored.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from crampwatch.protocol.messages import Episode, JournalEntry
from crampwatch.web.night.model.schema import HELP_OPTIONS, Label, LabelChange

__all__ = ["collect_labels", "journal_entries"]

_VERDICTS: Final = frozenset(("confirmed", "not_a_cramp", "unsure"))
_WOKE: Final = "woke_up"


def journal_entries(episode: Episode, change: LabelChange, *, t_ns: int) -> list[JournalEntry]:
    """Return the journal entries that record a change of a label, one for each answer in it."""
    return [
        JournalEntry(
            sensor=episode.sensor,
            t_ns=t_ns,
            origin=episode.origin,
            id=f"{episode.id}-{name}"[-120:],
            entry=entry,  # type: ignore[arg-type] # one of the names
            text=text,
            value=value,
            episode=episode.id,
        )
        for name, entry, text, value in _answers(change)
    ]


def collect_labels(entries: Iterable[JournalEntry]) -> dict[str, Label]:
    """Return the labels by episode id; episodes without a valid answer are left out.

    Args:
        entries: Journal entries in any order.
    """
    newest: dict[str, JournalEntry] = {}
    for entry in entries:
        if entry.episode and (entry.id not in newest or newest[entry.id].t_ns <= entry.t_ns):
            newest[entry.id] = entry
    labels: dict[str, Label] = {}
    for entry in newest.values():
        assert entry.episode is not None
        labels[entry.episode] = _apply_entry(labels.get(entry.episode, Label()), entry)
    return {episode: label for episode, label in labels.items() if label != Label(at_ns=label.at_ns)}


def _answers(change: LabelChange) -> Iterator[tuple[str, str, str, float | None]]:
    """Yield question, kind of entry, text and value of each answer that is set."""
    if change.verdict is not msgspec.UNSET:
        yield "verdict", "confirmation", change.verdict or "", None
    if change.pain is not msgspec.UNSET:
        yield "pain", "pain", "", None if change.pain is None else float(change.pain)
    if change.woke is not msgspec.UNSET:
        yield "woke", "factor", _WOKE, None if change.woke is None else float(change.woke)
    if change.helped is not msgspec.UNSET:
        yield "helped", "relief", ",".join(dict.fromkeys(change.helped)), None
    if change.note is not msgspec.UNSET:
        yield "note", "note", change.note, None


def _apply_entry(label: Label, entry: JournalEntry) -> Label:
    """Return a label with the answer in an entry; an entry that makes no sense changes nothing."""
    fields: dict[str, object] = {}
    value = entry.value
    if entry.entry == "confirmation" and entry.text in _VERDICTS:
        fields = {"verdict": entry.text}
    elif entry.entry == "pain" and value is not None and 0 <= value <= 10:
        fields = {"pain": round(value)}
    elif entry.entry == "factor" and entry.text == _WOKE and value is not None:
        fields = {"woke": value != 0}
    elif entry.entry == "relief":
        fields = {"helped": [word for word in entry.text.split(",") if word in HELP_OPTIONS]}
    elif entry.entry == "note":
        fields = {"note": entry.text}
    return msgspec.structs.replace(label, **fields, at_ns=max(label.at_ns, entry.t_ns))
