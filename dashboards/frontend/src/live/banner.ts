/** The unmistakable part: a likely cramp is on; what often helps; that it has eased; which alarms are snoozed. */

import { icon, make, mark, say, show } from "../dom";
import { KIND_ICONS, STATE_ICONS } from "../icons";
import { lasting } from "../night/words";
import { text } from "../strings";
import { clock, clockSeconds, duration } from "../time";
import type { Kind } from "../wire";
import { LONG_MS, nextTime, type Alarms } from "./alarms";
import type { Cramp } from "./cramps";
import { placeOf } from "./words";

const QUARTER_S = 900;
const HOUR_S = 3600;
const DISMISSED = "crampwatch.dismissed";
const DISMISSED_KEPT = 20;

export class Banner {
  readonly element: HTMLElement;
  /** What often helps: shown beside the signals while a cramp is on. */
  readonly relief = reliefCard();
  private readonly spoken = make("p", { class: "unseen", role: "alert" });
  private readonly present = make("div", { class: "banners" });
  private readonly snoozes = make("ul", { class: "snoozes" });
  private readonly strips = new Map<string, Strip>();
  private readonly dismissed = new Set(recall());

  constructor(private readonly alarms: Alarms) {
    this.element = make("section", { "aria-label": text.alarms }, this.spoken, this.present, this.snoozes);
  }

  /** Whether something is on that nobody has acknowledged or snoozed. */
  get isCalling(): boolean {
    return [...this.strips.values()].some((strip) => strip.isCalling);
  }

  refresh(cramps: Cramp[]): void {
    const present = cramps.filter((cramp) => !this.dismissed.has(cramp.id));
    for (const [id, strip] of this.strips) if (!present.some((cramp) => cramp.id === id)) this.remove(id, strip);
    for (const cramp of present) this.refreshStrip(cramp);
    show(this.relief, present.some((cramp) => cramp.endMs === null && cramp.kind === "cramp"));
    this.refreshSnoozes();
  }

  private refreshStrip(cramp: Cramp): void {
    let strip = this.strips.get(cramp.id);
    if (!strip) {
      strip = new Strip(cramp.id, cramp.kind, this.alarms, () => this.dismiss(cramp.id));
      this.strips.set(cramp.id, strip);
      this.present.prepend(strip.element); // the newest on top
    }
    const announcement = strip.refresh(cramp);
    if (announcement) say(this.spoken, announcement);
  }

  /** A snooze is never silent about itself. */
  private refreshSnoozes(): void {
    const kinds = (Object.keys(this.alarms.state.snoozed) as Kind[]).filter((kind) => this.alarms.snoozedUntil(kind));
    const key = kinds.map((kind) => `${kind} ${this.alarms.snoozedUntil(kind)}`).join();
    show(this.snoozes, kinds.length > 0);
    if (this.snoozes.dataset["shown"] === key) return;
    mark(this.snoozes, "shown", key);
    this.snoozes.replaceChildren(...kinds.map((kind) => this.snoozeLine(kind)));
  }

  private snoozeLine(kind: Kind): HTMLElement {
    const end = make("button", { type: "button" }, text.endSnooze);
    end.addEventListener("click", () => void this.alarms.snooze(kind, 0));
    const until = clock(this.alarms.snoozedUntil(kind) ?? Date.now());
    return make("li", {}, icon(KIND_ICONS[kind]), make("span", {}, text.snoozedUntil(text.kinds[kind], until)), end);
  }

  private dismiss(id: string): void {
    this.dismissed.add(id);
    keep([...this.dismissed]);
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
  private readonly button = make("button", { type: "button" }, text.acknowledge);
  private readonly snooze: HTMLElement;
  private phase: "" | "on" | "eased" = "";
  private isLong = false;

  constructor(
    private readonly id: string,
    private readonly kind: Kind,
    private readonly alarms: Alarms,
    onDismiss: () => void,
  ) {
    this.button.addEventListener("click", () => {
      if (this.phase === "eased") onDismiss();
      else void this.alarms.acknowledge(this.id);
    });
    this.snooze = snoozeMenu(kind, alarms);
    const words = make("div", { class: "words" }, this.headline, this.detail);
    const sign = icon(kind === "cramp" ? STATE_ICONS.cramp : KIND_ICONS[kind]);
    this.element = make(
      "section",
      { class: "banner", "data-kind": kind },
      sign,
      words,
      this.timer,
      make("div", { class: "deeds" }, this.button, this.snooze),
    );
  }

  get isCalling(): boolean {
    return this.phase === "on" && !this.alarms.isAcknowledged(this.id) && !this.isSnoozed;
  }

  private get isSnoozed(): boolean {
    return this.alarms.snoozedUntil(this.kind) !== null && !this.isLong;
  }

  /** Bring up to date; return what a screen reader should say now, if anything. */
  refresh(cramp: Cramp): string {
    const place = placeOf(cramp.sensor, cramp.sensorId);
    const lastedMs = (cramp.endMs ?? cramp.nowMs) - cramp.onsetMs;
    const before = this.phase;
    this.isLong = cramp.kind === "cramp" && cramp.endMs === null && lastedMs >= LONG_MS;
    this.phase = cramp.endMs === null ? "on" : "eased";
    mark(this.element, "phase", this.phase);
    const acknowledged = this.alarms.isAcknowledged(this.id);
    mark(this.element, "acknowledged", String(acknowledged));
    mark(this.element, "snoozed", String(this.isSnoozed));
    const kind = text.kinds[this.kind];
    say(this.headline, this.phase === "on" ? text.crampAt(kind, place) : text.easedAt(place));
    say(this.timer, duration(lastedMs));
    say(this.detail, this.explain(cramp, lasting(lastedMs), acknowledged));
    say(this.button, this.phase === "on" ? text.acknowledge : text.dismiss);
    show(this.button, this.phase === "eased" || !acknowledged);
    show(this.snooze, this.phase === "on" && !this.isSnoozed);
    if (this.phase === before) return "";
    return this.phase === "on" ? text.announceCramp(kind, place) : text.announceEased(kind, place, lasting(lastedMs));
  }

  private explain(cramp: Cramp, lasted: string, acknowledged: boolean): string {
    if (cramp.endMs !== null) return text.easedAfter(lasted);
    if (cramp.isUnseen) return text.crampUnseen;
    if (this.isLong) return text.crampLong;
    const since = text.crampSince(clockSeconds(cramp.onsetMs));
    if (acknowledged) return `${since}, ${text.acknowledged}`;
    return this.isSnoozed ? `${since}, ${text.snoozed}` : since;
  }
}

/** What was closed stays closed when the page is loaded again. */
function recall(): string[] {
  try {
    return (sessionStorage.getItem(DISMISSED) ?? "").split("\n");
  } catch {
    return []; // storage is forbidden
  }
}

function keep(ids: string[]): void {
  try {
    sessionStorage.setItem(DISMISSED, ids.slice(-DISMISSED_KEPT).join("\n"));
  } catch {
    // Storage is forbidden: it holds until the page is closed.
  }
}

function snoozeMenu(kind: Kind, alarms: Alarms): HTMLElement {
  const menu = make("details", { class: "snooze" }, make("summary", {}, text.snooze));
  const choices = make("div", { class: "choices" });
  const morning = (): number => (nextTime(alarms.state.wake_at, Date.now()) - Date.now()) / 1000;
  const offers: [string, () => number][] = [
    [text.snoozeQuarter, () => QUARTER_S],
    [text.snoozeHour, () => HOUR_S],
    [text.snoozeNight, () => Math.min(morning(), 12 * HOUR_S)],
  ];
  for (const [words, seconds] of offers) {
    const offer = make("button", { type: "button" }, words);
    offer.addEventListener("click", () => {
      menu.open = false;
      void alarms.snooze(kind, seconds());
    });
    choices.append(offer);
  }
  menu.append(choices);
  return menu;
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
