"""The report of an evaluation: one self-contained page, and the same tables as Markdown. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from crampwatch.app.evaluation.clip import Clip, Span
from crampwatch.app.evaluation.outcome import Outcome
from crampwatch.app.evaluation.plot import clip_svg, reliability_svg
from crampwatch.app.evaluation.tables import Table
from crampwatch.app.sessions.episode_line import clock_text

__all__ = ["Plots", "html_page", "markdown_text", "pick_clips"]


_CAUTION = (
    "Likely, not certain: crampwatch is not a medical device. Intervals are 95 %, from a bootstrap over whole nights;"
    " exact ones where nothing or everything was found, and for a single night."
)
_DIAGONAL = "<p>On the diagonal, a confidence of 70 % is right 7 times in 10. Larger dots stand for more episodes.</p>"


@dataclass(frozen=True, slots=True)
class Plots:
    """The plots of a report.

    Attributes:
        clips: Errors that are plotted.
        left_out: How many more errors there were.
    """

    clips: tuple[Clip, ...] = ()
    left_out: int = 0


def pick_clips(clips: Iterable[Clip], *, left_out: int, most: int) -> Plots:
    """Return at most so many plots, chosen cramps first, then in the order given."""
    every = list(clips)
    order = {name: place for place, name in enumerate(("cramp", "twitch", "leg_movement", "movement", "rhythmic"))}
    first = sorted(every, key=lambda clip: order[clip.subject.kind])[:most]
    return Plots(tuple(first), left_out + len(every) - len(first))


def html_page(
    title: str, headline: str, *, command: str, tables: Sequence[Table], outcome: Outcome | None, plots: Plots
) -> str:
    """Return the report as HTML.

    Args:
        title: Title of the page.
        headline: What was measured; must say so where it is simulated.
        command: The command that reproduces the figures.
        tables: The figures, the most important first.
        outcome: For the plot of confidence; left out where None.
        plots: Misses and false alarms.
    """
    style = resources.files("crampwatch.app.evaluation").joinpath("report.css").read_text("utf-8")
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{style}</style>",
        f'<header><h1>{escape(title)}</h1><p class="banner">{escape(headline)}</p>',
        f"<p>{_CAUTION} Reproduce with <code>{escape(command)}</code></p></header><main>",
        *(_table_section(table) for table in tables[:5]),
        *([_confidence_section(outcome)] if outcome else []),
        *(_table_section(table) for table in tables[5:]),
        *_plot_sections(plots),
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


def _confidence_section(outcome: Outcome) -> str:
    plot = reliability_svg(outcome.reliability)
    return f"<section><h2>How reliable is the confidence?</h2>{_DIAGONAL}{plot}</section>"


def _table_section(table: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.heads)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    caption = f'<p class="caption">{escape(table.caption)}</p>' if table.caption else ""
    return (
        f'<section><h2>{escape(table.title)}</h2><div class="wide"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{caption}</section>"
    )


def _plot_sections(plots: Plots) -> list[str]:
    if not plots.clips:
        return []
    shown = f"{len(plots.clips)} of {len(plots.clips) + plots.left_out}"
    legend = "".join(
        f'<span><i class="l-{name}"></i>{text}</span>'
        for name, text in (
            ("wave", "waveform, lowest to highest"),
            ("envelope", "envelope, RMS"),
            ("floor", "floor"),
            ("threshold", "threshold"),
            ("edge", "the missed event or false alarm"),
        )
    )
    intro = (
        f"<section><h2>Misses and false alarms: {shown} shown</h2><p>Cramps first. Above each signal: the true events "
        f'and the final episodes. Point at one for details.</p><p class="legend">{legend}</p>'
    )
    return [intro, *(_figure_of_clip(clip) for clip in plots.clips), "</section>"]


def _figure_of_clip(clip: Clip) -> str:
    subject = clip.subject
    what = "Missed" if clip.is_miss else "False"
    head = f"{what} {str(subject.kind).replace('_', ' ')}, {subject.offset_s - subject.onset_s:.1f} s"
    episode = subject if subject.reasons else _longest_overlap(clip)
    reasons = " ".join(episode.reasons) if episode else "No episode was found here."
    text = f"{episode.text}: {reasons}" if episode else reasons
    kind = "miss" if clip.is_miss else "false"
    return (
        f'<figure class="{kind}"><figcaption><b>{escape(head)}</b> <span>{escape(clip.case)} at '
        f"{clock_text(subject.onset_s)}; {escape(subject.text)}</span></figcaption>{clip_svg(clip)}"
        f'<p class="reasons">{escape(text)}</p></figure>'
    )


def _longest_overlap(clip: Clip) -> Span | None:
    """Return the episode that covers most of a missed event, if any."""
    subject = clip.subject
    near = [one for one in clip.episodes if one.onset_s < subject.offset_s and one.offset_s > subject.onset_s]
    return max(near, key=lambda one: min(one.offset_s, subject.offset_s) - one.onset_s, default=None)
