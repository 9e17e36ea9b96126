"""The report of an evaluation: one page that needs nothing beside it, and the same tables as Markdown. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from crampwatch.app.evaluation.clip import Clip, Span
from crampwatch.app.evaluation.outcome import Outcome
from crampwatch.app.evaluation.plot import clip_svg, reliability_svg
from crampwatch.app.evaluation.tables import Table
from crampwatch.app.sessions.text import clock_text

__all__ = ["Plots", "html_page", "markdown_text", "pick_clips"]


_CAUTION = (
    "Likely, not certain: crampwatch is not a medical device. Intervals are 95 %, from drawing whole nights anew; exact"
    " ones where nothing or everything was found, and for a single night."
)
_DIAGONAL = (
    "<p>On the diagonal, what is 70 % sure is right 7 times in 10. The size of a dot tells how many episodes.</p>"
)


@dataclass(frozen=True, slots=True)
class Plots:
    """The plots of a report.

    Attributes:
        clips: Those shown.
        left_out: How many more errors there were.
    """

    clips: tuple[Clip, ...] = ()
    left_out: int = 0


def pick_clips(clips: Iterable[Clip], *, left_out: int, most: int) -> Plots:
    """Return as many plots as asked for, those of cramps first, then in the order given."""
    every = list(clips)
    order = {name: place for place, name in enumerate(("cramp", "twitch", "leg_movement", "movement", "rhythmic"))}
    first = sorted(every, key=lambda clip: order[clip.subject.kind])[:most]
    return Plots(tuple(first), left_out + len(every) - len(first))


def html_page(
    title: str, headline: str, *, command: str, tables: Sequence[Table], outcome: Outcome | None, plots: Plots
) -> str:
    """Return the page.

    Args:
        title: Its title.
        headline: What was measured; says that it is simulated where it is.
        command: The command that gives the same figures.
        tables: The figures, the most telling first.
        outcome: For the plot of confidence; None for none.
        plots: Misses and false alarms.
    """
    style = resources.files("crampwatch.app.evaluation").joinpath("report.css").read_text("utf-8")
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{style}</style>",
        f'<header><h1>{escape(title)}</h1><p class="banner">{escape(headline)}</p>',
        f"<p>{_CAUTION} Reproduce with <code>{escape(command)}</code></p></header><main>",
        *(_table(table) for table in tables[:5]),
        *([_confidence(outcome)] if outcome else []),
        *(_table(table) for table in tables[5:]),
        *_plots(plots),
        "</main></html>",
    ]
    return "\n".join(parts)


def markdown_text(headline: str, command: str, tables: Sequence[Table]) -> str:
    """Return the tables as Markdown."""
    parts = [f"{headline} Reproduce with:\n\n```sh\n{command}\n```\n"]
    for table in tables:
        parts.append(f"**{table.title}**\n")
        parts.append("| " + " | ".join(table.heads) + " |\n|" + "---|" * len(table.heads))
        parts += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table.rows]
        parts.append(f"\n{table.caption}\n" if table.caption else "")
    return "\n".join(parts).rstrip() + "\n"


def _confidence(outcome: Outcome) -> str:
    plot = reliability_svg(outcome.reliability)
    return f"<section><h2>Is confidence worth its number?</h2>{_DIAGONAL}{plot}</section>"


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.heads)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    caption = f'<p class="caption">{escape(table.caption)}</p>' if table.caption else ""
    return (
        f'<section><h2>{escape(table.title)}</h2><div class="wide"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{caption}</section>"
    )


def _plots(plots: Plots) -> list[str]:
    if not plots.clips:
        return []
    shown = f"{len(plots.clips)} of {len(plots.clips) + plots.left_out}"
    legend = "".join(
        f'<span><i class="l-{name}"></i>{text}</span>'
        for name, text in (
            ("wave", "waveform, least to largest"),
            ("envelope", "envelope, RMS"),
            ("floor", "floor"),
            ("threshold", "threshold"),
            ("edge", "what was missed or false"),
        )
    )
    intro = (
        f"<section><h2>Misses and false alarms: {shown} shown</h2><p>Cramps first. Above each: what really happened, "
        f'and what was said in the end. Point at a span for its words.</p><p class="legend">{legend}</p>'
    )
    return [intro, *(_figure(clip) for clip in plots.clips), "</section>"]


def _figure(clip: Clip) -> str:
    subject = clip.subject
    what = "Missed" if clip.is_miss else "False"
    head = f"{what} {str(subject.kind).replace('_', ' ')}, {subject.offset_s - subject.onset_s:.1f} s"
    said = subject if subject.reasons else _said_there(clip)
    reasons = " ".join(said.reasons) if said else "Nothing was said there."
    told = f"{said.text}: {reasons}" if said else reasons
    kind = "miss" if clip.is_miss else "false"
    return (
        f'<figure class="{kind}"><figcaption><b>{escape(head)}</b> <span>{escape(clip.case)} at '
        f"{clock_text(subject.onset_s)}; {escape(subject.text)}</span></figcaption>{clip_svg(clip)}"
        f'<p class="reasons">{escape(told)}</p></figure>'
    )


def _said_there(clip: Clip) -> Span | None:
    """Return what was said of a missed event, if anything."""
    subject = clip.subject
    near = [one for one in clip.verdicts if one.onset_s < subject.offset_s and one.offset_s > subject.onset_s]
    return max(near, key=lambda one: min(one.offset_s, subject.offset_s) - one.onset_s, default=None)
