/** The list of a night's episodes. Only visible rows exist in the document, so that ten thousand scroll like ten. */

import { choice } from "../controls";
import { icon, make, setData, setText, show } from "../dom";
import { text } from "../i18n";
import { clockSeconds, duration } from "../i18n/format";
import { KIND_ICONS } from "../icons";
import { lengthMs, shortEpisodePlace } from "./names";
import type { EpisodeRow, Night } from "./schema";

const ROW_PX = 54;
const MARGIN_ROWS = 6;
type Filter = "all" | "cramps" | "unmarked";
const FILTERS: readonly Filter[] = ["all", "cramps", "unmarked"];

export class EpisodeList {
  readonly element: HTMLElement;
  private readonly heading = make("span", { class: "muted" });
  private readonly empty = make("p", { class: "muted" }, text.night.noneOfThese);
  private readonly inner = make("div", { class: "rows" });
  private readonly scroller = make("div", { class: "scroller", role: "list", tabindex: "-1" }, this.inner);
  private night: Night | null = null;
  private filter: Filter = "all";
  private selected = "";
  private rows: EpisodeRow[] = [];
  private painted = "";

  constructor(private readonly onSelect: (id: string) => void) {
    const filter = choice("episodes", text.night.filter, FILTERS, (one) => text.night.filters[one], this.filter, (one) => {
      this.filter = one;
      this.scroller.scrollTop = 0;
      this.refresh();
    });
    this.element = make("section", { class: "card episode-list" }, make("header", {}, make("h2", {}, text.night.episodes), this.heading), filter, this.empty, this.scroller);
    this.scroller.addEventListener("scroll", () => this.paintRows(), { passive: true });
    new ResizeObserver(() => this.paintRows()).observe(this.scroller);
  }

  /** The episodes listed, in order: "next" and "previous" go through these. */
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
    this.paintRows();
  }

  private refresh(): void {
    const episodes = this.night?.episodes ?? [];
    this.rows = episodes.filter((episode) => this.matchesFilter(episode));
    setText(this.heading, `${this.rows.length}`);
    show(this.empty, this.rows.length === 0);
    this.inner.style.height = `${this.rows.length * ROW_PX}px`;
    this.paintRows();
  }

  private matchesFilter(episode: EpisodeRow): boolean {
    if (this.filter === "all") return true;
    const isCramp = episode.kind === "cramp" && episode.status !== "retracted";
    return this.filter === "cramps" ? isCramp : isCramp && !episode.label?.verdict;
  }

  private paintRows(): void {
    if (!this.night) return;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW_PX) - MARGIN_ROWS);
    const count = Math.ceil((this.scroller.clientHeight || 400) / ROW_PX) + 2 * MARGIN_ROWS;
    const rows = this.rows.slice(first, first + count);
    // A row that is replaced under a finger would lose the tap.
    const key = JSON.stringify([first, this.selected, rows]);
    if (key === this.painted) return;
    this.painted = key;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["episode"] : undefined;
    const night = this.night;
    this.inner.replaceChildren(...rows.map((row, i) => this.makeRow(row, first + i, night)));
    if (focused) this.inner.querySelector<HTMLElement>(`[data-episode="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  private makeRow(episode: EpisodeRow, at: number, night: Night): HTMLElement {
    const isWithdrawn = episode.status === "retracted";
    const withdrawn = isWithdrawn ? `${text.night.withdrawn} · ` : "";
    const verdict = episode.label?.verdict ? ` · ${text.night.marks[episode.label.verdict]}` : "";
    const button = make(
      "button",
      { type: "button", class: "row", "data-episode": episode.id, "data-kind": episode.kind, "aria-current": episode.id === this.selected && "true" },
      icon(KIND_ICONS[episode.kind]),
      make("span", { class: "kind" }, text.common.kinds[episode.kind]),
      make("time", {}, clockSeconds(episode.onset_ns / 1e6)),
      make("span", { class: "muted figures" }, `${withdrawn}${duration(lengthMs(episode, night))} · ${shortEpisodePlace(night, episode)}${verdict}`),
    );
    if (isWithdrawn) setData(button, "withdrawn", "true");
    button.addEventListener("click", () => this.onSelect(episode.id));
    const item = make("div", { role: "listitem", "aria-setsize": String(this.rows.length), "aria-posinset": String(at + 1) }, button);
    item.style.transform = `translateY(${at * ROW_PX}px)`;
    return item;
  }
}
