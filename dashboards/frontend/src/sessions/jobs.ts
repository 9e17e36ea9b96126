/** Exports and replays under way: polled every half second as long as there is one. */

import { getJson, sendJson } from "../api";
import { make, makeButton, setData, show } from "../dom";
import { text } from "../i18n";
import { fileSize } from "../i18n/format";
import { problemText } from "../i18n/server";
import type { ExportJob, ReplayState } from "./schema";

const POLL_MS = 500;

export class Jobs {
  readonly element = make("div", { class: "jobs", role: "status" });
  private timer = 0;
  private isShown = false;
  /** The replay seen running: that it has ended is shown once, not at each visit. */
  private runningReplay = "";

  enter(): void {
    this.isShown = true;
    void this.poll();
  }

  leave(): void {
    this.isShown = false;
    window.clearTimeout(this.timer);
  }

  async poll(): Promise<void> {
    window.clearTimeout(this.timer);
    let isBusy = true;
    try {
      const [jobs, replay] = await Promise.all([getJson<ExportJob[]>("/api/v1/exports"), getJson<ReplayState>("/api/v1/replay")]);
      isBusy = jobs.some((job) => job.state === "running") || replay.state === "starting" || replay.state === "running";
      this.refresh(jobs, replay);
    } catch {
      // Unreachable: the next poll follows.
    }
    if (isBusy && this.isShown) this.timer = window.setTimeout(() => void this.poll(), POLL_MS);
  }

  private refresh(jobs: ExportJob[], replay: ReplayState): void {
    if (replay.state !== "ended") this.runningReplay = replay.session;
    const hasReplay = replay.state !== "none" && (replay.state !== "ended" || this.runningReplay !== "");
    const exports = jobs.filter((job) => job.state !== "cancelled").map((job) => this.makeExportRow(job));
    this.element.replaceChildren(...(hasReplay ? [this.makeReplayRow(replay)] : []), ...exports);
    show(this.element, this.element.childElementCount > 0);
  }

  private makeExportRow(job: ExportJob): HTMLElement {
    const row = make("div", { class: "card job actions", "data-job": job.id });
    setData(row, "state", job.state);
    row.append(...exportState(job));
    if (job.state === "done")
      row.append(make("a", { class: "button primary", href: `/api/v1/exports/${job.id}/file`, download: job.file }, text.sessions.download));
    if (job.annotations)
      row.append(make("a", { class: "button", href: `/api/v1/exports/${job.id}/annotations`, download: job.annotations }, text.sessions.downloadEpisodes));
    const label = job.state === "running" ? text.common.cancel : text.common.remove;
    row.append(makeButton(label, () => void this.pollAfter(sendJson("DELETE", `/api/v1/exports/${job.id}`))));
    return row;
  }

  private makeReplayRow(replay: ReplayState): HTMLElement {
    const row = make("div", { class: "card job actions", "data-replay": replay.state }, make("p", {}, replayText(replay)));
    if (replay.state === "ended") return row;
    if (replay.url) row.append(make("a", { class: "button primary", href: replay.url, target: "_blank", rel: "noopener" }, text.sessions.replayWatch));
    row.append(makeButton(text.sessions.replayStop, () => void this.pollAfter(sendJson("DELETE", "/api/v1/replay"))));
    return row;
  }

  private async pollAfter(change: Promise<unknown>): Promise<void> {
    await change.catch(() => undefined); // it is gone already: the poll shows that
    await this.poll();
  }
}

function exportState(job: ExportJob): HTMLElement[] {
  if (job.state === "failed") return [make("p", {}, text.sessions.exportFailed(problemText(job.code, job.error)))];
  if (job.state === "done") return [make("p", {}, text.sessions.exported(job.file, fileSize(job.size_octets)))];
  const label = text.sessions.exporting(job.file);
  const bar = make("progress", { "aria-label": label });
  if (job.total) {
    bar.max = job.total;
    bar.value = job.done;
  }
  return [make("p", {}, label), bar];
}

function replayText({ state, error }: ReplayState): string {
  if (state === "starting") return text.sessions.replayStarting;
  if (state === "running") return text.sessions.replayRunning;
  return error ? text.sessions.replayFailed(error) : text.sessions.replayFinished;
}
