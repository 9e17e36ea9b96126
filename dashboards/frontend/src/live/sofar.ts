/** The night so far: episodes and notices. */

import { icon, make, mark, say, show } from "../dom";
import { ICONS, KIND_ICONS } from "../icons";
import { text } from "../strings";
import { noticeWords, reasonWords } from "../told/told";
import { amount, clock, clockSeconds, length } from "../time";
import type { Episode, Notice } from "../wire";
import type { Model } from "./model";
import { placeOf, shortPlaceOf } from "./words";

const SHOWN = 60;
const NOTICES_SHOWN = 5;

export class SoFar {
  readonly element: HTMLElement;
  private readonly since = make("span", { class: "muted" });
  private readonly summary = make("p", { class: "summary" });
  private readonly list = make("ul", { class: "episodes" });
  private readonly more = make("p", { class: "muted" });
  private readonly notices = make("ul", { class: "notices" });
  private readonly noticesCard: HTMLElement;
  private readonly rows = new Map<string, Row>();

  constructor() {
    this.noticesCard = make("section", { class: "card" }, make("h2", {}, text.notices), this.notices);
    this.element = make(
      "aside",
      { class: "sofar" },
      make(
        "section",
        { class: "card", id: "episodes" },
        make("header", {}, make("h2", {}, text.episodes), this.since),
        this.summary,
        this.list,
        this.more,
      ),
      this.noticesCard,
    );
  }

  /** Bring up to date after something was told. */
  refresh(model: Model): void {
    say(this.since, model.nightMs ? text.episodesSince(clock(model.nightMs)) : "");
    say(this.summary, sentence(model.counts));
    const episodes = model.newestEpisodes();
    this.refreshRows(episodes.slice(0, SHOWN), model);
    show(this.more, episodes.length > SHOWN);
    say(this.more, text.earlier(episodes.length - SHOWN));
    this.refreshNotices(model.notices.slice(-NOTICES_SHOWN).reverse(), model);
  }

  private refreshRows(episodes: Episode[], model: Model): void {
    const wanted = new Set(episodes.map((episode) => episode.id));
    for (const [id, row] of this.rows)
      if (!wanted.has(id)) {
        row.element.remove();
        this.rows.delete(id);
      }
    episodes.forEach((episode, position) => {
      let row = this.rows.get(episode.id);
      if (!row) this.rows.set(episode.id, (row = new Row()));
      row.refresh(episode, model);
      if (this.list.children[position] !== row.element)
        this.list.insertBefore(row.element, this.list.children[position] ?? null);
    });
  }

  private refreshNotices(notices: Notice[], model: Model): void {
    show(this.noticesCard, notices.length > 0);
    const key = notices.map((notice) => notice.id).join(" ");
    if (this.notices.dataset["shown"] === key) return;
    mark(this.notices, "shown", key);
    this.notices.replaceChildren(
      ...notices.map((notice) =>
        make(
          "li",
          { "data-severity": notice.severity },
          icon(ICONS.notice),
          make("span", {}, noticeWords(notice, placeOf(model.sensors.get(notice.sensor), notice.sensor))),
          make("time", { class: "muted" }, clock(notice.t_ns / 1e6)),
        ),
      ),
    );
  }
}

class Row {
  readonly element: HTMLElement;
  private readonly sign = make("span", { class: "sign" });
  private readonly kind = make("span", { class: "kind" });
  private readonly time = make("time");
  private readonly figures = make("span", { class: "muted figures" });
  private readonly verdict = make("p", { class: "muted" });
  private readonly reasons = make("ul");
  private revision = "";

  constructor() {
    const summary = make("summary", {}, this.sign, this.kind, this.time, this.figures);
    this.element = make("li", {}, make("details", {}, summary, make("div", { class: "why" }, this.reasons, this.verdict)));
  }

  refresh(episode: Episode, model: Model): void {
    const sensor = model.sensors.get(episode.sensor);
    const place = shortPlaceOf(sensor, episode.sensor, model.sensors.values());
    const revision = `${episode.status} ${episode.revision} ${place}`;
    if (revision === this.revision) return;
    this.revision = revision;
    const isWithdrawn = episode.status === "retracted";
    mark(this.element, "kind", episode.kind);
    mark(this.element, "status", episode.status);
    this.element.dataset["episode"] = episode.id;
    this.sign.replaceChildren(icon(KIND_ICONS[episode.kind]));
    say(this.kind, isWithdrawn ? `${text.withdrawn}: ${text.kinds[episode.kind]}` : text.kinds[episode.kind]);
    say(this.time, clockSeconds(episode.onset_ns / 1e6));
    this.time.dateTime = new Date(episode.onset_ns / 1e6).toISOString();
    say(this.figures, figures(episode, place));
    this.refreshWhy(episode);
  }

  private refreshWhy(episode: Episode): void {
    const reasons = episode.reasons.length ? reasonWords(episode) : [text.noReasons];
    this.reasons.replaceChildren(...reasons.map((reason) => make("li", {}, reason)));
    const verdict = episode.status === "final" ? text.verdicts.final : text.verdicts.live;
    say(this.verdict, `${text.sure(`${Math.round(episode.confidence * 100)} %`)}, ${verdict}`);
  }
}

function figures(episode: Episode, place: string): string {
  const lasted = episode.offset_ns === null ? text.ongoing : length((episode.offset_ns - episode.onset_ns) / 1e6);
  return [lasted, text.peak(amount(episode.peak, episode.unit)), place].join(" · ");
}

/** "1 likely cramp, 12 twitches." */
function sentence(counts: Record<string, number>): string {
  const parts = Object.entries(text.kindCounts).flatMap(([kind, [one, many]]) => {
    const count = counts[kind] ?? 0;
    return count ? [`${count} ${count === 1 ? one : many}`] : [];
  });
  return parts.length ? `${parts.join(", ")}.` : text.noEpisodes;
}
