/** The check before a night, and the night itself: one button starts it, another one ends it. */

import { getJson } from "../api";
import { toggle } from "../controls";
import { icon, make, makeButton, setData, setText, show } from "../dom";
import { text } from "../i18n";
import { clock } from "../i18n/format";
import { ICONS, NAV_ICONS } from "../icons";
import type { Preferences } from "../preferences";
import { go, linkTo } from "../router";
import type { System } from "../settings/schema";
import { WakeLock } from "../wakelock";
import type { Alarms } from "./alarms";
import { runChecks, type Check, type CheckCode, type Device, type Machine } from "./checks";
import type { Model } from "./model";
import type { Sound } from "./sound";

const CHECK_MS = 500;
/** The server looks at its disk for each answer. */
const FETCH_MS = 10_000;

/** The parts of the page that a night involves. */
export interface BedtimeParts {
  model: Model;
  alarms: Alarms;
  preferences: Preferences;
  sound: Sound;
  wakeLock: WakeLock;
}

interface Row {
  element: HTMLElement;
  sign: HTMLElement;
  text: HTMLElement;
}

export class Bedtime {
  /** Opens the check, or ends the night; belongs in the live view's bar. */
  readonly bar = make("div", { class: "bedtime" });
  readonly dialog: HTMLDialogElement;
  private readonly openButton = make("button", { type: "button", class: "quiet" }, icon(NAV_ICONS.night), make("span", {}, text.bedtime.open));
  private readonly since = make("span", { class: "muted" });
  private readonly endButton = makeButton(text.bedtime.goodMorning, () => void this.endNight());
  private readonly list = make("ul", { class: "checks" });
  private readonly summary = make("p", { class: "verdict", role: "status" });
  private readonly startButton = makeButton(text.bedtime.start, () => void this.startNight(), "primary");
  private readonly wakeUpTime = make("input", { type: "time", id: "wake-at", required: true });
  private readonly rows = new Map<CheckCode, Row>();
  private machine: Machine | null = null;
  private isSoundTested = false;
  private isNight = false;
  private timers: number[] = [];

  constructor(private readonly parts: BedtimeParts) {
    this.dialog = this.buildDialog();
    this.bar.append(this.openButton, this.since, this.endButton);
    this.openButton.addEventListener("click", () => this.openDialog());
    this.refresh();
  }

  /** Bring the bar up to date. */
  refresh(): void {
    const { night_ns } = this.parts.model.alarms;
    if (this.isNight !== (night_ns !== null)) this.applyNight(night_ns !== null);
    show(this.openButton, night_ns === null);
    show(this.since, night_ns !== null);
    show(this.endButton, night_ns !== null);
    if (night_ns !== null) setText(this.since, text.bedtime.nightSince(clock(night_ns / 1e6)));
  }

  /** A night has started, on this device or another one, or has ended. */
  private applyNight(isNight: boolean): void {
    const { preferences } = this.parts;
    this.isNight = isNight;
    if (isNight && preferences.redAtNight) preferences.showTheme("night");
    if (!isNight) preferences.showTheme(preferences.theme);
  }

  private buildDialog(): HTMLDialogElement {
    const { preferences, alarms } = this.parts;
    const testButton = makeButton(text.bedtime.testSound, () => void this.testSound());
    const closeButton = makeButton(text.bedtime.notYet, () => dialog.close());
    const dialog = make(
      "dialog",
      { class: "card bedside", "aria-labelledby": "bedtime-title" },
      make("h2", { id: "bedtime-title", tabindex: "-1", autofocus: true }, text.bedtime.title),
      this.list,
      make("div", { class: "field" }, make("label", { for: "wake-at" }, text.bedtime.wakeUpTime), this.wakeUpTime),
      toggle("sound", text.shell.sound, preferences),
      toggle("awake", text.shell.keepAwake, preferences),
      toggle("redAtNight", text.shell.redAtNight, preferences),
      make("div", { class: "decide" }, this.summary, make("div", { class: "buttons" }, this.startButton, testButton, closeButton)),
    );
    this.wakeUpTime.addEventListener("change", () => {
      if (this.wakeUpTime.value) void alarms.setWakeUpTime(this.wakeUpTime.value);
    });
    dialog.addEventListener("close", () => this.stopTimers());
    return dialog;
  }

  private openDialog(): void {
    this.wakeUpTime.value = this.parts.model.alarms.wake_at;
    this.isSoundTested = false;
    this.dialog.showModal();
    void this.fetchMachine();
    this.timers = [
      window.setInterval(() => this.runChecks(), CHECK_MS),
      window.setInterval(() => void this.fetchMachine(), FETCH_MS),
    ];
    this.runChecks();
  }

  private stopTimers(): void {
    for (const timer of this.timers) window.clearInterval(timer);
    this.timers = [];
  }

  private runChecks(): void {
    const checks = runChecks(this.parts.model, this.machine, this.deviceState(), performance.now());
    for (const check of checks) this.refreshRow(check);
    const open = checks.filter((check) => check.level === "warn").length;
    setText(this.summary, open ? text.bedtime.toCheck(open) : text.bedtime.allGood);
    setData(this.summary, "level", open ? "warn" : "good");
    setText(this.startButton, open ? text.bedtime.startAnyway : text.bedtime.start);
  }

  private refreshRow(check: Check): void {
    const row = this.rows.get(check.code) ?? this.addRow(check.code);
    setText(row.text, check.text);
    if (row.element.dataset["level"] === check.level) return;
    setData(row.element, "level", check.level);
    row.sign.replaceChildren(icon(ICONS[check.level]), make("span", { class: "unseen" }, text.bedtime.levels[check.level]));
  }

  private addRow(code: CheckCode): Row {
    const [sign, content] = [make("span", { class: "sign" }), make("span")];
    const element = make("li", {}, sign, make("strong", {}, text.bedtime.names[code]), content);
    const row = { element, sign, text: content };
    this.rows.set(code, row);
    this.list.append(element);
    return row;
  }

  private deviceState(): Device {
    const { preferences, sound, wakeLock } = this.parts;
    const isAwake = preferences.awake && wakeLock.isOn;
    return {
      sound: !preferences.sound ? "off" : !sound.isReady ? "blocked" : this.isSoundTested ? "tested" : "on",
      awake: isAwake ? "on" : WakeLock.isPossible ? "off" : "impossible",
    };
  }

  private async testSound(): Promise<void> {
    this.isSoundTested = await this.parts.sound.test();
    this.runChecks();
  }

  private async fetchMachine(): Promise<void> {
    const askedMs = Date.now();
    try {
      const system = await getJson<System>("/api/v1/system");
      // The server read its clock some time between request and answer: half way is the best guess.
      const aheadMs = (askedMs + Date.now()) / 2 - system.now_ns / 1e6;
      this.machine = { nights: system.nights, utc_offset_s: system.utc_offset_s, aheadMs };
    } catch {
      this.machine = null;
    }
    this.runChecks();
  }

  private async startNight(): Promise<void> {
    const { alarms, preferences, sound, wakeLock } = this.parts;
    if (preferences.sound) void sound.enable();
    if (preferences.awake) void wakeLock.request(true);
    await alarms.startNight();
    this.dialog.close();
  }

  private async endNight(): Promise<void> {
    await this.parts.alarms.endNight();
    if (!this.parts.preferences.awake) void this.parts.wakeLock.request(false);
    go(linkTo(["night"]));
  }
}
