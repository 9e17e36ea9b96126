/** The unmistakable part: a likely cramp is on; what often helps; and that it has eased. */

import { icon, make, mark, say, show } from "../dom";
import { STATE_ICONS } from "../icons";
import { text } from "../strings";
import { clockSeconds, duration } from "../time";
import type { Cramp } from "./cramps";
import { placeOf } from "./words";

/** After this, say that it is a reason to call for help (DOMAIN: advice pages name ten minutes). */
const LONG_MS = 600_000;

export class Banner {
  readonly element = make("div", { class: "banners" });
  /** What often helps: shown beside the signals while a cramp is on. */
  readonly relief = reliefCard();
  private readonly spoken = make("p", { class: "unseen", role: "alert" });
  private readonly strips = new Map<string, Strip>();
  private readonly dismissed = new Set<string>();

  constructor(private readonly onAcknowledge: () => void) {
    this.element.append(this.spoken);
  }

  /** Whether a cramp is on that nobody has acknowledged. */
  get isCalling(): boolean {
    return [...this.strips.values()].some((strip) => strip.isCalling);
  }

  refresh(cramps: Cramp[]): void {
    const present = cramps.filter((cramp) => !this.dismissed.has(cramp.id));
    for (const [id, strip] of this.strips) if (!present.some((cramp) => cramp.id === id)) this.remove(id, strip);
    for (const cramp of present) this.refreshStrip(cramp);
    show(this.relief, present.some((cramp) => cramp.endMs === null));
  }

  private refreshStrip(cramp: Cramp): void {
    let strip = this.strips.get(cramp.id);
    if (!strip) {
      strip = new Strip(() => this.onAcknowledge(), () => this.dismiss(cramp.id));
      this.strips.set(cramp.id, strip);
      this.element.append(strip.element);
    }
    const announcement = strip.refresh(cramp);
    if (announcement) say(this.spoken, announcement);
  }

  private dismiss(id: string): void {
    this.dismissed.add(id);
    const strip = this.strips.get(id);
    if (strip) this.remove(id, strip);
  }

  private remove(id: string, strip: Strip): void {
    strip.element.remove();
    this.strips.delete(id);
  }
}

class Strip {
  readonly element: HTMLElement;
  private readonly headline = make("h2");
  private readonly timer = make("span", { class: "timer", "aria-hidden": "true" });
  private readonly detail = make("p", { class: "detail" });
  private readonly button: HTMLButtonElement;
  private phase: "" | "on" | "eased" = "";
  private acknowledged = false;

  constructor(onAcknowledge: () => void, onDismiss: () => void) {
    this.button = make("button", { type: "button" }, text.acknowledge);
    this.button.addEventListener("click", () => {
      if (this.phase === "eased") return onDismiss();
      this.acknowledged = true;
      this.button.hidden = true;
      onAcknowledge();
    });
    const words = make("div", { class: "words" }, this.headline, this.detail);
    this.element = make("section", { class: "banner" }, icon(STATE_ICONS.cramp), words, this.timer, this.button);
  }

  get isCalling(): boolean {
    return this.phase === "on" && !this.acknowledged;
  }

  /** Bring up to date; return what a screen reader should say now, if anything. */
  refresh(cramp: Cramp): string {
    const place = placeOf(cramp.sensor, cramp.sensorId);
    const lasted = duration((cramp.endMs ?? cramp.nowMs) - cramp.onsetMs);
    const before = this.phase;
    this.phase = cramp.endMs === null ? "on" : "eased";
    mark(this.element, "phase", this.phase);
    mark(this.element, "acknowledged", String(this.acknowledged));
    say(this.headline, this.phase === "on" ? text.crampAt(place) : text.easedAt(place));
    say(this.timer, lasted);
    say(this.detail, this.explain(cramp, lasted));
    if (this.phase === before) return "";
    say(this.button, this.phase === "on" ? text.acknowledge : text.dismiss);
    this.button.hidden = false;
    return this.phase === "on" ? text.announceCramp(place) : text.announceEased(place, lasted);
  }

  private explain(cramp: Cramp, lasted: string): string {
    if (cramp.endMs !== null) return text.easedAfter(lasted);
    if (cramp.isUnseen) return text.crampUnseen;
    if (cramp.nowMs - cramp.onsetMs >= LONG_MS) return text.crampLong;
    const since = text.crampSince(clockSeconds(cramp.onsetMs));
    return this.acknowledged ? `${since}, ${text.acknowledged}` : since;
  }
}

function reliefCard(): HTMLElement {
  const steps = text.relief.map(([title, how]) => make("li", {}, make("strong", {}, title), make("span", {}, how)));
  return make(
    "details",
    { class: "card relief", open: true, hidden: true },
    make("summary", {}, text.reliefTitle),
    make("ol", {}, ...steps),
    make("p", { class: "muted" }, text.reliefCare),
  );
}
