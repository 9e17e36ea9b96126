/** The live page: joins the stream, what is known, and what is shown. */

import { Banner } from "./banner";
import { Card } from "./card";
import { displayMenu, windowChoice } from "./controls";
import { presentCramps } from "./cramps";
import { make, say, show } from "./dom";
import { Model, type Sensor } from "./model";
import { Night } from "./night";
import { Settings } from "./settings";
import { Sound } from "./sound";
import { Stream } from "./stream";
import { text } from "./strings";
import { clock, duration, offset } from "./time";
import type { Update } from "./wire";

/** Twelve pictures a second look like movement; more only warm the phone. */
const FRAME_MS = 80;
const TICK_MS = 250;

class Page {
  private readonly settings = new Settings();
  private readonly sound = new Sound();
  private readonly model = new Model();
  private readonly banner = new Banner(() => this.tick());
  private readonly night = new Night();
  private readonly cards = new Map<Sensor, Card>();
  private readonly feet = make("div", { class: "feet" });
  private readonly waiting = make("section", { class: "card waiting" }, make("h2", {}, text.waiting), make("p", {}, text.waitingHint));
  private readonly time = make("p", { class: "clock muted" });
  private readonly origin = make("p", { class: "origin" });
  private readonly trouble = make("p", { class: "trouble", role: "status" });
  private connected = true;
  private isDue = false;
  private drawnAt = 0;

  start(): void {
    this.build();
    window.setInterval(() => this.tick(), TICK_MS);
    document.addEventListener("visibilitychange", () => this.draw());
    new Stream({
      onSnapshot: (snapshot) => this.take(snapshot, true),
      onUpdate: (update) => this.take(update, false),
      onConnection: (connected) => {
        this.connected = connected;
        this.tick();
      },
    }).start();
  }

  private build(): void {
    const menu = displayMenu(this.settings, this.sound, () => this.recolour());
    const range = windowChoice(this.settings, () => this.draw());
    const live = make("div", { class: "live" }, make("div", { class: "bar" }, make("h1", {}, text.live), range), this.feet);
    this.feet.append(this.waiting);
    document.getElementById("page")?.replaceChildren(
      make("header", { class: "top" }, make("p", { class: "brand" }, text.title), this.time, menu),
      this.origin,
      this.trouble,
      make("main", {}, this.banner.element, make("div", { class: "columns" }, this.banner.relief, live, this.night.element)),
      make("footer", { class: "muted" }, text.disclaimer),
    );
    show(this.origin, false);
    this.tick();
    this.night.refresh(this.model);
  }

  private take(update: Update, isSnapshot: boolean): void {
    const now = performance.now();
    if (isSnapshot && this.model.version && update.version !== this.model.version) location.reload();
    if (isSnapshot) this.model.replace(update, now);
    else this.model.apply(update, now);
    if (isSnapshot || update.episodes || update.notices || update.night_ns || hasInfo(update)) this.night.refresh(this.model);
    if (isSnapshot || hasState(update)) this.tick();
    this.requestDraw();
  }

  /** Bring everything up to date that time alone can change. */
  private tick(): void {
    const now = performance.now();
    this.syncCards();
    for (const card of this.cards.values()) card.refresh(now);
    const cramps = presentCramps(this.model, now);
    this.banner.refresh(cramps);
    if (this.settings.sound) this.sound.remind(this.banner.isCalling, now);
    this.refreshFrame();
    const on = cramps.find((cramp) => cramp.endMs === null);
    document.title = on ? `${text.states.cramp} ${duration(on.nowMs - on.onsetMs)} – ${text.title}` : text.title;
    if ([...this.model.sensors.values()].some((sensor) => (sensor.silenceMs(now) ?? 0) > 1000)) this.requestDraw();
  }

  private refreshFrame(): void {
    const now = Date.now();
    say(this.time, `${clock(now)} ${offset(now)}`);
    const origins = new Set([...this.model.sensors.values()].map((sensor) => sensor.origin));
    const origin = origins.has("demo") ? "demo" : origins.has("replay") ? "replay" : "live";
    show(this.origin, origin !== "live");
    if (origin !== "live" && this.origin.dataset["origin"] !== origin) {
      this.origin.dataset["origin"] = origin;
      this.origin.replaceChildren(make("strong", {}, text.origins[origin]), ` ${text.originDetail[origin]}`);
    }
    const trouble = this.findTrouble();
    say(this.trouble, trouble);
    show(this.trouble, trouble !== "");
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
    if (this.isDue || document.hidden) return;
    this.isDue = true;
    const wait = Math.max(0, FRAME_MS - (performance.now() - this.drawnAt) - 8);
    window.setTimeout(() => requestAnimationFrame(() => this.draw()), wait);
  }

  private draw(): void {
    this.isDue = false;
    if (document.hidden) return;
    const now = (this.drawnAt = performance.now());
    const episodes = [...this.model.episodes.values()];
    for (const [sensor, card] of this.cards) {
      const edgeMs = sensor.edgeMs(now);
      if (edgeMs !== null) card.draw({ sensor, episodes, edgeMs, windowS: this.settings.windowS });
    }
  }

  private recolour(): void {
    for (const card of this.cards.values()) card.recolour();
    this.draw();
  }
}

function hasState(update: Update): boolean {
  return (
    update.episodes !== undefined ||
    update.broker !== undefined ||
    update.services !== undefined ||
    Object.values(update.sensors ?? {}).some((sensor) => sensor.state || sensor.info || sensor.link || sensor.reset)
  );
}

function hasInfo(update: Update): boolean {
  return Object.values(update.sensors ?? {}).some((sensor) => sensor.info !== undefined);
}

new Page().start();
