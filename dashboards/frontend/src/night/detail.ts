/** One episode: close up, measurements, reasons, live and final result, and the wearer's answers. */

import { getJson } from "../api";
import { icon, make, makeButton, setText, show } from "../dom";
import { text } from "../i18n";
import { amount, clockSeconds, duration, hertz, percent } from "../i18n/format";
import { reasonTexts } from "../i18n/server";
import { KIND_ICONS } from "../icons";
import type { Episode } from "../schema";
import { CloseUp } from "./closeup";
import { LabelForm } from "./label";
import { channelName, episodePlace, lengthMs, sensorOf } from "./names";
import type { Signals } from "./signals";
import type { EpisodeDetail, EpisodeRow, Label, Night } from "./schema";

export interface DetailActions {
  onClose(): void;
  onStep(by: 1 | -1): void;
  onLabel(id: string, label: Label): void;
}

export class Detail {
  readonly element: HTMLElement;
  readonly form: LabelForm;
  private readonly title = make("h2", { tabindex: "-1" });
  private readonly place = make("p", { class: "muted" });
  private readonly counter = make("span", { class: "muted counter" });
  private readonly facts = make("dl", { class: "night-facts" });
  private readonly reasons = make("ul", { class: "reasons" });
  private readonly results = make("dl", { class: "night-facts" });
  private readonly more = make("div", { class: "more" });
  private readonly closeUp: CloseUp;
  private shown = "";

  constructor(signals: Signals, actions: DetailActions) {
    this.closeUp = new CloseUp(signals);
    this.form = new LabelForm((label) => actions.onLabel(this.shown, label));
    this.more.append(
      make("section", {}, make("h3", {}, text.night.why), this.reasons),
      make("section", {}, make("h3", {}, text.night.measured), this.facts),
      make("section", {}, make("h3", {}, text.night.results), this.results),
    );
    this.element = make(
      "section",
      { class: "card detail", hidden: true, "aria-live": "off" },
      make("header", {}, make("div", {}, this.title, this.place), makeButton(text.night.close, () => actions.onClose())),
      this.closeUp.element,
      this.form.element,
      this.more,
      make(
        "div",
        { class: "steps" },
        makeButton(`‹ ${text.night.previous}`, () => actions.onStep(-1)),
        this.counter,
        makeButton(`${text.night.next} ›`, () => actions.onStep(1)),
      ),
    );
  }

  hide(): void {
    this.shown = "";
    show(this.element, false);
  }

  recolour(): void {
    this.closeUp.draw();
  }

  async show(night: Night, row: EpisodeRow, position: [number, number]): Promise<void> {
    const isOther = row.id !== this.shown;
    this.shown = row.id;
    show(this.element, true);
    const kind = text.common.kinds[row.kind];
    this.title.replaceChildren(icon(KIND_ICONS[row.kind]), row.status === "retracted" ? text.common.withdrawn(kind) : kind);
    this.title.dataset["kind"] = row.kind;
    setText(this.place, `${episodePlace(night, row)}, ${clockSeconds(row.onset_ns / 1e6)}, ${duration(lengthMs(row, night))}`);
    setText(this.counter, position[0] ? text.night.position(...position) : "");
    if (!isOther) return;
    const path = `/api/v1/nights/${encodeURIComponent(night.night)}/episodes/${encodeURIComponent(row.id)}`;
    this.form.show(`${path}/label`, row.label ?? {});
    this.facts.replaceChildren();
    this.reasons.replaceChildren();
    this.results.replaceChildren();
    void this.closeUp.show(night, row);
    try {
      const detail = await getJson<EpisodeDetail>(path);
      if (this.shown === row.id) this.showDetail(night, detail);
    } catch {
      if (this.shown === row.id) this.reasons.replaceChildren(make("li", {}, text.night.failed));
    }
  }

  /** Scroll to it unless it is on the screen already: stepping from one to the next keeps the scroll position. */
  reveal(): void {
    this.title.focus({ preventScroll: true });
    const { top, bottom } = this.element.getBoundingClientRect();
    if (top > window.innerHeight / 2 || bottom < window.innerHeight / 3) this.element.scrollIntoView();
  }

  private showDetail(night: Night, { episode, live, envelope_mean, floor, threshold, median_hz }: EpisodeDetail): void {
    const sensor = sensorOf(night, episode);
    const value = (measured: number | null): string => (measured === null ? text.common.unknown : amount(measured, episode.unit));
    const channels = episode.channels.map((one) => (sensor ? channelName(sensor, one) : String(one + 1))).join(", ");
    this.facts.replaceChildren(
      ...factRow(text.night.peak, amount(episode.peak, episode.unit)),
      ...factRow(text.night.mean, value(envelope_mean)),
      ...factRow(text.night.threshold, value(threshold)),
      ...factRow(text.night.floor, value(floor)),
      ...factRow(text.night.frequency, median_hz === null ? text.common.unknown : hertz(median_hz)),
      ...factRow(text.night.channels, channels || text.common.unknown),
    );
    const reasons = episode.reasons.length ? reasonTexts(episode) : [text.common.noReasons];
    this.reasons.replaceChildren(...reasons.map((reason) => make("li", {}, reason)));
    const isFinal = episode.status === "final";
    // The final analysis may have replaced the live result: then there is no live result to show.
    const liveEpisode = live ?? (isFinal ? null : episode);
    this.results.replaceChildren(
      ...(liveEpisode ? factRow(text.night.liveResult, resultText(liveEpisode)) : []),
      ...factRow(text.night.finalResult, isFinal ? resultText(episode) : episode.status === "retracted" ? text.night.removed : text.night.notYet),
    );
  }
}

function resultText(episode: Episode): string {
  return text.night.result(text.common.kinds[episode.kind], text.common.confidence(percent(episode.confidence)));
}

function factRow(name: string, value: string): HTMLElement[] {
  return [make("dt", {}, name), make("dd", {}, value)];
}
