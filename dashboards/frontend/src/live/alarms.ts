/** What people say about alarms: told to the server, which keeps it and tells every open page. */

import { change } from "../api";
import { say, show } from "../dom";
import { text } from "../strings";
import type { AlarmState, Kind } from "../wire";
import type { Model } from "./model";

/** A cramp that has lasted this long calls in spite of a snooze (DOMAIN: advice pages name ten minutes). */
export const LONG_MS = 600_000;

export class Alarms {
  /** Called when something has changed. */
  onChange: () => void = () => undefined;

  constructor(
    private readonly model: Model,
    /** Where it is said that the server could not be told. */
    private readonly trouble: HTMLElement,
  ) {}

  get state(): AlarmState {
    return this.model.alarms;
  }

  /** Until when a kind is snoozed, UTC milliseconds; null if it is not. */
  snoozedUntil(kind: Kind): number | null {
    const until = this.state.snoozed[kind];
    return until !== undefined && until / 1e6 > Date.now() ? until / 1e6 : null;
  }

  isAcknowledged(id: string): boolean {
    return this.state.acknowledged.includes(id);
  }

  /** `seconds` 0 ends the snooze. */
  snooze(kind: Kind, seconds: number): Promise<void> {
    return this.tell("POST", "/snooze", { kind, seconds: Math.round(seconds) });
  }

  acknowledge(id: string): Promise<void> {
    // At once, so that it is quiet even while the server cannot be reached.
    this.model.alarms = { ...this.state, acknowledged: [...this.state.acknowledged, id] };
    return this.tell("POST", "/acknowledge", { episodes: [id] });
  }

  callFor(calls: Kind[]): Promise<void> {
    return this.tell("PATCH", "", { calls });
  }

  wakeAt(clock: string): Promise<void> {
    return this.tell("PATCH", "", { wake_at: clock });
  }

  night(step: "begin" | "end"): Promise<void> {
    return this.tell("POST", "/night", { step });
  }

  private async tell(method: "POST" | "PATCH", path: string, body: object): Promise<void> {
    try {
      this.model.alarms = await change<AlarmState>(method, `/api/v1/alarms${path}`, body);
      show(this.trouble, false);
    } catch (error) {
      say(this.trouble, text.notKept(error instanceof Error ? error.message : String(error)));
      show(this.trouble, true);
    }
    this.onChange();
  }
}

/** The next time the clock shows `HH:MM`, UTC milliseconds. */
export function nextTime(clock: string, now: number): number {
  const [hours = 7, minutes = 0] = clock.split(":").map(Number);
  const then = new Date(now);
  then.setHours(hours, minutes, 0, 0);
  if (then.getTime() <= now) then.setDate(then.getDate() + 1);
  return then.getTime();
}
