/** Episodes and notices of the night so far, the newest first. */

import { icon, make, setData, setText, show } from "../dom";
import { text } from "../i18n";
import { countTexts, type KindCounts } from "../i18n/counts";
import { amount, clock, clockSeconds, duration, percent } from "../i18n/format";
import { noticeText, reasonTexts } from "../i18n/server";
import { ICONS, KIND_ICONS } from "../icons";
import type { Episode, Notice } from "../schema";
import type { Model } from "./model";
import { placeName, shortPlaceName } from "./names";

const MOST_EPISODES = 60;
const MOST_NOTICES = 5;

export class RecentEvents {
  readonly element: HTMLElement;
  private readonly since = make("span", { class: "muted" });
  private readonly summary = make("p", { class: "summary" });
  private readonly list = make("ul", { class: "episodes" });
  private readonly more = make("p", { class: "muted" });
  private readonly notices = make("ul", { class: "notices" });
  private readonly noticesCard: HTMLElement;
  private readonly rows = new Map<string, Row>();

  constructor() {
    this.noticesCard = make("section", { class: "card" }, make("h2", {}, text.live.notices), this.notices);
    this.element = make(
      "aside",
      { class: "recent" },
      make(
        "section",
        { class: "card", id: "episodes" },
        make("header", {}, make("h2", {}, text.live.episodes), this.since),
        this.summary,
        this.list,
        this.more,
      ),
      this.noticesCard,
    );
  }

  /** Bring up to date after an episode or a notice. */
  refresh(model: Model): void {
    setText(this.since, model.nightMs ? text.live.since(clock(model.nightMs)) : "");
    setText(this.summary, countsText(model.counts));
    const episodes = model.newestEpisodes();
    this.refreshRows(episodes.slice(0, MOST_EPISODES), model);
    show(this.more, episodes.length > MOST_EPISODES);
    setText(this.more, text.live.earlier(episodes.length - MOST_EPISODES));
    this.refreshNotices(model.notices.slice(-MOST_NOTICES).reverse(), model);
  }

  private refreshRows(episodes: Episode[], model: Model): void {
    const shown = new Set(episodes.map((episode) => episode.id));
    for (const [id, row] of this.rows)
      if (!shown.has(id)) {
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
    setData(this.notices, "shown", key);
    this.notices.replaceChildren(
      ...notices.map((notice) =>
        make(
          "li",
          { "data-severity": notice.severity },
          icon(ICONS.notice),
          make("span", {}, noticeText(notice, placeName(model.sensors.get(notice.sensor), notice.sensor))),
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
  private readonly result = make("p", { class: "muted" });
  private readonly reasons = make("ul");
  private revision = "";

  constructor() {
    const summary = make("summary", {}, this.sign, this.kind, this.time, this.figures);
    this.element = make("li", {}, make("details", {}, summary, make("div", { class: "why" }, this.reasons, this.result)));
  }

  refresh(episode: Episode, model: Model): void {
    const sensor = model.sensors.get(episode.sensor);
    const place = shortPlaceName(sensor, episode.sensor, model.sensors.values());
    const revision = `${episode.status} ${episode.revision} ${place}`;
    if (revision === this.revision) return;
    this.revision = revision;
    const kind = text.common.kinds[episode.kind];
    const isWithdrawn = episode.status === "retracted";
    setData(this.element, "kind", episode.kind);
    setData(this.element, "status", episode.status);
    this.element.dataset["episode"] = episode.id;
    this.sign.replaceChildren(icon(KIND_ICONS[episode.kind]));
    setText(this.kind, isWithdrawn ? text.common.withdrawn(kind) : kind);
    setText(this.time, clockSeconds(episode.onset_ns / 1e6));
    this.time.dateTime = new Date(episode.onset_ns / 1e6).toISOString();
    setText(this.figures, figuresText(episode, place));
    this.refreshReasons(episode);
  }

  private refreshReasons(episode: Episode): void {
    const reasons = episode.reasons.length ? reasonTexts(episode) : [text.common.noReasons];
    this.reasons.replaceChildren(...reasons.map((reason) => make("li", {}, reason)));
    const confidence = text.common.confidence(percent(episode.confidence));
    setText(this.result, episode.status === "final" ? text.live.final(confidence) : text.live.provisional(confidence));
  }
}

function figuresText(episode: Episode, place: string): string {
  const lasted = episode.offset_ns === null ? text.live.ongoing : duration((episode.offset_ns - episode.onset_ns) / 1e6);
  return [lasted, text.live.peak(amount(episode.peak, episode.unit)), place].join(" · ");
}

/** "1 likely cramp, 12 twitches." */
function countsText(counts: KindCounts): string {
  const parts = countTexts(counts);
  return parts.length ? `${parts.join(", ")}.` : text.live.noEpisodes;
}
