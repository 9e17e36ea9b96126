/** Exports and replays under way: asked for every half second as long as there is one. */

import { ask, change } from "../api";
import { make, mark, show } from "../dom";
import { problemWords } from "../told/told";
import { text } from "./text";
import type { ExportJob, ReplayState } from "./wire";

const LOOK_MS = 500;

export class Jobs {
  readonly element = make("div", { class: "jobs", role: "status" });
  private timer = 0;
  private isShown = false;
  /** Ended replays are told once, not at each visit. */
  private playing = "";

  enter(): void {
    this.isShown = true;
    void this.look();
  }

  leave(): void {
    this.isShown = false;
    window.clearTimeout(this.timer);
  }

  async look(): Promise<void> {
    window.clearTimeout(this.timer);
    let isBusy = true;
    try {
      const [jobs, replay] = await Promise.all([ask<ExportJob[]>("/api/v1/exports"), ask<ReplayState>("/api/v1/replay")]);
      isBusy = jobs.some((job) => job.state === "running") || replay.state === "starting" || replay.state === "running";
      if (replay.state !== "ended") this.playing = replay.session;
      const told = replay.state === "none" || (replay.state === "ended" && !this.playing) ? [] : [this.replay(replay)];
      this.element.replaceChildren(...told, ...jobs.filter((job) => job.state !== "cancelled").map((job) => this.job(job)));
      show(this.element, this.element.childElementCount > 0);
    } catch {
      // Not there: the next look tells.
    }
    if (isBusy && this.isShown) this.timer = window.setTimeout(() => void this.look(), LOOK_MS);
  }

  private job(job: ExportJob): HTMLElement {
    const row = make("div", { class: "card job actions", "data-job": job.id });
    mark(row, "state", job.state);
    if (job.state === "failed") row.append(make("p", {}, text.exportFailed(problemWords(job.code, job.error))));
    else if (job.state === "done") row.append(make("p", {}, text.exported(job.file, text.size(job.size_octets))));
    else {
      const bar = make("progress", { "aria-label": text.exporting(job.file) });
      if (job.total) {
        bar.max = job.total;
        bar.value = job.done;
      }
      row.append(make("p", {}, text.exporting(job.file)), bar);
    }
    if (job.state === "done")
      row.append(make("a", { class: "button primary", href: `/api/v1/exports/${job.id}/file`, download: job.file }, text.fetch));
    if (job.annotations)
      row.append(make("a", { class: "button", href: `/api/v1/exports/${job.id}/annotations`, download: job.annotations }, text.fetchEpisodes));
    const drop = make("button", { type: "button" }, job.state === "running" ? text.cancel : text.remove);
    drop.addEventListener("click", () => void this.after(change("DELETE", `/api/v1/exports/${job.id}`)));
    row.append(drop);
    return row;
  }

  private replay(replay: ReplayState): HTMLElement {
    const words = {
      none: "",
      starting: text.replayStarting,
      running: text.replayRunning,
      ended: text.replayEnded(replay.error),
    }[replay.state];
    const row = make("div", { class: "card job actions", "data-replay": replay.state }, make("p", {}, words));
    if (replay.state === "ended") return row;
    if (replay.url) row.append(make("a", { class: "button primary", href: replay.url, target: "_blank", rel: "noopener" }, text.replayFollow));
    const end = make("button", { type: "button" }, text.replayEnd);
    end.addEventListener("click", () => void this.after(change("DELETE", "/api/v1/replay")));
    row.append(end);
    return row;
  }

  private async after(done: Promise<unknown>): Promise<void> {
    try {
      await done;
    } catch {
      // It is gone already: the look tells.
    }
    await this.look();
  }
}
