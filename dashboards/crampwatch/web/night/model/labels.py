"""The wearer's notes on episodes, as journal entries: one of a kind for each episode; the newest holds (pure)."""

from collections.abc import Iterable, Iterator

import msgspec
from crampwatch.protocol.messages import Episode, JournalEntry
from crampwatch.web.night.model.schema import HELP_OPTIONS, Label, LabelChange

__all__ = ["collect_labels", "journal_entries"]

_VERDICTS = frozenset(("confirmed", "not_a_cramp", "unsure"))
_WOKE = "woke_up"


def journal_entries(episode: Episode, change: LabelChange, *, t_ns: int) -> list[JournalEntry]:
    """Return what a change is in the journal; an entry with neither text nor value takes back what it said before."""
    return [
        JournalEntry(
            sensor=episode.sensor,
            t_ns=t_ns,
            origin=episode.origin,
            id=f"{episode.id}-{name}"[-120:],
            entry=entry,  # type: ignore[arg-type] # one of the words
            text=text,
            value=value,
            episode=episode.id,
        )
        for name, entry, text, value in _parts(change)
    ]


def collect_labels(entries: Iterable[JournalEntry]) -> dict[str, Label]:
    """Return what was noted of each episode.

    Args:
        entries: In any order; of one id the newest holds.
    """
    newest: dict[str, JournalEntry] = {}
    for entry in entries:
        if entry.episode and (entry.id not in newest or newest[entry.id].t_ns <= entry.t_ns):
            newest[entry.id] = entry
    labels: dict[str, Label] = {}
    for entry in newest.values():
        assert entry.episode is not None
        labels[entry.episode] = _with(labels.get(entry.episode, Label()), entry)
    return {episode: label for episode, label in labels.items() if label != Label(at_ns=label.at_ns)}


def _parts(change: LabelChange) -> Iterator[tuple[str, str, str, float | None]]:
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


def _with(label: Label, entry: JournalEntry) -> Label:
    """Return a label with what an entry says; what cannot be understood is left out, since others may write too."""
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
