/** Alarms, above every view: an episode that is on, that it is over, and which alarms are snoozed. */

import { icon, make, makeButton, setData, setText, show } from "../dom";
import { text } from "../i18n";
import { clock, clockSeconds, duration, timer } from "../i18n/format";
import { KIND_ICONS, STATE_ICONS } from "../icons";
import type { Kind } from "../schema";
import type { ActiveEpisode } from "./active";
import { LONG_MS, nextTime, type Alarms } from "./alarms";
import { placeName } from "./names";

const QUARTER_S = 900;
const HOUR_S = 3600;
/** Longer than any sensible night: a mistyped wake-up time must not silence the alarm for a day. */
const LONGEST_SNOOZE_S = 12 * HOUR_S;
const CLOSED_KEY = "crampwatch.dismissed";
const MOST_CLOSED = 20;

export class Banners {
  readonly element: HTMLElement;
  /** What often helps: shown beside the signals while a likely cramp is on. */
  readonly relief = reliefCard();
  private readonly announcer = make("p", { class: "unseen", role: "alert" });
  private readonly list = make("div", { class: "banners" });
  private readonly snoozes = make("ul", { class: "snoozes" });
  private readonly banners = new Map<string, Banner>();
  private readonly closed = new Set(loadClosed());

  constructor(private readonly alarms: Alarms) {
    this.element = make("section", { "aria-label": text.live.alarms }, this.announcer, this.list, this.snoozes);
  }

  /** Whether something is on that nobody has acknowledged or snoozed. */
  get isAlarming(): boolean {
    return [...this.banners.values()].some((banner) => banner.isAlarming);
  }

  refresh(episodes: ActiveEpisode[]): void {
    const shown = episodes.filter((episode) => !this.closed.has(episode.id));
    for (const [id, banner] of this.banners) if (!shown.some((episode) => episode.id === id)) this.remove(id, banner);
    for (const episode of shown) this.refreshBanner(episode);
    show(this.relief, shown.some((episode) => episode.endMs === null && episode.kind === "cramp"));
    this.refreshSnoozes();
  }

  private refreshBanner(episode: ActiveEpisode): void {
    let banner = this.banners.get(episode.id);
    if (!banner) {
      banner = new Banner(episode.id, episode.kind, this.alarms, () => this.closeBanner(episode.id));
      this.banners.set(episode.id, banner);
      this.list.prepend(banner.element); // the newest on top
    }
    const announcement = banner.refresh(episode);
    if (announcement) setText(this.announcer, announcement);
  }

  /** A snooze is always visible: nobody should wait for an alarm that cannot come. */
  private refreshSnoozes(): void {
    const kinds = (Object.keys(this.alarms.state.snoozed) as Kind[]).filter((kind) => this.alarms.snoozedUntil(kind));
    const key = kinds.map((kind) => `${kind} ${this.alarms.snoozedUntil(kind)}`).join();
    show(this.snoozes, kinds.length > 0);
    if (this.snoozes.dataset["shown"] === key) return;
    setData(this.snoozes, "shown", key);
    this.snoozes.replaceChildren(...kinds.map((kind) => this.snoozeLine(kind)));
  }

  private snoozeLine(kind: Kind): HTMLElement {
    const until = clock(this.alarms.snoozedUntil(kind) ?? Date.now());
    const line = make("span", {}, text.live.snoozedUntil(text.common.kinds[kind], until));
    return make("li", {}, icon(KIND_ICONS[kind]), line, makeButton(text.live.endSnooze, () => void this.alarms.snooze(kind, 0)));
  }

  private closeBanner(id: string): void {
    this.closed.add(id);
    saveClosed([...this.closed]);
    const banner = this.banners.get(id);
    if (banner) this.remove(id, banner);
  }

  private remove(id: string, banner: Banner): void {
    banner.element.remove();
    this.banners.delete(id);
  }
}

class Banner {
  readonly element: HTMLElement;
  private readonly headline = make("h2");
  private readonly timer = make("span", { class: "timer", "aria-hidden": "true" });
  private readonly detail = make("p", { class: "detail" });
  private readonly button: HTMLButtonElement;
  private readonly snooze: HTMLElement;
  /** "eased" once it has ended, for the style sheet. */
  private phase: "" | "on" | "eased" = "";
  private isLong = false;

  constructor(
    private readonly id: string,
    private readonly kind: Kind,
    private readonly alarms: Alarms,
    onClose: () => void,
  ) {
    this.button = makeButton(text.live.acknowledge, () => {
      if (this.phase === "eased") onClose();
      else void this.alarms.acknowledge(this.id);
    });
    this.snooze = snoozeMenu(kind, alarms);
    this.element = make(
      "section",
      { class: "banner", "data-kind": kind },
      icon(kind === "cramp" ? STATE_ICONS.cramp : KIND_ICONS[kind]),
      make("div", { class: "texts" }, this.headline, this.detail),
      this.timer,
      make("div", { class: "buttons" }, this.button, this.snooze),
    );
  }

  get isAlarming(): boolean {
    return this.phase === "on" && !this.alarms.isAcknowledged(this.id) && !this.isSnoozed;
  }

  private get isSnoozed(): boolean {
    return this.alarms.snoozedUntil(this.kind) !== null && !this.isLong;
  }

  /** Bring up to date; return what a screen reader should announce now, if anything. */
  refresh(episode: ActiveEpisode): string {
    const lengthMs = (episode.endMs ?? episode.nowMs) - episode.onsetMs;
    const before = this.phase;
    this.isLong = episode.kind === "cramp" && episode.endMs === null && lengthMs >= LONG_MS;
    this.phase = episode.endMs === null ? "on" : "eased";
    setData(this.element, "phase", this.phase);
    setData(this.element, "acknowledged", String(this.alarms.isAcknowledged(this.id)));
    setData(this.element, "snoozed", String(this.isSnoozed));
    this.refreshTexts(episode, lengthMs);
    return this.phase === before ? "" : this.announcementFor(episode, lengthMs);
  }

  private refreshTexts(episode: ActiveEpisode, lengthMs: number): void {
    const [kind, place] = [text.common.kinds[this.kind], placeName(episode.sensor, episode.sensorId)];
    const isOn = this.phase === "on";
    setText(this.headline, isOn ? text.live.crampAt(kind, place) : text.live.overAt(kind, place));
    setText(this.timer, timer(lengthMs));
    setText(this.detail, this.detailText(episode, lengthMs));
    setText(this.button, isOn ? text.live.acknowledge : text.common.close);
    show(this.button, !isOn || !this.alarms.isAcknowledged(this.id));
    show(this.snooze, isOn && !this.isSnoozed);
  }

  private announcementFor(episode: ActiveEpisode, lengthMs: number): string {
    const [kind, place] = [text.common.kinds[this.kind], placeName(episode.sensor, episode.sensorId)];
    return this.phase === "on" ? text.live.announceStart(kind, place) : text.live.announceEnd(kind, place, duration(lengthMs));
  }

  private detailText(episode: ActiveEpisode, lengthMs: number): string {
    if (episode.endMs !== null) return text.live.lasted(duration(lengthMs));
    if (episode.isUnseen) return text.live.signalUnclear;
    if (this.isLong) return text.live.longCramp;
    const onset = clockSeconds(episode.onsetMs);
    if (this.alarms.isAcknowledged(this.id)) return text.live.sinceAcknowledged(onset);
    return this.isSnoozed ? text.live.sinceSnoozed(onset) : text.live.since(onset);
  }
}

/** Banners that were closed stay closed when the page is loaded again. */
function loadClosed(): string[] {
  try {
    return (sessionStorage.getItem(CLOSED_KEY) ?? "").split("\n");
  } catch {
    return []; // storage is blocked
  }
}

function saveClosed(ids: string[]): void {
  try {
    sessionStorage.setItem(CLOSED_KEY, ids.slice(-MOST_CLOSED).join("\n"));
  } catch {
    // Storage is blocked: they stay closed until the page is.
  }
}

function snoozeMenu(kind: Kind, alarms: Alarms): HTMLElement {
  const menu = make("details", { class: "snooze" }, make("summary", {}, text.live.snooze));
  const untilMorningS = (): number => (nextTime(alarms.state.wake_at, Date.now()) - Date.now()) / 1000;
  const choices: [string, () => number][] = [
    [text.live.snoozeQuarter, () => QUARTER_S],
    [text.live.snoozeHour, () => HOUR_S],
    [text.live.snoozeNight, () => Math.min(untilMorningS(), LONGEST_SNOOZE_S)],
  ];
  const buttons = choices.map(([label, seconds]) =>
    makeButton(label, () => {
      menu.open = false;
      void alarms.snooze(kind, seconds());
    }),
  );
  menu.append(make("div", { class: "choices" }, ...buttons));
  return menu;
}

function reliefCard(): HTMLElement {
  const steps = text.live.reliefSteps.map(({ title, how }) => make("li", {}, make("strong", {}, title), make("span", {}, how)));
  return make(
    "details",
    { class: "card relief", open: true, hidden: true },
    make("summary", {}, text.live.relief),
    make("ol", {}, ...steps),
    make("p", { class: "muted" }, text.live.reliefCare),
  );
}
