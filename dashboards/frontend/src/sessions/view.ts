/** The recordings: list, export, replay, delete and restore. */

import { errorText, getJson, sendJson } from "../api";
import { choice } from "../controls";
import { make, makeButton, setData, setText, show } from "../dom";
import { text } from "../i18n";
import { dateTime, day, duration, fileSize, percentFloor } from "../i18n/format";
import { problemText } from "../i18n/server";
import { linkTo, type View } from "../router";
import type { Origin } from "../schema";
import { BackupsCard } from "./backups";
import { Jobs } from "./jobs";
import type { ExportJob, Format, SessionList, SessionRow } from "./schema";

const POLL_MS = 10_000;
/** As long as `crampwatch/web/sessions/trash.py` keeps deleted recordings. */
const TRASH_MS = 30 * 86_400_000;
type Filter = "all" | Origin;
const FILTERS: readonly Filter[] = ["all", "live", "demo", "replay"];

export class SessionsView implements View {
  readonly element: HTMLElement;
  /** A list of many nights has no single origin; each row shows its own. */
  readonly origin = "live";
  private readonly jobs = new Jobs();
  private readonly backups = new BackupsCard(() => void this.poll());
  private readonly total = make("p", { class: "muted" });
  private readonly notice = make("div", { class: "card job undo", role: "status", hidden: true });
  private readonly empty = make("section", { class: "card waiting", hidden: true });
  private readonly filters: HTMLElement;
  private readonly rows = make("ul", { class: "session-rows" });
  private readonly trash: HTMLDetailsElement;
  private readonly trashTitle = make("summary");
  private readonly trashRows = make("ul", { class: "session-rows" });
  private list: SessionList | null = null;
  private filter: Filter = "all";
  private timer = 0;
  private painted = "";
  private isShown = false;

  constructor() {
    this.filters = choice("origins", text.sessions.filter, FILTERS, (one) => text.sessions.filters[one], this.filter, (one) => {
      this.filter = one;
      this.refresh();
    });
    this.trash = make("details", { class: "card trash", hidden: true }, this.trashTitle, make("p", { class: "muted" }, text.sessions.trashHint), this.trashRows);
    this.element = make(
      "div",
      { class: "sessions" },
      make("header", { class: "bar" }, make("div", {}, make("h1", {}, text.sessions.title), this.total), this.filters),
      this.notice,
      this.jobs.element,
      this.empty,
      this.rows,
      this.trash,
      this.backups.element,
    );
    show(this.jobs.element, false);
  }

  enter(): void {
    this.isShown = true;
    void this.poll();
    this.jobs.enter();
    this.backups.enter();
  }

  leave(): void {
    this.isShown = false;
    window.clearTimeout(this.timer);
    this.jobs.leave();
    this.backups.leave();
  }

  private async poll(): Promise<void> {
    window.clearTimeout(this.timer);
    try {
      this.list = await getJson<SessionList>("/api/v1/sessions");
      this.refresh();
    } catch {
      if (!this.list) this.showEmpty(text.sessions.failed, "");
    }
    if (this.isShown) this.timer = window.setTimeout(() => void this.poll(), POLL_MS);
  }

  private refresh(): void {
    const list = this.list;
    if (!list || this.element.querySelector("dialog[open]")) return;
    const present = list.sessions.filter((row) => row.state !== "deleted");
    const deleted = list.sessions.filter((row) => row.state === "deleted");
    const bytes = present.reduce((sum, row) => sum + row.size_octets, 0);
    const free = list.free_octets === null ? "" : ` · ${text.sessions.free(fileSize(list.free_octets))}`;
    setText(this.total, `${text.sessions.total(present.length, fileSize(bytes))}${free}`);
    // A button that is replaced under a finger would lose the tap.
    const key = JSON.stringify([this.filter, list.sessions, list.formats, list.can_replay]);
    if (key === this.painted) return;
    this.painted = key;
    const shown = present.filter((row) => this.filter === "all" || row.origin === this.filter);
    this.rows.replaceChildren(...shown.map((row) => this.makeRow(row, list)));
    this.trashRows.replaceChildren(...deleted.map((row) => this.makeTrashRow(row)));
    setText(this.trashTitle, text.sessions.trash(deleted.length));
    show(this.trash, deleted.length > 0);
    show(this.filters, present.length > 0);
    if (present.length === 0) this.showEmpty(text.sessions.none, text.sessions.noneHint);
    else if (shown.length === 0) this.showEmpty(text.sessions.noneOfThese, "");
    else show(this.empty, false);
  }

  private showEmpty(title: string, hint: string): void {
    this.empty.replaceChildren(make("h2", {}, title), make("p", {}, hint));
    show(this.empty, true);
  }

  private makeRow(row: SessionRow, list: SessionList): HTMLElement {
    const name = rowName(row);
    const title = make("span", { class: "when" }, row.night ? make("a", { href: linkTo(["night", row.night]) }, name) : name);
    if (row.origin && row.origin !== "live") title.append(make("span", { class: "badge" }, text.sessions.origins[row.origin]));
    const item = make("li", { class: "card session", "data-session": row.id }, title, this.makeFigures(row), this.makeActions(row, list));
    setData(item, "state", row.state);
    return item;
  }

  private makeFigures(row: SessionRow): HTMLElement {
    const spanS = (row.to_ns - row.from_ns) / 1e9;
    const coverage = row.recorded_s === null ? text.sessions.checking : text.sessions.coverage(percentFloor(row.recorded_s / Math.max(spanS, 1)));
    const parts = row.state === "unreadable" ? [fileSize(row.size_octets), problemText("unreadable", row.problem)] : [duration(spanS * 1000), coverage, fileSize(row.size_octets), text.sessions.sensors(row.sensors.length)];
    const figures = make("p", { class: "muted figures" }, ...joinParts(parts));
    const state = text.sessions.states[row.state];
    if (state) figures.append(" · ", make("strong", {}, state));
    if (row.recorded_s !== null && spanS > 0) {
      const bar = make("span", { class: "covered", "aria-hidden": "true" }, make("span"));
      (bar.firstElementChild as HTMLElement).style.width = `${Math.min(100, (100 * row.recorded_s) / spanS)}%`;
      figures.append(bar);
    }
    return figures;
  }

  private makeActions(row: SessionRow, list: SessionList): HTMLElement {
    const bar = make("div", { class: "actions", role: "group", "aria-label": text.sessions.actions(rowName(row)) });
    if (row.state !== "unreadable" && list.formats.length) bar.append(makeButton(text.sessions.export, () => this.chooseFormat(row, list.formats)));
    if (row.state === "ended") bar.append(make("a", { class: "button", href: `/api/v1/sessions/${encodeURIComponent(row.id)}/file`, download: "" }, text.sessions.download));
    if (list.can_replay && row.state !== "unreadable") bar.append(makeButton(text.sessions.replay, () => void this.requestChange("POST", row, "replay", {})));
    if (row.state !== "recording") bar.append(makeButton(text.sessions.delete, () => void this.deleteRow(row)));
    return bar;
  }

  private makeTrashRow(row: SessionRow): HTMLElement {
    const until = text.sessions.until(day((row.purged_ns ?? 0) / 1e6));
    return make(
      "li",
      { class: "session", "data-session": row.id },
      make("span", { class: "when" }, rowName(row)),
      make("p", { class: "muted figures" }, `${fileSize(row.size_octets)} · ${until}`),
      make("div", { class: "actions" }, makeButton(text.sessions.restore, () => void this.restoreRow(row))),
    );
  }

  private chooseFormat(row: SessionRow, formats: readonly Format[]): void {
    const format = make("select", { id: "format" }, ...formats.map((one) => make("option", { value: one }, text.sessions.formats[one])));
    const sensor = make("select", { id: "sensor" }, ...row.sensors.map((one) => make("option", { value: one }, one)));
    const dialog = make(
      "dialog",
      { "aria-label": text.sessions.export },
      make(
        "form",
        { method: "dialog" },
        make("h2", {}, rowName(row)),
        make("label", { for: "format" }, text.sessions.exportAs),
        format,
        ...(row.sensors.length > 1 ? [make("label", { for: "sensor" }, text.sessions.sensor), sensor] : []),
        make("div", { class: "actions" }, make("button", { value: "" }, text.common.cancel), make("button", { class: "primary", value: "go" }, text.sessions.export)),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue !== "go") return;
      const request = { format: format.value, ...(row.sensors.length > 1 ? { sensor: sensor.value } : {}) };
      void this.requestChange<ExportJob>("POST", row, "exports", request);
    });
    this.element.append(dialog);
    dialog.showModal();
  }

  private async deleteRow(row: SessionRow): Promise<void> {
    if (!(await this.requestChange("DELETE", row, ""))) return;
    const until = day(Date.now() + TRASH_MS);
    this.showNotice(text.sessions.deleted(rowName(row), until), [text.sessions.undo, () => void this.restoreRow(row)]);
  }

  private async restoreRow(row: SessionRow): Promise<void> {
    if (await this.requestChange("POST", row, "restore")) show(this.notice, false);
  }

  /** Request a change of a recording; return whether it was done. */
  private async requestChange<T>(method: "POST" | "DELETE", row: SessionRow, what: string, body?: unknown): Promise<boolean> {
    try {
      await sendJson<T>(method, `/api/v1/sessions/${encodeURIComponent(row.id)}${what && `/${what}`}`, body);
      await Promise.all([this.poll(), this.jobs.poll()]);
      return true;
    } catch (error) {
      this.showNotice(errorText(error));
      return false;
    }
  }

  private showNotice(message: string, action?: [string, () => void]): void {
    this.notice.replaceChildren(make("p", {}, message), ...(action ? [makeButton(...action)] : []));
    show(this.notice, true);
  }
}

/** Join parts with dots; lines may break between short parts, but not within them. */
function joinParts(parts: string[]): (Node | string)[] {
  return parts.flatMap((part, i) => [i ? " · " : "", make("span", { class: part.length < 30 ? "part" : false }, part)]);
}

function rowName(row: SessionRow): string {
  return row.from_ns ? dateTime(row.from_ns / 1e6) : row.id;
}
