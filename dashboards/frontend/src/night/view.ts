/** One night: the sentence, the timeline, the episodes, and one of them from near. */

import { ask, RefusedError } from "../api";
import { make, say, show } from "../dom";
import { currentAddress, go, linkTo, type Address, type View } from "../router";
import { offset } from "../time";
import { problemWords } from "../told/told";
import type { Origin } from "../wire";
import { Detail } from "./detail";
import { EpisodeList } from "./list";
import { Picture } from "./picture";
import { Signals } from "./signals";
import { text } from "./text";
import { TimeWindow } from "./window";
import type { Label, Night, NightRow } from "./wire";
import { besides, sentence } from "./words";

const READING_MS = 1000;
const RUNNING_MS = 10_000;
const RETRY_MS = 3000;
/** Around an episode that is gone to. */
const MARGIN = 1.5;

export class NightView implements View {
  readonly element: HTMLElement;
  origin: Origin = "live";
  private readonly view = new TimeWindow(() => this.moved());
  private readonly picture = new Picture(this.view, (id) => this.goTo(id));
  private readonly list = new EpisodeList((id) => this.goTo(id));
  private readonly detail: Detail;
  private readonly heading = make("h1");
  private readonly words = make("p", { class: "sentence" });
  private readonly also = make("p", { class: "muted" });
  private readonly notes = make("ul", { class: "notes muted" });
  private readonly span = make("span", { class: "muted shown", role: "status" });
  private readonly before = make("a", { class: "step", "aria-label": text.before, title: text.before }, "‹");
  private readonly after = make("a", { class: "step", "aria-label": text.after, title: text.after }, "›");
  private readonly chooser = make("select", { "aria-label": text.choose });
  private readonly bodyParts: HTMLElement;
  private readonly empty = make("section", { class: "card waiting" });
  private night: Night | null = null;
  private selected = "";
  private isShown = false;
  private wanted = "";
  private timer = 0;
  private number = 0;

  constructor() {
    this.detail = new Detail(new Signals(), {
      onClose: () => this.goTo(""),
      onStep: (by) => this.step(by),
      onLabel: (id, label) => this.labelled(id, label),
    });
    this.chooser.addEventListener("change", () => go(linkTo(["night", this.chooser.value])));
    this.bodyParts = make("div", { class: "night-body" }, this.timeline(), this.detail.element, this.list.element);
    this.element = make(
      "div",
      { class: "night" },
      make("header", { class: "night-head" }, this.before, this.heading, this.after, this.chooser),
      this.words,
      this.also,
      this.notes,
      this.empty,
      this.bodyParts,
    );
    this.none(text.loading, "");
    document.addEventListener("keydown", (event) => this.key(event));
  }

  enter({ path, query }: Address): void {
    this.isShown = true;
    const night = path[0] === "night" ? (path[1] ?? "") : "";
    this.selected = query.get("episode") ?? "";
    if (night && night === this.night?.night) {
      this.apply(true);
      return;
    }
    this.wanted = night;
    void this.open(night);
  }

  leave(): void {
    this.isShown = false;
    window.clearTimeout(this.timer);
    this.number++;
  }

  recolour(): void {
    this.picture.draw();
    this.detail.recolour();
  }

  private timeline(): HTMLElement {
    const button = (word: string, label: string, act: () => void): HTMLElement => {
      const made = make("button", { type: "button", "aria-label": label, title: label }, word);
      made.addEventListener("click", act);
      return made;
    };
    return make(
      "section",
      { class: "card timeline" },
      make(
        "div",
        { class: "tools" },
        this.span,
        button("◂", text.earlier, () => this.view.move(-0.5)),
        button("▸", text.later, () => this.view.move(0.5)),
        button("−", text.zoomOut, () => this.view.zoom(1 / 2.5)),
        button("+", text.zoomIn, () => this.view.zoom(2.5)),
        button("↔", text.whole, () => this.view.all()),
      ),
      this.picture.element,
    );
  }

  /** Ask for a night, the newest where none is named. */
  private async open(name: string): Promise<void> {
    const number = ++this.number;
    window.clearTimeout(this.timer);
    try {
      const rows = await ask<NightRow[]>("/api/v1/nights");
      if (number !== this.number) return;
      this.refreshChooser(rows, name);
      const newest = rows[0]?.night ?? "";
      if (!name && newest) {
        go(linkTo(["night", newest], Object.fromEntries(currentAddress().query)), { replace: true });
        this.wanted = newest;
      }
      if (this.wanted) await this.fetch(number);
      else this.none(text.none, text.noneHint);
    } catch (error) {
      this.failed(number, error);
    }
  }

  private async fetch(number: number): Promise<void> {
    try {
      const night = await ask<Night>(`/api/v1/nights/${encodeURIComponent(this.wanted)}`);
      if (number !== this.number) return;
      const isOther = night.night !== this.night?.night;
      this.night = night;
      this.apply(isOther);
      const again = night.read < 1 ? READING_MS : night.running ? RUNNING_MS : 0;
      if (again) this.timer = window.setTimeout(() => void this.fetch(number), again);
    } catch (error) {
      this.failed(number, error);
    }
  }

  private failed(number: number, error: unknown): void {
    if (number !== this.number) return;
    const isRefused = error instanceof RefusedError;
    if (isRefused) {
      this.night = null;
      this.none(text.gone, error.message === text.gone ? "" : error.message);
      return;
    }
    if (!this.night) this.none(text.failed, "");
    this.timer = window.setTimeout(() => (this.night ? void this.fetch(number) : void this.open(this.wanted)), RETRY_MS);
  }

  private none(title: string, hint: string): void {
    this.empty.replaceChildren(make("h2", {}, title), make("p", {}, hint));
    show(this.empty, true);
    for (const part of [this.bodyParts, this.words, this.also, this.notes]) show(part, false);
    say(this.heading, text.title);
    for (const link of [this.before, this.after]) show(link, false);
    this.setOrigin("live");
  }

  /** Show the night, and the episode gone to; zoomed to it where that is new. */
  private apply(isNew: boolean): void {
    const night = this.night;
    if (!night) return;
    show(this.empty, false);
    for (const part of [this.bodyParts, this.words]) show(part, true);
    this.setOrigin(night.origin);
    say(this.heading, text.weekday(night.night));
    this.link(this.before, night.before);
    this.link(this.after, night.after);
    this.refreshWords(night);
    this.view.bound(night.from_ns / 1e6, night.to_ns / 1e6);
    this.list.show(night);
    this.picture.show(night);
    this.applySelection(night, isNew);
  }

  private applySelection(night: Night, isNew: boolean): void {
    const row = night.episodes.find((episode) => episode.id === this.selected);
    this.picture.select(this.selected);
    this.list.select(this.selected);
    this.element.toggleAttribute("data-detail", row !== undefined);
    if (!row) {
      this.detail.hide();
      return;
    }
    const at = this.list.listed.findIndex((episode) => episode.id === row.id);
    void this.detail.show(night, row, [at + 1, this.list.listed.length]);
    if (!isNew) return;
    const [from, to] = [row.onset_ns / 1e6, (row.offset_ns ?? row.onset_ns + 1e9) / 1e6];
    const isVisible = from >= this.view.fromMs && to <= this.view.toMs && !this.view.isWhole;
    if (!isVisible && !this.view.isWhole) {
      const margin = Math.max((to - from) * MARGIN, this.view.lengthMs / 2);
      this.view.set((from + to) / 2 - margin, (from + to) / 2 + margin);
    }
  }

  private refreshWords(night: Night): void {
    say(this.words, sentence(night));
    const also = besides(night);
    say(this.also, also);
    show(this.also, also !== "");
    const [begin, end] = [offset(night.from_ns / 1e6), offset(night.to_ns / 1e6)];
    const notes = [
      ...(night.running ? [text.running] : []),
      ...(night.read < 1 ? [text.reading(Math.floor(night.read * 100))] : []),
      ...(begin !== end ? [text.clocks(begin, end)] : []),
      ...new Set(night.problems.map((problem) => (problem === "deleted" ? text.deleted : problemWords("recording_unreadable", problem)))),
    ];
    this.notes.replaceChildren(...notes.map((note) => make("li", {}, note)));
    show(this.notes, notes.length > 0);
  }

  private refreshChooser(rows: NightRow[], name: string): void {
    const isKnown = !name || rows.some((row) => row.night === name);
    this.chooser.replaceChildren(
      ...(isKnown ? [] : [make("option", { value: "", disabled: true, selected: true }, text.choose)]),
      ...rows.map((row) => {
        const cramps = row.kinds.cramp ?? 0;
        const mark = text.origins[row.origin];
        const words = [text.date(row.night), ...(mark ? [mark] : []), ...(cramps ? [text.crampCount(cramps)] : [])].join(" · ");
        return make("option", { value: row.night, selected: row.night === (name || rows[0]?.night) }, words);
      }),
    );
    show(this.chooser, rows.length > 0);
  }

  private link(element: HTMLAnchorElement, night: string | null): void {
    show(element, true);
    if (night) element.href = linkTo(["night", night]);
    else element.removeAttribute("href");
    element.toggleAttribute("aria-disabled", !night);
  }

  private setOrigin(origin: Origin): void {
    if (origin === this.origin) return;
    this.origin = origin;
    this.element.dispatchEvent(new Event("originchange"));
  }

  private moved(): void {
    say(this.span, text.shown(text.exactTime(this.view.fromMs, this.view.lengthMs), text.exactTime(this.view.toMs, this.view.lengthMs)));
    this.picture.refresh();
  }

  private goTo(id: string): void {
    if (!this.night) return;
    go(linkTo(["night", this.night.night], { episode: id || null }), { replace: true });
    this.selected = id;
    this.applySelection(this.night, true);
    if (id) this.detail.reveal();
  }

  private step(by: 1 | -1): void {
    const rows = this.list.listed;
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.id === this.selected);
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : (at + by + rows.length) % rows.length;
    this.goTo(rows[next]?.id ?? "");
  }

  private labelled(id: string, label: Label): void {
    const row = this.night?.episodes.find((episode) => episode.id === id);
    if (!row || !this.night) return;
    row.label = label;
    this.refreshWords(this.night);
    this.list.show(this.night);
    this.picture.draw();
  }

  private key(event: KeyboardEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    if (!this.isShown || !this.night || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target?.closest("input, select, textarea, summary")) return;
    if (event.key === "n" || event.key === "j") this.step(1);
    else if (event.key === "p" || event.key === "k") this.step(-1);
    else if (event.key === "Escape" && this.selected) this.goTo("");
    else if (this.selected && ["1", "2", "3"].includes(event.key)) this.detail.form.press(Number(event.key));
  }
}
