/** Backups: make one, download it, check it, restore from it what is missing here, remove it. */

import { errorText, getJson, RefusedError, sendJson } from "../api";
import { make, makeButton, setData, show } from "../dom";
import { text } from "../i18n";
import { dateTime, fileSize } from "../i18n/format";
import { problemText } from "../i18n/server";
import type { BackupFindings, BackupJob, BackupRow, Backups } from "./schema";
import { uploadFile } from "./upload";

const POLL_MS = 500;

export class BackupsCard {
  readonly element: HTMLElement;
  private readonly place = make("p", { class: "muted place" });
  private readonly work = make("div", { class: "work actions", role: "status", hidden: true });
  private readonly rows = make("ul", { class: "backup-rows" });
  private readonly fileInput = make("input", { type: "file", accept: ".gz,application/gzip", hidden: true, "aria-label": text.backups.add });
  private readonly buttons: HTMLButtonElement[];
  private timer = 0;
  private isShown = false;
  private painted = "";
  /** The backup to restore once it has been checked and the user has agreed. */
  private toRestore = "";

  /** `onRestored` is called when recordings have been restored. */
  constructor(private readonly onRestored: () => void) {
    const makeNow = makeButton(text.backups.make, () => void this.startWork("/api/v1/backups"), "primary");
    const addFile = makeButton(text.backups.add, () => this.fileInput.click());
    this.buttons = [makeNow, addFile];
    this.fileInput.addEventListener("change", () => void this.upload());
    this.element = make(
      "section",
      { class: "card backups", "aria-labelledby": "backups" },
      make("h2", { id: "backups" }, text.backups.title),
      make("p", { class: "muted" }, text.backups.hint),
      make("div", { class: "actions" }, makeNow, addFile, this.fileInput),
      this.work,
      this.rows,
      this.place,
    );
  }

  enter(): void {
    this.isShown = true;
    void this.poll();
  }

  leave(): void {
    this.isShown = false;
    this.toRestore = "";
    window.clearTimeout(this.timer);
  }

  private async poll(): Promise<void> {
    window.clearTimeout(this.timer);
    let isBusy = true;
    try {
      const state = await getJson<Backups>("/api/v1/backups");
      isBusy = state.job?.state === "running";
      this.refresh(state);
      if (state.job && !isBusy) this.onJobEnd(state.job);
    } catch {
      // Unreachable: the next poll follows.
    }
    if (isBusy && this.isShown) this.timer = window.setTimeout(() => void this.poll(), POLL_MS);
  }

  private refresh(state: Backups): void {
    this.paintWork(state.job);
    const isBusy = state.job?.state === "running";
    for (const one of this.buttons) one.disabled = isBusy;
    const key = JSON.stringify([state.backups, isBusy]);
    if (key === this.painted) return;
    this.painted = key;
    this.place.textContent = text.backups.place(state.folder);
    this.rows.replaceChildren(...state.backups.map((row) => this.makeRow(row, isBusy)));
  }

  private makeRow(row: BackupRow, isBusy: boolean): HTMLElement {
    const contents = [fileSize(row.size_octets), text.backups.recordings(row.sessions ?? 0)].join(" · ");
    const path = `/api/v1/backups/${encodeURIComponent(row.id)}`;
    const name = dateTime(row.written_ns / 1e6);
    const bar = make("div", { class: "actions", role: "group", "aria-label": text.sessions.actions(name) });
    bar.append(make("a", { class: "button", href: `${path}/file`, download: row.id }, text.backups.download));
    if (!row.problem) {
      bar.append(makeButton(text.backups.check, () => void this.startWork(`${path}/check`)));
      bar.append(makeButton(text.backups.restore, () => void this.checkThenRestore(row.id)));
    }
    bar.append(makeButton(text.common.remove, () => this.confirmRemoval(path, name)));
    for (const one of bar.querySelectorAll("button")) one.disabled = isBusy;
    return make(
      "li",
      { class: "session", "data-backup": row.id },
      make("span", { class: "when" }, name),
      make("p", { class: "muted figures" }, problemText(row.code, row.problem) || contents),
      bar,
    );
  }

  private paintWork(job: BackupJob | null): void {
    show(this.work, job !== null && job.state !== "cancelled");
    if (!job) return;
    setData(this.work, "state", job.state);
    setData(this.work, "work", job.work);
    if (job.state === "running") this.paintProgress(job);
    else {
      const result = job.state === "failed" ? text.backups.workFailed[job.work](problemText(job.code, job.error)) : resultText(job);
      this.work.replaceChildren(make("p", {}, result), this.closeButton());
    }
  }

  private paintProgress(job: BackupJob): void {
    const label = text.backups.working[job.work];
    let bar = this.work.querySelector("progress");
    if (!bar) {
      bar = make("progress", { "aria-label": label });
      this.work.replaceChildren(make("p", {}, label), bar, makeButton(text.common.cancel, () => void this.dismissJob()));
    }
    if (!job.total) return;
    bar.max = job.total;
    bar.value = job.done;
  }

  /** Take the next step of a restore: ask once the backup has been checked, report once it is restored. */
  private onJobEnd(job: BackupJob): void {
    if (job.work === "restore" && job.state === "done") this.onRestored();
    if (this.toRestore !== job.backup || job.work !== "check") return;
    this.toRestore = "";
    if (job.state !== "done" || !job.findings?.absent) return;
    const { absent, with_episodes } = job.findings;
    const path = `/api/v1/backups/${encodeURIComponent(job.backup)}/restore`;
    const effect = with_episodes ? text.backups.willRestore(absent) : text.backups.willRestoreBare(absent);
    const lines = [effect, ...leftOut(job.findings), text.backups.nothingChanges, text.backups.settingsStay];
    this.askToConfirm(text.backups.restoreTitle, lines, text.backups.restoreNow, () => void this.startWork(path));
  }

  private async checkThenRestore(backup: string): Promise<void> {
    this.toRestore = backup;
    await this.startWork(`/api/v1/backups/${encodeURIComponent(backup)}/check`);
  }

  private confirmRemoval(path: string, name: string): void {
    const remove = (): void => void this.pollAfter(sendJson("DELETE", path));
    this.askToConfirm(text.backups.removeTitle(name), [text.backups.removeHint], text.common.remove, remove);
  }

  private askToConfirm(title: string, lines: string[], go: string, onAgreed: () => void): void {
    const dialog = make(
      "dialog",
      { "aria-label": title },
      make(
        "form",
        { method: "dialog" },
        make("h2", {}, title),
        ...lines.map((line) => make("p", {}, line)),
        make("div", { class: "actions" }, make("button", { value: "" }, text.common.cancel), make("button", { class: "primary", value: "go" }, go)),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "go") onAgreed();
    });
    this.element.append(dialog);
    dialog.showModal();
  }

  private async upload(): Promise<void> {
    const file = this.fileInput.files?.[0];
    this.fileInput.value = "";
    if (!file) return;
    const label = text.backups.uploading(file.name);
    const bar = make("progress", { "aria-label": label, max: "1", value: "0" });
    this.work.replaceChildren(make("p", {}, label), bar);
    setData(this.work, "state", "sending");
    show(this.work, true);
    for (const one of this.buttons) one.disabled = true;
    try {
      await uploadFile("/api/v1/backups/received", file, (share) => {
        bar.value = share;
      });
      await this.dismissJob();
    } catch (error) {
      this.showFailure(error instanceof RefusedError ? error.message : text.backups.notUploaded);
    }
    for (const one of this.buttons) one.disabled = false;
  }

  private async startWork(path: string): Promise<void> {
    await this.pollAfter(sendJson("POST", path));
  }

  /** Cancel a running job, or clear the result of one that has ended. */
  private async dismissJob(): Promise<void> {
    await sendJson("DELETE", "/api/v1/backup-work").catch(() => null);
    show(this.work, false);
    await this.poll();
  }

  private async pollAfter(change: Promise<unknown>): Promise<void> {
    try {
      await change;
      await this.poll();
    } catch (error) {
      this.showFailure(errorText(error));
    }
  }

  private showFailure(message: string): void {
    this.work.replaceChildren(make("p", {}, message), this.closeButton());
    setData(this.work, "state", "failed");
    show(this.work, true);
  }

  private closeButton(): HTMLElement {
    return makeButton(text.common.close, () => void this.dismissJob());
  }
}

function resultText(job: BackupJob): string {
  const { findings } = job;
  if (!findings) return text.backups.made;
  if (job.work === "restore") return text.backups.restored(findings.brought_back);
  const lines = [text.backups.intact(findings.files, findings.sessions)];
  if (findings.absent) lines.push(text.backups.missingHere(findings.absent));
  else if (!findings.deleted) lines.push(text.backups.nothingMissing);
  return [...lines, ...leftOut(findings)].join(" ");
}

/** What will not be restored, and why. */
function leftOut({ absent, present, deleted, damaged }: BackupFindings): string[] {
  const lines = [];
  if (present && (absent || deleted)) lines.push(text.backups.present(present)); // else all of it is here
  if (deleted) lines.push(text.backups.deleted(deleted));
  if (damaged.length) lines.push(text.backups.damaged(damaged.join(", ")));
  return lines;
}
