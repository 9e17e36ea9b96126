/** The live view: joins the stream, what is known, and what is shown. */

import type { Awake } from "../awake";
import { windowChoice } from "../controls";
import { make, say, show } from "../dom";
import type { Preferences } from "../preferences";
import type { View } from "../router";
import { text } from "../strings";
import { duration } from "../time";
import type { Origin, Update } from "../wire";
import { Alarms } from "./alarms";
import { Banner } from "./banner";
import { Bedtime } from "./bedtime";
import { Card } from "./card";
import { presentCramps } from "./cramps";
import { Faults, presentFaults } from "./faults";
import { Model, type Sensor } from "./model";
import { SoFar } from "./sofar";
import type { Sound } from "./sound";
import { Stream } from "./stream";

/** Twelve pictures a second look like movement; more only warm the phone. */
const FRAME_MS = 80;
const TICK_MS = 250;

export class Live implements View {
  readonly element = make("div", { class: "columns" });
  /** What is wrong with crampwatch itself: shown above every view. */
  readonly trouble = make("p", { class: "trouble", role: "status" });
  origin: Origin = "live";
  readonly model = new Model();
  readonly alarms: Alarms;
  private readonly refusal = make("p", { class: "trouble", role: "alert", hidden: true });
  private readonly banners: Banner;
  private readonly faults = new Faults();
  private readonly bedtime: Bedtime;
  private readonly soFar = new SoFar();
  private readonly cards = new Map<Sensor, Card>();
  private readonly feet = make("div", { class: "feet" });
  private readonly waiting = make("section", { class: "card waiting" }, make("h2", {}, text.waiting), make("p", {}, text.waitingHint));
  private connected = true;
  private isShown = false;
  private isDue = false;
  private drawnAt = 0;

  constructor(
    private readonly preferences: Preferences,
    private readonly sound: Sound,
    awake: Awake,
  ) {
    this.alarms = new Alarms(this.model, this.refusal);
    this.alarms.onChange = () => this.tick();
    this.banners = new Banner(this.alarms);
    this.bedtime = new Bedtime({ model: this.model, alarms: this.alarms, preferences, sound, awake });
    const range = windowChoice(preferences, () => this.draw());
    this.feet.append(this.waiting);
    this.element.append(
      this.banners.relief,
      make("div", { class: "live" }, make("div", { class: "bar" }, make("h1", {}, text.live), this.bedtime.bar, range), this.feet),
      this.soFar.element,
    );
  }

  /** The unmistakable part: shown above every view. */
  get overall(): HTMLElement[] {
    return [this.trouble, this.banners.element, this.refusal, this.faults.element, this.bedtime.dialog];
  }

  /** Listen from now on, whichever view is shown: a cramp is told everywhere. */
  start(): void {
    window.setInterval(() => this.tick(), TICK_MS);
    document.addEventListener("visibilitychange", () => this.draw());
    this.tick();
    this.soFar.refresh(this.model);
    new Stream({
      onSnapshot: (snapshot) => this.take(snapshot, true),
      onUpdate: (update) => this.take(update, false),
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

  private take(update: Update, isSnapshot: boolean): void {
    const now = performance.now();
    if (isSnapshot && this.model.version && update.version !== this.model.version) location.reload();
    if (isSnapshot) this.model.replace(update, now);
    else this.model.apply(update, now);
    if (isSnapshot || update.episodes || update.notices || update.night_ns || hasInfo(update)) this.soFar.refresh(this.model);
    if (isSnapshot || hasState(update)) this.tick();
    this.requestDraw();
  }

  /** Bring everything up to date that time alone can change. */
  private tick(): void {
    const now = performance.now();
    this.syncCards();
    for (const card of this.cards.values()) card.refresh(now);
    const cramps = presentCramps(this.model, now);
    this.banners.refresh(cramps);
    const isNewFault = this.connected && this.faults.refresh(presentFaults(this.model, now));
    if (isNewFault && this.preferences.sound) this.sound.note();
    this.bedtime.refresh();
    if (this.preferences.sound) this.sound.remind(this.banners.isCalling, now);
    this.refreshOrigin();
    const trouble = this.findTrouble();
    say(this.trouble, trouble);
    show(this.trouble, trouble !== "");
    const on = cramps.find((cramp) => cramp.endMs === null);
    document.title = on ? `${text.kinds[on.kind]} ${duration(on.nowMs - on.onsetMs)} – ${text.title}` : text.title;
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
    if (!this.connected) return text.connectionLost;
    if (this.model.version && !this.model.broker) return text.brokerLost;
    for (const [name, words] of Object.entries(text.serviceOffline))
      if (this.model.services.get(name)?.online === false) return words;
    return "";
  }

  private syncCards(): void {
    const sensors = this.model.ordered();
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
