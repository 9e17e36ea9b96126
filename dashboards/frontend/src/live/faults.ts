/** Sensor problems that keep a foot from being monitored: signal lost, electrode off, battery or disk running out. Never snoozed. */

import { icon, make, setData, setText, show } from "../dom";
import { text } from "../i18n";
import { clock, clockOfDay, percent, timer } from "../i18n/format";
import { noticeText } from "../i18n/server";
import { ICONS, STATE_ICONS } from "../icons";
import { nextTime } from "./alarms";
import type { Model, Sensor } from "./model";
import { sensorName } from "./names";

/** A radio link is often gone for a few seconds and then delivers what was missed; the sensor's card shows that at once. */
const LOST_MS = 10_000;
/** The recorder reports a filling disk once, and never that there is room again. */
const DISK_SHOWN_MS = 3_600_000;
const LOW_PERCENT = 15;
/** What ends the monitoring at once comes first. */
const GRAVEST_FIRST: readonly Fault["code"][] = ["lost", "contact", "disk", "battery"];

export interface Fault {
  /** The same for the same fault of the same sensor. */
  id: string;
  code: "lost" | "contact" | "battery" | "disk";
  title: string;
  advice: string;
}

/** List what is wrong now. `now` is performance.now(). */
export function currentFaults(model: Model, now: number): Fault[] {
  const ofSensors = model.orderedSensors().flatMap((sensor) => {
    if (sensor.info?.ended_ns) return [];
    return [lostFault(sensor, now) ?? contactFault(sensor), batteryFault(sensor, model)].filter((fault): fault is Fault => fault !== null);
  });
  return [...ofSensors, ...diskFaults(model)].sort((a, b) => GRAVEST_FIRST.indexOf(a.code) - GRAVEST_FIRST.indexOf(b.code));
}

function diskFaults(model: Model): Fault[] {
  const notice = model.notices.filter(({ code, t_ns }) => code === "disk_low" && Date.now() - t_ns / 1e6 < DISK_SHOWN_MS).pop();
  return notice ? [{ id: notice.id, code: "disk", title: noticeText(notice, ""), advice: text.live.diskAdvice }] : [];
}

function lostFault(sensor: Sensor, now: number): Fault | null {
  const silenceMs = sensor.silenceMs(now);
  if (silenceMs === null || silenceMs < LOST_MS || sensor.newestMs === null) return null;
  const title = text.live.lostTitle(sensorName(sensor), clock(sensor.newestMs), timer(silenceMs));
  return { id: `${sensor.id} lost`, code: "lost", title, advice: text.live.lostAdvice };
}

function contactFault(sensor: Sensor): Fault | null {
  const isOff = sensor.state?.state === "off_body" || sensor.state?.quality.some((faults) => faults.includes("lead_off"));
  if (!isOff) return null;
  return { id: `${sensor.id} contact`, code: "contact", title: text.live.contactTitle(sensorName(sensor)), advice: text.live.contactAdvice };
}

function batteryFault(sensor: Sensor, model: Model): Fault | null {
  if (!sensor.battery) return null;
  const { empty_at_ns } = sensor.battery;
  const now = sensor.newestMs ?? Date.now();
  const isShort = model.alarms.night_ns !== null && empty_at_ns !== null && empty_at_ns / 1e6 < nextTime(model.alarms.wake_at, now);
  if (sensor.battery.percent > LOW_PERCENT && !isShort) return null;
  const [name, level] = [sensorName(sensor), percent(sensor.battery.percent / 100)];
  const title =
    empty_at_ns === null ? text.live.batteryTitle(name, level) : text.live.batteryTitleUntil(name, level, clockOfDay(empty_at_ns / 1e6, now));
  return { id: `${sensor.id} battery`, code: "battery", title, advice: text.live.batteryAdvice };
}

const SIGNS = { lost: STATE_ICONS.no_data, contact: STATE_ICONS.off_body, battery: ICONS.battery, disk: ICONS.warn };

export class Faults {
  private readonly list = make("ul", { class: "faults" });
  private readonly announcer = make("p", { class: "unseen", role: "alert" });
  readonly element = make("section", { "aria-label": text.live.faults }, this.announcer, this.list);
  private readonly lines = new Map<string, { element: HTMLElement; title: HTMLElement }>();

  /** Bring up to date; return whether a fault is new. */
  refresh(faults: Fault[]): boolean {
    this.removeAllBut(new Set(faults.map((fault) => fault.id)));
    const added = faults.filter((fault) => !this.lines.has(fault.id));
    for (const fault of added) this.addLine(fault);
    faults.forEach((fault, position) => {
      const line = this.lines.get(fault.id);
      if (!line) return;
      setText(line.title, fault.title);
      if (this.list.children[position] !== line.element) this.list.insertBefore(line.element, this.list.children[position] ?? null);
    });
    if (added.length) setText(this.announcer, added.map((fault) => fault.title).join(" "));
    show(this.list, faults.length > 0);
    return added.length > 0;
  }

  private removeAllBut(ids: ReadonlySet<string>): void {
    for (const [id, line] of this.lines)
      if (!ids.has(id)) {
        line.element.remove();
        this.lines.delete(id);
      }
  }

  private addLine(fault: Fault): void {
    const title = make("strong", {}, fault.title);
    const element = make("li", {}, icon(SIGNS[fault.code]), make("div", {}, title, " ", make("span", {}, fault.advice)));
    setData(element, "fault", fault.code);
    this.lines.set(fault.id, { element, title });
    this.list.append(element);
  }
}
