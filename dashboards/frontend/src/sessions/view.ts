/** The recordings kept: list, export, replay, delete and take back. */

import { ask, change, RefusedError } from "../api";
import { choice } from "../controls";
import { make, mark, say, show } from "../dom";
import { lasting } from "../night/words";
import { linkTo, type View } from "../router";
import { problemWords } from "../told/told";
import type { Origin } from "../wire";
import { BackupsCard } from "./backups";
import { Jobs } from "./jobs";
import { text } from "./text";
import type { ExportJob, Format, SessionList, SessionRow } from "./wire";

const LOOK_MS = 10_000;
type Filter = "all" | Origin;
const FILTERS: readonly Filter[] = ["all", "live", "demo", "replay"];

export class SessionsView implements View {
  readonly element: HTMLElement;
  /** A list of many nights has no origin of its own: each row tells its own. */
  readonly origin = "live";
  private readonly jobs = new Jobs();
  private readonly backups = new BackupsCard(() => void this.look());
  private readonly total = make("p", { class: "muted" });
  private readonly notice = make("div", { class: "card job undo", role: "status", hidden: true });
  private readonly empty = make("section", { class: "card waiting", hidden: true });
  private readonly filters: HTMLElement;
  private readonly rows = make("ul", { class: "session-rows" });
  private readonly bin: HTMLDetailsElement;
  private readonly binTitle = make("summary");
  private readonly binned = make("ul", { class: "session-rows" });
  private list: SessionList | null = null;
  private filter: Filter = "all";
  private timer = 0;
  private painted = "";
  private isShown = false;

  constructor() {
    this.filters = choice("origins", text.filter, FILTERS, (one) => text.filters[one], this.filter, (one) => {
      this.filter = one;
      this.refresh();
    });
    this.bin = make("details", { class: "card bin", hidden: true }, this.binTitle, make("p", { class: "muted" }, text.binHint), this.binned);
    this.element = make(
      "div",
      { class: "sessions" },
      make("header", { class: "bar" }, make("div", {}, make("h1", {}, text.title), this.total), this.filters),
      this.notice,
      this.jobs.element,
      this.empty,
      this.rows,
      this.bin,
      this.backups.element,
    );
    show(this.jobs.element, false);
  }

  enter(): void {
    this.isShown = true;
    void this.look();
    this.jobs.enter();
    this.backups.enter();
  }

  leave(): void {
    this.isShown = false;
    window.clearTimeout(this.timer);
    this.jobs.leave();
    this.backups.leave();
  }

  private async look(): Promise<void> {
    window.clearTimeout(this.timer);
    try {
      this.list = await ask<SessionList>("/api/v1/sessions");
      this.refresh();
    } catch {
      if (!this.list) this.tell(text.failed, "");
    }
    if (this.isShown) this.timer = window.setTimeout(() => void this.look(), LOOK_MS);
  }

  private refresh(): void {
    const list = this.list;
    if (!list || this.element.querySelector("dialog[open]")) return;
    const kept = list.sessions.filter((row) => row.state !== "deleted");
    const deleted = list.sessions.filter((row) => row.state === "deleted");
    const octets = kept.reduce((sum, row) => sum + row.size_octets, 0);
    const free = list.free_octets === null ? "" : ` · ${text.free(text.size(list.free_octets))}`;
    say(this.total, `${text.total(kept.length, text.size(octets))}${free}`);
    // A button that is replaced under a finger would swallow the tap.
    const key = JSON.stringify([this.filter, list.sessions, list.formats, list.can_replay]);
    if (key === this.painted) return;
    this.painted = key;
    const shown = kept.filter((row) => this.filter === "all" || row.origin === this.filter);
    this.rows.replaceChildren(...shown.map((row) => this.row(row, list)));
    this.binned.replaceChildren(...deleted.map((row) => this.binnedRow(row)));
    say(this.binTitle, text.bin(deleted.length));
    show(this.bin, deleted.length > 0);
    show(this.filters, kept.length > 0);
    if (kept.length === 0) this.tell(text.none, text.noneHint);
    else if (shown.length === 0) this.tell(text.noneOfThese, "");
    else show(this.empty, false);
  }

  private tell(title: string, hint: string): void {
    this.empty.replaceChildren(make("h2", {}, title), make("p", {}, hint));
    show(this.empty, true);
  }

  private row(row: SessionRow, list: SessionList): HTMLElement {
    const name = nameOf(row);
    const title = make("span", { class: "when" }, row.night ? make("a", { href: linkTo(["night", row.night]) }, name) : name);
    if (row.origin && row.origin !== "live") title.append(make("span", { class: "badge" }, text.origins[row.origin]));
    const item = make("li", { class: "card session", "data-session": row.id }, title, this.figures(row), this.actions(row, list));
    mark(item, "state", row.state);
    return item;
  }

  private figures(row: SessionRow): HTMLElement {
    const spanS = (row.to_ns - row.from_ns) / 1e9;
    const covered = row.recorded_s === null ? text.unread : text.coverage(`${Math.floor((100 * row.recorded_s) / Math.max(spanS, 1))} %`);
    const parts = row.state === "unreadable" ? [text.size(row.size_octets), problemWords("unreadable", row.problem)] : [lasting(spanS * 1000), covered, text.size(row.size_octets), text.sensors(row.sensors.length)];
    const figures = make("p", { class: "muted figures" }, ...unbroken(parts));
    const state = text.states[row.state];
    if (state) figures.append(" · ", make("strong", {}, state));
    if (row.recorded_s !== null && spanS > 0) {
      const bar = make("span", { class: "covered", "aria-hidden": "true" }, make("span"));
      (bar.firstElementChild as HTMLElement).style.width = `${Math.min(100, (100 * row.recorded_s) / spanS)}%`;
      figures.append(bar);
    }
    return figures;
  }

  private actions(row: SessionRow, list: SessionList): HTMLElement {
    const bar = make("div", { class: "actions", role: "group", "aria-label": text.actions(nameOf(row)) });
    if (row.state !== "unreadable" && list.formats.length) bar.append(button(text.export, () => this.askFormat(row, list.formats)));
    if (row.state === "ended") bar.append(make("a", { class: "button", href: `/api/v1/sessions/${encodeURIComponent(row.id)}/file`, download: "" }, text.backup));
    if (list.can_replay && row.state !== "unreadable") bar.append(button(text.replay, () => void this.act("POST", row, "replay", {})));
    if (row.state !== "recording") bar.append(button(text.delete, () => void this.delete(row)));
    return bar;
  }

  private binnedRow(row: SessionRow): HTMLElement {
    const until = text.until(text.day((row.purged_ns ?? 0) / 1e6));
    return make(
      "li",
      { class: "session", "data-session": row.id },
      make("span", { class: "when" }, nameOf(row)),
      make("p", { class: "muted figures" }, `${text.size(row.size_octets)} · ${until}`),
      make("div", { class: "actions" }, button(text.takeBack, () => void this.restore(row))),
    );
  }

  private askFormat(row: SessionRow, formats: readonly Format[]): void {
    const format = make("select", { id: "format" }, ...formats.map((one) => make("option", { value: one }, text.formats[one])));
    const sensor = make("select", { id: "sensor" }, ...row.sensors.map((one) => make("option", { value: one }, one)));
    const dialog = make(
      "dialog",
      { "aria-label": text.export },
      make(
        "form",
        { method: "dialog" },
        make("h2", {}, nameOf(row)),
        make("label", { for: "format" }, text.exportAs),
        format,
        ...(row.sensors.length > 1 ? [make("label", { for: "sensor" }, text.sensor), sensor] : []),
        make("div", { class: "actions" }, make("button", { value: "" }, text.cancel), make("button", { class: "primary", value: "go" }, text.start)),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue !== "go") return;
      const wish = { format: format.value, ...(row.sensors.length > 1 ? { sensor: sensor.value } : {}) };
      void this.act<ExportJob>("POST", row, "exports", wish);
    });
    this.element.append(dialog);
    dialog.showModal();
  }

  private async delete(row: SessionRow): Promise<void> {
    if (!(await this.act("DELETE", row, ""))) return;
    const until = text.day(Date.now() + 30 * 86_400_000);
    this.notify(text.deleted(nameOf(row), until), [text.undo, () => void this.restore(row)]);
  }

  private async restore(row: SessionRow): Promise<void> {
    if (await this.act("POST", row, "restore")) show(this.notice, false);
  }

  /** Ask for a change of a recording; return whether it was done. */
  private async act<T>(method: "POST" | "DELETE", row: SessionRow, what: string, body?: unknown): Promise<boolean> {
    try {
      await change<T>(method, `/api/v1/sessions/${encodeURIComponent(row.id)}${what && `/${what}`}`, body);
      await Promise.all([this.look(), this.jobs.look()]);
      return true;
    } catch (error) {
      this.notify(error instanceof RefusedError ? error.message : text.failed);
      return false;
    }
  }

  private notify(words: string, action?: [string, () => void]): void {
    this.notice.replaceChildren(make("p", {}, words), ...(action ? [button(...action)] : []));
    show(this.notice, true);
  }
}

/** Parts with dots between them, where lines may break; within a part they may not. */
function unbroken(parts: string[]): (Node | string)[] {
  return parts.flatMap((part, i) => [i ? " · " : "", make("span", { class: part.length < 30 ? "part" : false }, part)]);
}

function nameOf(row: SessionRow): string {
  return row.from_ns ? text.began(row.from_ns / 1e6) : row.id;
}

function button(word: string, act: () => void): HTMLElement {
  const made = make("button", { type: "button" }, word);
  made.addEventListener("click", act);
  return made;
}
