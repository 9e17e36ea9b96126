/** The episodes of a night as a list: only rows that can be seen exist, so that ten thousand scroll like ten. */

import { choice } from "../controls";
import { icon, make, mark, say, show } from "../dom";
import { KIND_ICONS } from "../icons";
import { text as shared } from "../strings";
import { clockSeconds } from "../time";
import { text } from "./text";
import type { EpisodeRow, Night } from "./wire";
import { lasting, lengthMs, shortPlaceOfEpisode } from "./words";

const ROW_PX = 54;
const MARGIN_ROWS = 6;
type Filter = "all" | "cramps" | "unmarked";
const FILTERS: readonly Filter[] = ["all", "cramps", "unmarked"];

export class EpisodeList {
  readonly element: HTMLElement;
  private readonly heading = make("span", { class: "muted" });
  private readonly empty = make("p", { class: "muted" }, text.noneOfThese);
  private readonly inner = make("div", { class: "rows" });
  private readonly scroller = make("div", { class: "scroller", role: "list", tabindex: "-1" }, this.inner);
  private night: Night | null = null;
  private filter: Filter = "all";
  private selected = "";
  private rows: EpisodeRow[] = [];
  private painted = "";

  constructor(private readonly onSelect: (id: string) => void) {
    const words = { all: text.all, cramps: text.crampsOnly, unmarked: text.unmarked };
    const filter = choice("episodes", text.filter, FILTERS, (one) => words[one], this.filter, (one) => {
      this.filter = one;
      this.scroller.scrollTop = 0;
      this.refresh();
    });
    this.element = make("section", { class: "card episode-list" }, make("header", {}, make("h2", {}, text.episodes), this.heading), filter, this.empty, this.scroller);
    this.scroller.addEventListener("scroll", () => this.paint(), { passive: true });
    new ResizeObserver(() => this.paint()).observe(this.scroller);
  }

  /** The episodes shown, in order: what "next" and "previous" go through. */
  get listed(): readonly EpisodeRow[] {
    return this.rows;
  }

  show(night: Night): void {
    this.night = night;
    this.refresh();
  }

  select(id: string): void {
    this.selected = id;
    const at = this.rows.findIndex((row) => row.id === id);
    if (at >= 0) {
      const [top, height] = [at * ROW_PX, this.scroller.clientHeight];
      if (top < this.scroller.scrollTop || top + ROW_PX > this.scroller.scrollTop + height)
        this.scroller.scrollTop = top - height / 2;
    }
    this.paint();
  }

  private refresh(): void {
    const episodes = this.night?.episodes ?? [];
    this.rows = episodes.filter((episode) => this.wants(episode));
    say(this.heading, `${this.rows.length}`);
    show(this.empty, this.rows.length === 0);
    this.inner.style.height = `${this.rows.length * ROW_PX}px`;
    this.paint();
  }

  private wants(episode: EpisodeRow): boolean {
    if (this.filter === "all") return true;
    const isCramp = episode.kind === "cramp" && episode.status !== "retracted";
    return this.filter === "cramps" ? isCramp : isCramp && !episode.label?.verdict;
  }

  private paint(): void {
    if (!this.night) return;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_PX) - MARGIN_ROWS);
    const count = Math.ceil((this.scroller.clientHeight || 400) / ROW_PX) + 2 * MARGIN_ROWS;
    const rows = this.rows.slice(first, first + count);
    // A row that is replaced under a finger would swallow the tap.
    const key = JSON.stringify([first, this.selected, rows]);
    if (key === this.painted) return;
    this.painted = key;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["episode"] : undefined;
    const night = this.night;
    this.inner.replaceChildren(...rows.map((row, i) => this.row(row, first + i, night)));
    if (focused) this.inner.querySelector<HTMLElement>(`[data-episode="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  private row(episode: EpisodeRow, at: number, night: Night): HTMLElement {
    const isWithdrawn = episode.status === "retracted";
    const withdrawn = isWithdrawn ? `${shared.kindCounts["retracted"]?.[0] ?? ""} · ` : "";
    const marked = episode.label?.verdict ? ` · ${text.markShort[episode.label.verdict]}` : "";
    const button = make(
      "button",
      { type: "button", class: "row", "data-episode": episode.id, "data-kind": episode.kind, "aria-current": episode.id === this.selected && "true" },
      icon(KIND_ICONS[episode.kind]),
      make("span", { class: "kind" }, shared.kinds[episode.kind]),
      make("time", {}, clockSeconds(episode.onset_ns / 1e6)),
      make("span", { class: "muted figures" }, `${withdrawn}${lasting(lengthMs(episode, night))} · ${shortPlaceOfEpisode(night, episode)}${marked}`),
    );
    if (isWithdrawn) mark(button, "withdrawn", "true");
    button.addEventListener("click", () => this.onSelect(episode.id));
    const item = make("div", { role: "listitem", "aria-setsize": String(this.rows.length), "aria-posinset": String(at + 1) }, button);
    item.style.transform = `translateY(${at * ROW_PX}px)`;
    return item;
  }
}
