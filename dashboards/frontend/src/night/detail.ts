/** One episode: from near, what was measured, why it was flagged, what was judged, and what the wearer says. */

import { ask } from "../api";
import { icon, make, say, show } from "../dom";
import { KIND_ICONS } from "../icons";
import { text as shared } from "../strings";
import { amount, clockSeconds } from "../time";
import { reasonWords } from "../told/told";
import type { Episode } from "../wire";
import { CloseUp } from "./closeup";
import { LabelForm } from "./label";
import type { Signals } from "./signals";
import { text } from "./text";
import type { EpisodeDetail, EpisodeRow, Label, Night } from "./wire";
import { channelWords, lasting, lengthMs, placeOfEpisode } from "./words";

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
  private readonly verdicts = make("dl", { class: "night-facts" });
  private readonly more = make("div", { class: "more" });
  private readonly closeUp: CloseUp;
  private shown = "";

  constructor(signals: Signals, actions: DetailActions) {
    this.closeUp = new CloseUp(signals);
    this.form = new LabelForm((label) => actions.onLabel(this.shown, label));
    const button = (word: string, act: () => void): HTMLElement => {
      const made = make("button", { type: "button" }, word);
      made.addEventListener("click", act);
      return made;
    };
    this.more.append(
      make("section", {}, make("h3", {}, text.why), this.reasons),
      make("section", {}, make("h3", {}, text.features), this.facts),
      make("section", {}, make("h3", {}, text.verdicts), this.verdicts),
    );
    this.element = make(
      "section",
      { class: "card detail", hidden: true, "aria-live": "off" },
      make("header", {}, make("div", {}, this.title, this.place), button(text.close, () => actions.onClose())),
      this.closeUp.element,
      this.form.element,
      this.more,
      make(
        "div",
        { class: "steps" },
        button(`‹ ${text.previous}`, () => actions.onStep(-1)),
        this.counter,
        button(`${text.next} ›`, () => actions.onStep(1)),
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

  async show(night: Night, row: EpisodeRow, place: [number, number]): Promise<void> {
    const isOther = row.id !== this.shown;
    this.shown = row.id;
    show(this.element, true);
    const kind = shared.kinds[row.kind];
    this.title.replaceChildren(icon(KIND_ICONS[row.kind]), row.status === "retracted" ? `${shared.withdrawn}: ${kind}` : kind);
    this.title.dataset["kind"] = row.kind;
    say(this.place, `${placeOfEpisode(night, row)}, ${clockSeconds(row.onset_ns / 1e6)}, ${lasting(lengthMs(row, night))}`);
    say(this.counter, place[0] ? text.place(...place) : "");
    if (!isOther) return;
    const path = `/api/v1/nights/${encodeURIComponent(night.night)}/episodes/${encodeURIComponent(row.id)}`;
    this.form.show(`${path}/label`, row.label ?? {});
    this.facts.replaceChildren();
    this.reasons.replaceChildren();
    this.verdicts.replaceChildren();
    void this.closeUp.show(night, row);
    try {
      const detail = await ask<EpisodeDetail>(path);
      if (this.shown === row.id) this.fill(night, detail);
    } catch {
      if (this.shown === row.id) this.reasons.replaceChildren(make("li", {}, text.failed));
    }
  }

  /** Bring it before the eyes; who steps on from one to the next while it is there stays where they are in it. */
  reveal(): void {
    this.title.focus({ preventScroll: true });
    const { top, bottom } = this.element.getBoundingClientRect();
    if (top > window.innerHeight / 2 || bottom < window.innerHeight / 3) this.element.scrollIntoView();
  }

  private fill(night: Night, { episode, live, envelope_mean, floor, threshold, median_hz }: EpisodeDetail): void {
    const sensor = night.sensors.find((one) => one.sensor === episode.sensor);
    const value = (known: number | null): string => (known === null ? shared.unknown : amount(known, episode.unit));
    const channels = episode.channels.map((one) => (sensor ? channelWords(sensor, one) : String(one + 1))).join(", ");
    this.facts.replaceChildren(
      ...fact(text.peak, amount(episode.peak, episode.unit)),
      ...fact(text.mean, value(envelope_mean)),
      ...fact(text.threshold, value(threshold)),
      ...fact(text.floor, value(floor)),
      ...fact(text.frequency, median_hz === null ? shared.unknown : `${Math.round(median_hz)} Hz`),
      ...fact(text.channels, channels || shared.unknown),
    );
    const reasons = episode.reasons.length ? reasonWords(episode) : [text.noReasons];
    this.reasons.replaceChildren(...reasons.map((reason) => make("li", {}, reason)));
    const isFinal = episode.status === "final";
    const said = live ?? (isFinal ? null : episode);
    this.verdicts.replaceChildren(
      ...fact(text.liveVerdict, said ? judged(said) : text.sameAsLive),
      ...fact(text.finalVerdict, isFinal ? judged(episode) : episode.status === "retracted" ? text.withdrawn : text.notYet),
    );
  }
}

function judged(episode: Episode): string {
  return text.verdict(shared.kinds[episode.kind], `${Math.round(episode.confidence * 100)} %`);
}

function fact(name: string, value: string): HTMLElement[] {
  return [make("dt", {}, name), make("dd", {}, value)];
}
