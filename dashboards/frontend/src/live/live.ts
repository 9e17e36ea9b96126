/** The live view: applies the stream of updates to the model and shows the model. */

import { windowChoice } from "../controls";
import { make, setText, show } from "../dom";
import { text } from "../i18n";
import { timer } from "../i18n/format";
import type { Preferences } from "../preferences";
import type { View } from "../router";
import type { Origin, Update } from "../schema";
import type { WakeLock } from "../wakelock";
import { activeEpisodes } from "./active";
import { Alarms } from "./alarms";
import { Banners } from "./banners";
import { Bedtime } from "./bedtime";
import { Card } from "./card";
import { serviceTrouble } from "./checks";
import { currentFaults, Faults } from "./faults";
import { Model, type Sensor } from "./model";
import { RecentEvents } from "./recent";
import type { Sound } from "./sound";
import { Stream } from "./stream";

/** Twelve frames a second look fluent; more would only drain the phone. */
const FRAME_MS = 80;
const TICK_MS = 250;

export class Live implements View {
  readonly element = make("div", { class: "columns" });
  /** What is wrong with crampwatch itself. */
  readonly trouble = make("p", { class: "trouble", role: "status" });
  origin: Origin = "live";
  readonly model = new Model();
  readonly alarms: Alarms;
  private readonly refusal = make("p", { class: "trouble", role: "alert", hidden: true });
  private readonly banners: Banners;
  private readonly faults = new Faults();
  private readonly bedtime: Bedtime;
  private readonly recent = new RecentEvents();
  private readonly cards = new Map<Sensor, Card>();
  private readonly feet = make("div", { class: "feet" });
  private readonly waiting = make("section", { class: "card waiting" }, make("h2", {}, text.live.waiting), make("p", {}, text.live.waitingHint));
  private connected = true;
  private isShown = false;
  private isDue = false;
  private drawnAt = 0;

  constructor(
    private readonly preferences: Preferences,
    private readonly sound: Sound,
    wakeLock: WakeLock,
  ) {
    this.alarms = new Alarms(this.model, this.refusal);
    this.alarms.onChange = () => this.tick();
    this.banners = new Banners(this.alarms);
    this.bedtime = new Bedtime({ model: this.model, alarms: this.alarms, preferences, sound, wakeLock });
    const range = windowChoice(preferences, () => this.draw());
    this.feet.append(this.waiting);
    this.element.append(
      this.banners.relief,
      make("div", { class: "live" }, make("div", { class: "bar" }, make("h1", {}, text.shell.views.live), this.bedtime.bar, range), this.feet),
      this.recent.element,
    );
  }

  /** Alarms and problems, to be shown above every view. */
  get aboveViews(): HTMLElement[] {
    return [this.trouble, this.banners.element, this.refusal, this.faults.element, this.bedtime.dialog];
  }

  /** Start the stream. It runs whichever view is shown: alarms are raised on all of them. */
  start(): void {
    window.setInterval(() => this.tick(), TICK_MS);
    document.addEventListener("visibilitychange", () => this.draw());
    this.tick();
    this.recent.refresh(this.model);
    new Stream({
      onSnapshot: (snapshot) => this.handleUpdate(snapshot, true),
      onUpdate: (update) => this.handleUpdate(update, false),
      onConnection: (connected) => {
        this.connected = connected;
        this.tick();
      },
    }).start();
  }

  enter(): void {
    this.isShown = true;
    this.requestDraw();
  }

  leave(): void {
    this.isShown = false;
  }

  recolour(): void {
    for (const card of this.cards.values()) card.recolour();
    this.draw();
  }

  private handleUpdate(update: Update, isSnapshot: boolean): void {
    const now = performance.now();
    if (isSnapshot && this.model.version && update.version !== this.model.version) location.reload();
    if (isSnapshot) this.model.replace(update, now);
    else this.model.apply(update, now);
    if (isSnapshot || update.episodes || update.notices || update.night_ns || hasInfo(update)) this.recent.refresh(this.model);
    if (isSnapshot || hasState(update)) this.tick();
    this.requestDraw();
  }

  /** Bring up to date what changes with time alone. */
  private tick(): void {
    const now = performance.now();
    this.syncCards();
    for (const card of this.cards.values()) card.refresh(now);
    const episodes = activeEpisodes(this.model, now);
    this.banners.refresh(episodes);
    const isNewFault = this.connected && this.faults.refresh(currentFaults(this.model, now));
    if (isNewFault && this.preferences.sound) this.sound.playFaultTone();
    this.bedtime.refresh();
    if (this.preferences.sound) this.sound.repeat(this.banners.isAlarming, now);
    this.refreshOrigin();
    const trouble = this.findTrouble();
    setText(this.trouble, trouble);
    show(this.trouble, trouble !== "");
    const open = episodes.find((episode) => episode.endMs === null);
    document.title = open ? text.live.titleWith(text.common.kinds[open.kind], timer(open.nowMs - open.onsetMs)) : text.common.title;
    if ([...this.model.sensors.values()].some((sensor) => (sensor.silenceMs(now) ?? 0) > 1000)) this.requestDraw();
  }

  private refreshOrigin(): void {
    const origins = new Set([...this.model.sensors.values()].map((sensor) => sensor.origin));
    const origin = origins.has("demo") ? "demo" : origins.has("replay") ? "replay" : "live";
    if (origin === this.origin) return;
    this.origin = origin;
    this.element.dispatchEvent(new Event("originchange"));
  }

  private findTrouble(): string {
    if (!this.connected) return text.shell.connectionLost;
    return this.model.isReady ? serviceTrouble(this.model) : "";
  }

  private syncCards(): void {
    const sensors = this.model.orderedSensors();
    for (const [sensor, card] of this.cards)
      if (!sensors.includes(sensor)) {
        card.element.remove();
        this.cards.delete(sensor);
      }
    sensors.forEach((sensor, position) => {
      let card = this.cards.get(sensor);
      if (!card) this.cards.set(sensor, (card = new Card(sensor)));
      if (this.feet.children[position] !== card.element)
        this.feet.insertBefore(card.element, this.feet.children[position] ?? null);
    });
    show(this.waiting, sensors.length === 0);
  }

  private requestDraw(): void {
    if (this.isDue || document.hidden || !this.isShown) return;
    this.isDue = true;
    const wait = Math.max(0, FRAME_MS - (performance.now() - this.drawnAt) - 8);
    window.setTimeout(() => requestAnimationFrame(() => this.draw()), wait);
  }

  private draw(): void {
    this.isDue = false;
    if (document.hidden || !this.isShown) return;
    const now = (this.drawnAt = performance.now());
    const episodes = [...this.model.episodes.values()];
    for (const [sensor, card] of this.cards) {
      const edgeMs = sensor.edgeMs(now);
      if (edgeMs !== null) card.draw({ sensor, episodes, edgeMs, windowS: this.preferences.windowS });
    }
  }
}

function hasState(update: Update): boolean {
  return (
    update.episodes !== undefined ||
    update.broker !== undefined ||
    update.services !== undefined ||
    update.alarms !== undefined ||
    Object.values(update.sensors ?? {}).some((sensor) => sensor.state || sensor.info || sensor.link || sensor.reset)
  );
}

function hasInfo(update: Update): boolean {
  return Object.values(update.sensors ?? {}).some((sensor) => sensor.info !== undefined);
}
