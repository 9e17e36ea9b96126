/** The check before the night, and the night itself: begun by one button, ended by another. */

import { ask } from "../api";
import { Awake } from "../awake";
import { toggle } from "../controls";
import { icon, make, mark, say, show } from "../dom";
import { ICONS, NAV_ICONS } from "../icons";
import type { Preferences } from "../preferences";
import { go, linkTo } from "../router";
import { text } from "../strings";
import { clock } from "../time";
import type { Alarms } from "./alarms";
import { checksOf, type Check, type Device, type Machine } from "./checks";
import type { Model } from "./model";
import type { Sound } from "./sound";

const TICK_MS = 500;
const ASK_MS = 10_000;

interface System {
  now_ns: number;
  utc_offset_s: number;
  nights: number | null;
}

/** What the bedtime check needs of the rest of the page. */
export interface Bedside {
  model: Model;
  alarms: Alarms;
  preferences: Preferences;
  sound: Sound;
  awake: Awake;
}

export class Bedtime {
  /** Opens the check, or ends the night; belongs in the live view's bar. */
  readonly bar = make("div", { class: "bedtime" });
  readonly dialog: HTMLDialogElement;
  private readonly opener = make("button", { type: "button", class: "quiet" }, icon(NAV_ICONS["night"] ?? ""), make("span", {}, text.bedtime));
  private readonly since = make("span", { class: "muted" });
  private readonly riser = make("button", { type: "button" }, text.goodMorning);
  private readonly list = make("ul", { class: "checks" });
  private readonly verdict = make("p", { class: "verdict", role: "status" });
  private readonly starter = make("button", { type: "button", class: "primary" }, text.startNight);
  private readonly wake: HTMLInputElement;
  private readonly rows = new Map<string, { element: HTMLElement; words: HTMLElement; sign: HTMLElement }>();
  private machine: Machine | null = null;
  private isHeard = false;
  private isNight = false;
  private timers: number[] = [];

  constructor(private readonly side: Bedside) {
    this.wake = make("input", { type: "time", id: "wake-at", required: true });
    this.dialog = this.buildDialog();
    this.bar.append(this.opener, this.since, this.riser);
    this.opener.addEventListener("click", () => this.open());
    this.riser.addEventListener("click", () => void this.rise());
    this.starter.addEventListener("click", () => void this.begin());
    this.refresh();
  }

  /** Bring the bar up to date. */
  refresh(): void {
    const { night_ns } = this.side.model.alarms;
    if (this.isNight !== (night_ns !== null)) this.turn(night_ns !== null);
    show(this.opener, night_ns === null);
    show(this.since, night_ns !== null);
    show(this.riser, night_ns !== null);
    if (night_ns !== null) say(this.since, text.nightSince(clock(night_ns / 1e6)));
  }

  /** The night has begun, on this device or another one, or is over. */
  private turn(isNight: boolean): void {
    const { preferences } = this.side;
    this.isNight = isNight;
    if (isNight && preferences.redAtNight) preferences.showTheme("night");
    if (!isNight) preferences.showTheme(preferences.theme);
  }

  private buildDialog(): HTMLDialogElement {
    const { preferences, alarms } = this.side;
    const test = make("button", { type: "button" }, text.testSound);
    test.addEventListener("click", () => void this.testSound());
    const closer = make("button", { type: "button" }, text.notYet);
    const dialog = make(
      "dialog",
      { class: "card bedside", "aria-labelledby": "bedtime-title" },
      make("h2", { id: "bedtime-title", tabindex: "-1", autofocus: true }, text.bedtimeTitle),
      this.list,
      make("div", { class: "field" }, make("label", { for: "wake-at" }, text.wakeAt), this.wake),
      toggle("sound", text.soundOn, preferences),
      toggle("awake", text.keepAwake, preferences),
      toggle("redAtNight", text.redAtNight, preferences),
      make("div", { class: "decide" }, this.verdict, make("div", { class: "deeds" }, this.starter, test, closer)),
    );
    this.wake.addEventListener("change", () => {
      if (this.wake.value) void alarms.wakeAt(this.wake.value);
    });
    closer.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.stop());
    return dialog;
  }

  private open(): void {
    this.wake.value = this.side.model.alarms.wake_at;
    this.isHeard = false;
    this.dialog.showModal();
    void this.askMachine();
    this.timers = [window.setInterval(() => this.check(), TICK_MS), window.setInterval(() => void this.askMachine(), ASK_MS)];
    this.check();
  }

  private stop(): void {
    for (const timer of this.timers) window.clearInterval(timer);
    this.timers = [];
  }

  private check(): void {
    const checks = checksOf(this.side.model, this.machine, this.device(), performance.now());
    for (const check of checks) this.refreshRow(check);
    const open = checks.filter((check) => check.level === "warn").length;
    say(this.verdict, open ? text.checksOpen(open) : text.checksDone);
    mark(this.verdict, "level", open ? "warn" : "good");
    say(this.starter, open ? text.startAnyway : text.startNight);
  }

  private refreshRow(check: Check): void {
    let row = this.rows.get(check.code);
    if (!row) {
      const [sign, words] = [make("span", { class: "sign" }), make("span")];
      const title = make("strong", {}, text.checkNames[check.code]);
      row = { element: make("li", {}, sign, title, words), words, sign };
      this.rows.set(check.code, row);
      this.list.append(row.element);
    }
    say(row.words, check.words);
    if (row.element.dataset["level"] === check.level) return;
    mark(row.element, "level", check.level);
    row.sign.replaceChildren(icon(ICONS[check.level]), make("span", { class: "unseen" }, text.levels[check.level]));
  }

  private device(): Device {
    const { preferences, sound, awake } = this.side;
    const isOn = preferences.awake && awake.isOn;
    return {
      sound: !preferences.sound ? "off" : !sound.isReady ? "blocked" : this.isHeard ? "heard" : "on",
      awake: isOn ? "on" : Awake.isPossible ? "off" : "impossible",
    };
  }

  private async testSound(): Promise<void> {
    this.isHeard = await this.side.sound.test();
    this.check();
  }

  private async askMachine(): Promise<void> {
    const asked = Date.now();
    try {
      const system = await ask<System>("/api/v1/system");
      // The server read its clock somewhere between question and answer.
      const aheadMs = (asked + Date.now()) / 2 - system.now_ns / 1e6;
      this.machine = { nights: system.nights, utc_offset_s: system.utc_offset_s, aheadMs };
    } catch {
      this.machine = null;
    }
    this.check();
  }

  private async begin(): Promise<void> {
    const { alarms, preferences, sound, awake } = this.side;
    if (preferences.sound) void sound.enable();
    if (preferences.awake) void awake.keep(true);
    await alarms.night("begin");
    this.dialog.close();
  }

  private async rise(): Promise<void> {
    await this.side.alarms.night("end");
    if (!this.side.preferences.awake) void this.side.awake.keep(false);
    go(linkTo(["night"]));
  }
}
