/** What is looked at before the night: each check says what it met and, where that is not well, what to do. */

import { text } from "../strings";
import { clock, clockOfDay, decimals, offset } from "../time";
import { nextTime } from "./alarms";
import type { Model, Sensor } from "./model";
import { nameOf } from "./words";

const CLOCK_TOLERANCE_MS = 5000;
const WEAK_DBM = -85;
/** Without a forecast: a night takes less than this of the usual coin cell or small lithium battery. */
const ENOUGH_PERCENT = 50;
const TIGHT_NIGHTS = 3;

export type Level = "good" | "warn" | "wait";

export interface Check {
  code: "contact" | "battery" | "link" | "recorder" | "disk" | "clock" | "sound" | "awake";
  level: Level;
  words: string;
}

/** What only the server knows; null until it has answered. */
export interface Machine {
  nights: number | null;
  utc_offset_s: number;
  /** How much this browser's clock is ahead of the server's. */
  aheadMs: number;
}

/** What only this browser knows. */
export interface Device {
  sound: "off" | "blocked" | "on" | "heard";
  awake: "off" | "impossible" | "on";
}

export function checksOf(model: Model, machine: Machine | null, device: Device, now: number): Check[] {
  const sensors = model.ordered().filter((sensor) => !sensor.info?.ended_ns);
  return [
    contact(sensors, now),
    battery(sensors, model.alarms.wake_at),
    link(sensors),
    recorder(model),
    disk(machine),
    wallClock(machine),
    { code: "sound", level: device.sound === "heard" ? "good" : "warn", words: text.checks.sound[device.sound] },
    { code: "awake", level: device.awake === "on" ? "good" : "wait", words: text.checks.awake[device.awake] },
  ];
}

function contact(sensors: Sensor[], now: number): Check {
  const code = "contact";
  if (!sensors.length) return { code, level: "warn", words: text.checks.noSensor };
  const silent = sensors.filter((sensor) => sensor.isStale(now));
  if (silent.length) return { code, level: "warn", words: text.checks.silent(list(silent)) };
  const poor = sensors.filter((sensor) => !isWorn(sensor));
  if (poor.length) return { code, level: "warn", words: text.checks.poor(list(poor)) };
  const unsure = sensors.filter((sensor) => sensor.state === null);
  if (unsure.length) return { code, level: "wait", words: text.checks.settling(list(unsure)) };
  return { code, level: "good", words: text.checks.contact(list(sensors)) };
}

function isWorn({ state }: Sensor): boolean {
  if (!state) return true;
  const hasFault = state.quality.some((faults) => ["lead_off", "rail", "flat"].some((fault) => faults.includes(fault as never)));
  return state.state !== "off_body" && state.state !== "poor_signal" && !hasFault;
}

function battery(sensors: Sensor[], wakeAt: string): Check {
  const code = "battery";
  const known = sensors.filter((sensor) => sensor.battery !== null);
  if (!known.length) return { code, level: "wait", words: text.checks.batteryUnknown };
  const now = Date.now();
  const until = nextTime(wakeAt, now);
  const short = known.filter(({ battery }) =>
    battery!.empty_at_ns === null ? battery!.percent < ENOUGH_PERCENT : battery!.empty_at_ns / 1e6 < until,
  );
  const told = (short.length ? short : known).map((sensor) => batteryWords(sensor, now)).join("; ");
  if (short.length) return { code, level: "warn", words: text.checks.batteryShort(told, clock(until)) };
  return { code, level: "good", words: text.checks.battery(told) };
}

function batteryWords(sensor: Sensor, now: number): string {
  const empty = sensor.battery?.empty_at_ns;
  const forecast = empty ? `, ${text.lastsUntil(clockOfDay(empty / 1e6, now))}` : "";
  return `${nameOf(sensor)} ${sensor.battery?.percent ?? "?"} %${forecast}`;
}

function link(sensors: Sensor[]): Check {
  const code = "link";
  if (!sensors.some((sensor) => sensor.link !== null)) return { code, level: "wait", words: text.checks.linkUnknown };
  const weak = sensors.filter(({ link }) => link && (!link.connected || (link.rssi_dbm ?? 0) < WEAK_DBM));
  if (weak.length) return { code, level: "warn", words: text.checks.linkWeak(list(weak)) };
  return { code, level: "good", words: text.checks.link };
}

function recorder(model: Model): Check {
  const code = "recorder";
  const down = Object.keys(text.serviceOffline).find((name) => model.services.get(name)?.online === false);
  const words = !model.broker ? text.brokerLost : down ? text.serviceOffline[down] : undefined;
  return words ? { code, level: "warn", words } : { code, level: "good", words: text.checks.recorder };
}

function disk(machine: Machine | null): Check {
  const code = "disk";
  if (!machine || machine.nights === null) return { code, level: "wait", words: text.checks.diskUnknown };
  const level = machine.nights < TIGHT_NIGHTS ? "warn" : "good";
  return { code, level, words: machine.nights < 1 ? text.checks.diskFull : text.checks.disk(machine.nights) };
}

function wallClock(machine: Machine | null): Check {
  const code = "clock";
  if (!machine) return { code, level: "wait", words: text.checks.clockUnknown };
  const seconds = Math.abs(machine.aheadMs) / 1000;
  if (Math.abs(machine.aheadMs) > CLOCK_TOLERANCE_MS)
    return { code, level: "warn", words: text.checks.clockApart(decimals(seconds, 0)) };
  const now = Date.now();
  if (machine.utc_offset_s !== -new Date(now).getTimezoneOffset() * 60)
    return { code, level: "warn", words: text.checks.zoneApart(offset(now)) };
  return { code, level: "good", words: text.checks.clock(`${clock(now)} ${offset(now)}`) };
}

function list(sensors: Sensor[]): string {
  return sensors.map(nameOf).join(", ");
}
