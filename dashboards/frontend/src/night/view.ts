/** One night: its summary, the timeline, the list of episodes, and one of them close up. */

import { getJson, RefusedError } from "../api";
import { make, setText, show } from "../dom";
import { text } from "../i18n";
import { clockExact, nightDate, nightTitle, offset, percentFloor } from "../i18n/format";
import { problemText } from "../i18n/server";
import { currentAddress, go, linkTo, type Address, type View } from "../router";
import type { Origin } from "../schema";
import { Detail } from "./detail";
import { EpisodeList } from "./list";
import { Signals } from "./signals";
import { otherEpisodes, summary } from "./summary";
import { Timeline } from "./timeline";
import { TimeWindow } from "./window";
import type { Label, Night, NightRow } from "./schema";

const READING_MS = 1000;
const RUNNING_MS = 10_000;
const RETRY_MS = 3000;
/** Time shown on each side of a selected episode, in its lengths. */
const MARGIN = 1.5;

export class NightView implements View {
  readonly element: HTMLElement;
  origin: Origin = "live";
  private readonly view = new TimeWindow(() => this.onMove());
  private readonly timeline = new Timeline(this.view, (id) => this.goTo(id));
  private readonly list = new EpisodeList((id) => this.goTo(id));
  private readonly detail: Detail;
  private readonly heading = make("h1");
  private readonly summary = make("p", { class: "sentence" });
  private readonly also = make("p", { class: "muted" });
  private readonly notes = make("ul", { class: "notes muted" });
  private readonly span = make("span", { class: "muted shown", role: "status" });
  private readonly before = make("a", { class: "step", "aria-label": text.night.before, title: text.night.before }, "‹");
  private readonly after = make("a", { class: "step", "aria-label": text.night.after, title: text.night.after }, "›");
  private readonly chooser = make("select", { "aria-label": text.night.choose });
  private readonly bodyParts: HTMLElement;
  private readonly empty = make("section", { class: "card waiting" });
  private night: Night | null = null;
  private selected = "";
  private isShown = false;
  /** Name of the night to show. */
  private requested = "";
  private timer = 0;
  /** Number of the last request: answers to earlier ones come too late. */
  private requestNumber = 0;

  constructor() {
    this.detail = new Detail(new Signals(), {
      onClose: () => this.goTo(""),
      onStep: (by) => this.stepBy(by),
      onLabel: (id, label) => this.applyLabel(id, label),
    });
    this.chooser.addEventListener("change", () => go(linkTo(["night", this.chooser.value])));
    this.bodyParts = make("div", { class: "night-body" }, this.makeTimelineCard(), this.detail.element, this.list.element);
    this.element = make(
      "div",
      { class: "night" },
      make("header", { class: "night-head" }, this.before, this.heading, this.after, this.chooser),
      this.summary,
      this.also,
      this.notes,
      this.empty,
      this.bodyParts,
    );
    this.showEmpty(text.night.loading, "");
    document.addEventListener("keydown", (event) => this.handleKey(event));
  }

  enter({ path, query }: Address): void {
    this.isShown = true;
    const night = path[0] === "night" ? (path[1] ?? "") : "";
    this.selected = query.get("episode") ?? "";
    if (night && night === this.night?.night) {
      this.apply(true);
      return;
    }
    this.requested = night;
    void this.openNight(night);
  }

  leave(): void {
    this.isShown = false;
    window.clearTimeout(this.timer);
    this.requestNumber++;
  }

  recolour(): void {
    this.timeline.draw();
    this.detail.recolour();
  }

  private makeTimelineCard(): HTMLElement {
    const button = (sign: string, label: string, act: () => void): HTMLElement => {
      const made = make("button", { type: "button", "aria-label": label, title: label }, sign);
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
        button("◂", text.night.earlier, () => this.view.move(-0.5)),
        button("▸", text.night.later, () => this.view.move(0.5)),
        button("−", text.night.zoomOut, () => this.view.zoom(1 / 2.5)),
        button("+", text.night.zoomIn, () => this.view.zoom(2.5)),
        button("↔", text.night.whole, () => this.view.showAll()),
      ),
      this.timeline.element,
    );
  }

  /** Open a night by name; the newest one if the name is empty. */
  private async openNight(name: string): Promise<void> {
    const number = ++this.requestNumber;
    window.clearTimeout(this.timer);
    try {
      const rows = await getJson<NightRow[]>("/api/v1/nights");
      if (number !== this.requestNumber) return;
      this.refreshChooser(rows, name);
      const newest = rows[0]?.night ?? "";
      if (!name && newest) {
        go(linkTo(["night", newest], Object.fromEntries(currentAddress().query)), { replace: true });
        this.requested = newest;
      }
      if (this.requested) await this.fetchNight(number);
      else this.showEmpty(text.night.none, text.night.noneHint);
    } catch (error) {
      this.handleFailure(number, error);
    }
  }

  private async fetchNight(number: number): Promise<void> {
    try {
      const night = await getJson<Night>(`/api/v1/nights/${encodeURIComponent(this.requested)}`);
      if (number !== this.requestNumber) return;
      const isOther = night.night !== this.night?.night;
      this.night = night;
      this.apply(isOther);
      const again = night.read < 1 ? READING_MS : night.running ? RUNNING_MS : 0;
      if (again) this.timer = window.setTimeout(() => void this.fetchNight(number), again);
    } catch (error) {
      this.handleFailure(number, error);
    }
  }

  private handleFailure(number: number, error: unknown): void {
    if (number !== this.requestNumber) return;
    if (error instanceof RefusedError) {
      this.night = null;
      this.showEmpty(text.night.gone, error.code === "no_night" ? "" : error.message);
      return;
    }
    if (!this.night) this.showEmpty(text.night.failed, "");
    this.timer = window.setTimeout(() => (this.night ? void this.fetchNight(number) : void this.openNight(this.requested)), RETRY_MS);
  }

  private showEmpty(title: string, hint: string): void {
    this.empty.replaceChildren(make("h2", {}, title), make("p", {}, hint));
    show(this.empty, true);
    for (const part of [this.bodyParts, this.summary, this.also, this.notes]) show(part, false);
    setText(this.heading, text.night.title);
    for (const link of [this.before, this.after]) show(link, false);
    this.setOrigin("live");
  }

  /** Show the night and its selected episode; `isNew` also moves the timeline to it. */
  private apply(isNew: boolean): void {
    const night = this.night;
    if (!night) return;
    show(this.empty, false);
    for (const part of [this.bodyParts, this.summary]) show(part, true);
    this.setOrigin(night.origin);
    setText(this.heading, nightTitle(night.night));
    this.setNeighbour(this.before, night.before);
    this.setNeighbour(this.after, night.after);
    this.refreshTexts(night);
    this.view.setBounds(night.from_ns / 1e6, night.to_ns / 1e6);
    this.list.show(night);
    this.timeline.show(night);
    this.applySelection(night, isNew);
  }

  private applySelection(night: Night, isNew: boolean): void {
    const row = night.episodes.find((episode) => episode.id === this.selected);
    this.timeline.select(this.selected);
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

  private refreshTexts(night: Night): void {
    setText(this.summary, summary(night));
    const also = otherEpisodes(night);
    setText(this.also, also);
    show(this.also, also !== "");
    const [before, after] = [offset(night.from_ns / 1e6), offset(night.to_ns / 1e6)];
    const notes = [
      ...(night.running ? [text.night.running] : []),
      ...(night.read < 1 ? [text.night.reading(percentFloor(night.read))] : []),
      ...(before !== after ? [text.night.clocksChanged(before, after)] : []),
      ...new Set(night.problems.map((problem) => (problem === "deleted" ? text.night.deleted : problemText("recording_unreadable", problem)))),
    ];
    this.notes.replaceChildren(...notes.map((note) => make("li", {}, note)));
    show(this.notes, notes.length > 0);
  }

  private refreshChooser(rows: NightRow[], name: string): void {
    const isListed = !name || rows.some((row) => row.night === name);
    this.chooser.replaceChildren(
      ...(isListed ? [] : [make("option", { value: "", disabled: true, selected: true }, text.night.choose)]),
      ...rows.map((row) => {
        const cramps = row.kinds.cramp ?? 0;
        const origin = text.night.origins[row.origin];
        const label = [nightDate(row.night), ...(origin ? [origin] : []), ...(cramps ? [text.night.crampCount(cramps)] : [])].join(" · ");
        return make("option", { value: row.night, selected: row.night === (name || rows[0]?.night) }, label);
      }),
    );
    show(this.chooser, rows.length > 0);
  }

  private setNeighbour(element: HTMLAnchorElement, night: string | null): void {
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

  private onMove(): void {
    const { fromMs, toMs, lengthMs } = this.view;
    setText(this.span, text.night.shown(clockExact(fromMs, lengthMs), clockExact(toMs, lengthMs)));
    this.timeline.refresh();
  }

  private goTo(id: string): void {
    if (!this.night) return;
    go(linkTo(["night", this.night.night], { episode: id || null }), { replace: true });
    this.selected = id;
    this.applySelection(this.night, true);
    if (id) this.detail.reveal();
  }

  private stepBy(by: 1 | -1): void {
    const rows = this.list.listed;
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.id === this.selected);
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : (at + by + rows.length) % rows.length;
    this.goTo(rows[next]?.id ?? "");
  }

  private applyLabel(id: string, label: Label): void {
    const row = this.night?.episodes.find((episode) => episode.id === id);
    if (!row || !this.night) return;
    row.label = label;
    this.refreshTexts(this.night);
    this.list.show(this.night);
    this.timeline.draw();
  }

  private handleKey(event: KeyboardEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    if (!this.isShown || !this.night || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target?.closest("input, select, textarea, summary")) return;
    if (event.key === "n" || event.key === "j") this.stepBy(1);
    else if (event.key === "p" || event.key === "k") this.stepBy(-1);
    else if (event.key === "Escape" && this.selected) this.goTo("");
    else if (this.selected && ["1", "2", "3"].includes(event.key)) this.detail.form.pressVerdict(Number(event.key));
  }
}
