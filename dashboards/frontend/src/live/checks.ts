/** The checks before a night: each reports what it found and, if that is not well, what to do. */

import { text } from "../i18n";
import { clock, clockOfDay, offset, percent, seconds } from "../i18n/format";
import type { Quality } from "../schema";
import { nextTime } from "./alarms";
import type { Model, Sensor } from "./model";
import { sensorName } from "./names";

/** Clocks this far apart would put episodes visibly beside the notes of the night. */
const CLOCK_TOLERANCE_MS = 5000;
/** Below this a Bluetooth LE link loses packets as soon as somebody turns over. */
const WEAK_DBM = -85;
/** Without a forecast: a night takes less than this of the usual coin cell or small lithium battery. */
const ENOUGH_PERCENT = 50;
const TIGHT_NIGHTS = 3;
const CONTACT_FAULTS: readonly Quality[] = ["lead_off", "rail", "flat"];

/** "wait" resolves itself; "optional" is up to the user and does not keep the check from being complete. */
export type Level = "good" | "warn" | "wait" | "optional";
export type CheckCode = "contact" | "battery" | "link" | "recorder" | "disk" | "clock" | "sound" | "awake";

export interface Check {
  code: CheckCode;
  level: Level;
  text: string;
}

/** State of the machine that records; null until the server has answered. */
export interface Machine {
  nights: number | null;
  utc_offset_s: number;
  /** How much this browser's clock is ahead of the server's. */
  aheadMs: number;
}

/** State of this browser. */
export interface Device {
  sound: "off" | "blocked" | "on" | "tested";
  awake: "off" | "impossible" | "on";
}

/** `now` is performance.now(). */
export function runChecks(model: Model, machine: Machine | null, device: Device, now: number): Check[] {
  const sensors = model.orderedSensors().filter((sensor) => !sensor.info?.ended_ns);
  return [
    checkContact(sensors, now),
    checkBattery(sensors, model.alarms.wake_at),
    checkLink(sensors),
    checkRecorder(model),
    checkDisk(machine),
    checkClock(machine),
    { code: "sound", level: device.sound === "tested" ? "good" : "warn", text: text.bedtime.sound[device.sound] },
    { code: "awake", level: device.awake === "on" ? "good" : "optional", text: text.bedtime.awake[device.awake] },
  ];
}

function checkContact(sensors: Sensor[], now: number): Check {
  const code = "contact";
  if (!sensors.length) return { code, level: "warn", text: text.bedtime.contact.noSensor };
  const silent = sensors.filter((sensor) => sensor.isStale(now));
  if (silent.length) return { code, level: "warn", text: text.bedtime.contact.silent(namesOf(silent)) };
  const poor = sensors.filter((sensor) => !hasContact(sensor));
  if (poor.length) return { code, level: "warn", text: text.bedtime.contact.poor(namesOf(poor)) };
  const unsure = sensors.filter((sensor) => sensor.state === null);
  if (unsure.length) return { code, level: "wait", text: text.bedtime.contact.settling(namesOf(unsure)) };
  return { code, level: "good", text: text.bedtime.contact.good(namesOf(sensors)) };
}

function hasContact({ state }: Sensor): boolean {
  if (!state) return true;
  const hasFault = state.quality.some((faults) => faults.some((fault) => CONTACT_FAULTS.includes(fault)));
  return state.state !== "off_body" && state.state !== "poor_signal" && !hasFault;
}

function checkBattery(sensors: Sensor[], wakeUpTime: string): Check {
  const code = "battery";
  const reported = sensors.filter((sensor) => sensor.battery !== null);
  if (!reported.length) return { code, level: "wait", text: text.bedtime.battery.unknown };
  const now = Date.now();
  const until = nextTime(wakeUpTime, now);
  const short = reported.filter((sensor) => isShort(sensor, until));
  const batteries = (short.length ? short : reported).map((sensor) => batteryText(sensor, now)).join("; ");
  if (short.length) return { code, level: "warn", text: text.bedtime.battery.short(batteries, clock(until)) };
  return { code, level: "good", text: text.bedtime.battery.good(batteries) };
}

function isShort({ battery }: Sensor, untilMs: number): boolean {
  if (!battery) return false;
  return battery.empty_at_ns === null ? battery.percent < ENOUGH_PERCENT : battery.empty_at_ns / 1e6 < untilMs;
}

function batteryText(sensor: Sensor, now: number): string {
  const { battery } = sensor;
  const empty = battery?.empty_at_ns;
  const forecast = empty ? text.live.lastsUntil(clockOfDay(empty / 1e6, now)) : "";
  return text.bedtime.battery.sensor(sensorName(sensor), percent((battery?.percent ?? 0) / 100), forecast);
}

function checkLink(sensors: Sensor[]): Check {
  const code = "link";
  if (!sensors.some((sensor) => sensor.link !== null)) return { code, level: "wait", text: text.bedtime.link.unknown };
  const weak = sensors.filter(({ link }) => link && (!link.connected || (link.rssi_dbm ?? 0) < WEAK_DBM));
  if (weak.length) return { code, level: "warn", text: text.bedtime.link.weak(namesOf(weak)) };
  return { code, level: "good", text: text.bedtime.link.good };
}

function checkRecorder(model: Model): Check {
  const trouble = serviceTrouble(model);
  return { code: "recorder", level: trouble ? "warn" : "good", text: trouble || text.bedtime.recorder.good };
}

/** What is wrong with crampwatch's own services; empty if nothing is. */
export function serviceTrouble(model: Model): string {
  if (!model.broker) return text.shell.brokerLost;
  const offline = Object.entries(text.shell.serviceOffline).find(([name]) => model.services.get(name)?.online === false);
  return offline ? offline[1] : "";
}

function checkDisk(machine: Machine | null): Check {
  const code = "disk";
  if (!machine || machine.nights === null) return { code, level: "wait", text: text.bedtime.disk.unknown };
  const level = machine.nights < TIGHT_NIGHTS ? "warn" : "good";
  return { code, level, text: machine.nights < 1 ? text.bedtime.disk.full : text.bedtime.disk.nights(machine.nights) };
}

function checkClock(machine: Machine | null): Check {
  const code = "clock";
  if (!machine) return { code, level: "wait", text: text.bedtime.clock.unknown };
  const apartMs = Math.abs(machine.aheadMs);
  if (apartMs > CLOCK_TOLERANCE_MS) return { code, level: "warn", text: text.bedtime.clock.apart(seconds(apartMs)) };
  const now = Date.now();
  if (machine.utc_offset_s !== -new Date(now).getTimezoneOffset() * 60)
    return { code, level: "warn", text: text.bedtime.clock.zoneApart(offset(now)) };
  return { code, level: "good", text: text.bedtime.clock.good(clock(now)) };
}

function namesOf(sensors: Sensor[]): string {
  return sensors.map(sensorName).join(", ");
}
