/** What keeps the night from being watched: a lost sensor, an electrode off, a battery that will not last. Never snoozed. */

import { icon, make, mark, say, show } from "../dom";
import { ICONS, STATE_ICONS } from "../icons";
import { text } from "../strings";
import { noticeWords } from "../told/told";
import { clock, clockOfDay, duration } from "../time";
import { nextTime } from "./alarms";
import type { Model, Sensor } from "./model";
import { nameOf } from "./words";

/** A radio link is often gone for a few seconds and comes back with what was missed; the sensor's card says so at once. */
const LOST_MS = 10_000;
const DISK_TOLD_MS = 3_600_000;
const LOW_PERCENT = 15;
/** What ends the watch at once comes first. */
const GRAVEST: Fault["code"][] = ["lost", "contact", "disk", "battery"];

export interface Fault {
  /** Same for the same fault of the same sensor. */
  id: string;
  code: "lost" | "contact" | "battery" | "disk";
  title: string;
  advice: string;
}

/** List what is wrong now. `now` is performance.now(). */
export function presentFaults(model: Model, now: number): Fault[] {
  const ofSensors = model.ordered().flatMap((sensor) => {
    if (sensor.info?.ended_ns) return [];
    return [lost(sensor, now) ?? contact(sensor), battery(sensor, model)].filter((fault): fault is Fault => fault !== null);
  });
  return [...ofSensors, ...disk(model)].sort((a, b) => GRAVEST.indexOf(a.code) - GRAVEST.indexOf(b.code));
}

/** The recorder tells once that its disk is filling, and not when there is room again. */
function disk(model: Model): Fault[] {
  const told = model.notices.filter(({ code, t_ns }) => code === "disk_low" && Date.now() - t_ns / 1e6 < DISK_TOLD_MS).pop();
  return told ? [{ id: told.id, code: "disk", title: noticeWords(told, ""), advice: text.diskAdvice }] : [];
}

function lost(sensor: Sensor, now: number): Fault | null {
  const silence = sensor.silenceMs(now);
  if (silence === null || silence < LOST_MS || sensor.newestMs === null) return null;
  const title = text.lostTitle(nameOf(sensor), clock(sensor.newestMs), duration(silence));
  return { id: `${sensor.id} lost`, code: "lost", title, advice: text.lostAdvice };
}

function contact(sensor: Sensor): Fault | null {
  const isOff = sensor.state?.state === "off_body" || sensor.state?.quality.some((faults) => faults.includes("lead_off"));
  if (!isOff) return null;
  return { id: `${sensor.id} contact`, code: "contact", title: text.contactTitle(nameOf(sensor)), advice: text.contactAdvice };
}

function battery(sensor: Sensor, model: Model): Fault | null {
  if (!sensor.battery) return null;
  const { percent, empty_at_ns } = sensor.battery;
  const now = sensor.newestMs ?? Date.now();
  const isShort = model.alarms.night_ns !== null && empty_at_ns !== null && empty_at_ns / 1e6 < nextTime(model.alarms.wake_at, now);
  if (percent > LOW_PERCENT && !isShort) return null;
  const until = empty_at_ns === null ? "" : text.lastsUntil(clockOfDay(empty_at_ns / 1e6, now));
  const title = text.batteryTitle(nameOf(sensor), percent, until);
  return { id: `${sensor.id} battery`, code: "battery", title, advice: text.batteryAdvice };
}

const SIGNS = { lost: STATE_ICONS.no_data, contact: STATE_ICONS.off_body, battery: ICONS.battery, disk: ICONS.warn };

export class Faults {
  private readonly list = make("ul", { class: "faults" });
  private readonly spoken = make("p", { class: "unseen", role: "alert" });
  readonly element = make("section", { "aria-label": text.faults }, this.spoken, this.list);
  private readonly lines = new Map<string, { element: HTMLElement; title: HTMLElement }>();

  /** Bring up to date; return whether there is one that was not there before. */
  refresh(faults: Fault[]): boolean {
    const ids = new Set(faults.map((fault) => fault.id));
    for (const [id, line] of this.lines)
      if (!ids.has(id)) {
        line.element.remove();
        this.lines.delete(id);
      }
    const fresh = faults.filter((fault) => !this.lines.has(fault.id));
    for (const fault of fresh) this.add(fault);
    faults.forEach((fault, position) => {
      const line = this.lines.get(fault.id);
      if (!line) return;
      say(line.title, fault.title);
      if (this.list.children[position] !== line.element) this.list.insertBefore(line.element, this.list.children[position] ?? null);
    });
    if (fresh.length) say(this.spoken, fresh.map((fault) => fault.title).join(" "));
    show(this.list, faults.length > 0);
    return fresh.length > 0;
  }

  private add(fault: Fault): void {
    const title = make("strong", {}, fault.title);
    const element = make("li", {}, icon(SIGNS[fault.code]), make("div", {}, title, " ", make("span", {}, fault.advice)));
    mark(element, "fault", fault.code);
    this.lines.set(fault.id, { element, title });
    this.list.append(element);
  }
}
