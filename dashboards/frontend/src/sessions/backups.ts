/** Backups: make one, fetch it, check it, bring back from it what is missing here, remove it. */

import { ask, change, RefusedError } from "../api";
import { make, mark, show } from "../dom";
import { problemWords } from "../told/told";
import { sendFile } from "./sending";
import { text } from "./text";
import type { BackupFindings, BackupJob, BackupRow, Backups } from "./wire";

const LOOK_MS = 500;
const words = text.backups;

export class BackupsCard {
  readonly element: HTMLElement;
  private readonly place = make("p", { class: "muted place" });
  private readonly work = make("div", { class: "work actions", role: "status", hidden: true });
  private readonly rows = make("ul", { class: "backup-rows" });
  private readonly chosen = make("input", { type: "file", accept: ".gz,application/gzip", hidden: true, "aria-label": words.receive });
  private readonly buttons: HTMLButtonElement[];
  private timer = 0;
  private isShown = false;
  private painted = "";
  /** A backup that is to be brought back as soon as it was checked and somebody agreed. */
  private wanted = "";

  /** `changed`: called when recordings came back. */
  constructor(private readonly changed: () => void) {
    const now = button(words.make, () => void this.begin("/api/v1/backups"), "primary");
    const receive = button(words.receive, () => this.chosen.click());
    this.buttons = [now, receive];
    this.chosen.addEventListener("change", () => void this.receive());
    this.element = make(
      "section",
      { class: "card backups", "aria-labelledby": "backups" },
      make("h2", { id: "backups" }, words.title),
      make("p", { class: "muted" }, words.hint),
      make("div", { class: "actions" }, now, receive, this.chosen),
      this.work,
      this.rows,
      this.place,
    );
  }

  enter(): void {
    this.isShown = true;
    void this.look();
  }

  leave(): void {
    this.isShown = false;
    this.wanted = "";
    window.clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    window.clearTimeout(this.timer);
    let isBusy = true;
    try {
      const told = await ask<Backups>("/api/v1/backups");
      isBusy = told.job?.state === "running";
      this.refresh(told);
      if (told.job && !isBusy) this.ended(told.job);
    } catch {
      // Not there: the next look tells.
    }
    if (isBusy && this.isShown) this.timer = window.setTimeout(() => void this.look(), LOOK_MS);
  }

  private refresh(told: Backups): void {
    this.paintWork(told.job);
    const isBusy = told.job?.state === "running";
    for (const one of this.buttons) one.disabled = isBusy;
    const key = JSON.stringify([told.backups, isBusy]);
    if (key === this.painted) return;
    this.painted = key;
    this.place.textContent = words.place(told.folder);
    this.rows.replaceChildren(...told.backups.map((row) => this.row(row, isBusy)));
  }

  private row(row: BackupRow, isBusy: boolean): HTMLElement {
    const what = problemWords(row.code, row.problem) || [text.size(row.size_octets), words.recordings(row.sessions ?? 0)].join(" · ");
    const path = `/api/v1/backups/${encodeURIComponent(row.id)}`;
    const name = text.began(row.written_ns / 1e6);
    const bar = make("div", { class: "actions", role: "group", "aria-label": text.actions(name) });
    bar.append(make("a", { class: "button", href: `${path}/file`, download: row.id }, words.fetch));
    if (!row.problem) {
      bar.append(button(words.check, () => void this.begin(`${path}/check`)));
      bar.append(button(words.restore, () => void this.wish(row.id)));
    }
    bar.append(button(words.remove, () => this.confirmRemoval(path, name)));
    for (const one of bar.querySelectorAll("button")) one.disabled = isBusy;
    return make(
      "li",
      { class: "session", "data-backup": row.id },
      make("span", { class: "when" }, name),
      make("p", { class: "muted figures" }, what),
      bar,
    );
  }

  private paintWork(job: BackupJob | null): void {
    show(this.work, job !== null && job.state !== "cancelled");
    if (!job) return;
    mark(this.work, "state", job.state);
    mark(this.work, "work", job.work);
    if (job.state === "running") {
      const bar = this.work.querySelector("progress");
      if (bar) {
        advance(bar, job);
        return;
      }
      const fresh = make("progress", { "aria-label": words.doing[job.work] });
      advance(fresh, job);
      this.work.replaceChildren(make("p", {}, words.doing[job.work]), fresh, button(text.cancel, () => void this.forget()));
      return;
    }
    const said = job.state === "failed" ? words.failed[job.work](problemWords(job.code, job.error)) : outcome(job);
    this.work.replaceChildren(make("p", {}, said), button(words.close, () => void this.forget()));
  }

  /** Take the next step of what somebody asked for. */
  private ended(job: BackupJob): void {
    if (job.work === "restore" && job.state === "done") this.changed();
    if (this.wanted !== job.backup || job.work !== "check") return;
    this.wanted = "";
    if (job.state !== "done" || !job.findings?.absent) return;
    const path = `/api/v1/backups/${encodeURIComponent(job.backup)}/restore`;
    const lines = [words.willCome(job.findings.absent, job.findings.with_episodes), ...besides(job.findings), words.staysAsIs, words.otherwise];
    this.confirm(words.restoreTitle, lines, words.restoreNow, () => void this.begin(path));
  }

  private async wish(backup: string): Promise<void> {
    this.wanted = backup;
    await this.begin(`/api/v1/backups/${encodeURIComponent(backup)}/check`);
  }

  private confirmRemoval(path: string, name: string): void {
    this.confirm(words.removeTitle(name), [words.removeHint], words.remove, () => void this.after(change("DELETE", path)));
  }

  private confirm(title: string, lines: string[], go: string, agreed: () => void): void {
    const dialog = make(
      "dialog",
      { "aria-label": title },
      make(
        "form",
        { method: "dialog" },
        make("h2", {}, title),
        ...lines.map((line) => make("p", {}, line)),
        make("div", { class: "actions" }, make("button", { value: "" }, text.cancel), make("button", { class: "primary", value: "go" }, go)),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "go") agreed();
    });
    this.element.append(dialog);
    dialog.showModal();
  }

  private async receive(): Promise<void> {
    const file = this.chosen.files?.[0];
    this.chosen.value = "";
    if (!file) return;
    const bar = make("progress", { "aria-label": words.receiving(file.name), max: "1", value: "0" });
    this.work.replaceChildren(make("p", {}, words.receiving(file.name)), bar);
    mark(this.work, "state", "sending");
    show(this.work, true);
    for (const one of this.buttons) one.disabled = true;
    try {
      await sendFile("/api/v1/backups/received", file, (share) => {
        bar.value = share;
      });
      await this.forget();
    } catch (error) {
      this.say(error instanceof RefusedError ? error.message : words.notSent);
    }
    for (const one of this.buttons) one.disabled = false;
  }

  private async begin(path: string): Promise<void> {
    await this.after(change("POST", path));
  }

  private async forget(): Promise<void> {
    await change("DELETE", "/api/v1/backup-work").catch(() => null);
    show(this.work, false);
    await this.look();
  }

  private async after(done: Promise<unknown>): Promise<void> {
    try {
      await done;
      await this.look();
    } catch (error) {
      this.say(error instanceof RefusedError ? error.message : text.failed);
    }
  }

  private say(what: string): void {
    this.work.replaceChildren(make("p", {}, what), button(words.close, () => void this.forget()));
    mark(this.work, "state", "failed");
    show(this.work, true);
  }
}

function outcome(job: BackupJob): string {
  const found = job.findings;
  if (!found) return words.made;
  if (job.work === "restore") return words.cameBack(found.brought_back);
  const news = found.absent ? words.absent(found.absent) : words.nothingAbsent;
  return [words.whole(found.files, found.sessions), news, ...besides(found)].join(" ");
}

/** What is not brought back, and why. */
function besides(found: BackupFindings): string[] {
  const lines = [];
  if (found.present) lines.push(words.present(found.present));
  if (found.deleted) lines.push(words.deleted(found.deleted));
  if (found.damaged.length) lines.push(words.damaged(found.damaged.join(", ")));
  return lines;
}

function advance(bar: HTMLProgressElement, job: BackupJob): void {
  if (!job.total) return;
  bar.max = job.total;
  bar.value = job.done;
}

function button(word: string, act: () => void, kind = ""): HTMLButtonElement {
  const made = make("button", { type: "button", class: kind || false }, word);
  made.addEventListener("click", act);
  return made;
}
