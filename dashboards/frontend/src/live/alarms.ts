/** Alarm settings, snoozes and acknowledgements: sent to the server, which stores them and informs every open page. */

import { errorText, sendJson } from "../api";
import { setText, show } from "../dom";
import { text } from "../i18n";
import type { AlarmState, Kind } from "../schema";
import type { Model } from "./model";

/** A cramp that lasts this long raises the alarm despite a snooze: medical advice pages commonly name ten minutes. */
export const LONG_MS = 600_000;

/** Kinds that may raise an alarm; a noisy signal is a sensor problem instead. */
export type AlertKind = Exclude<Kind, "artefact">;
export const ALERT_KINDS: readonly AlertKind[] = ["cramp", "twitch", "leg_movement", "movement", "rhythmic"];

export class Alarms {
  /** Called when something has changed. */
  onChange: () => void = () => undefined;

  constructor(
    private readonly model: Model,
    /** Shows that a change could not be saved. */
    private readonly trouble: HTMLElement,
  ) {}

  get state(): AlarmState {
    return this.model.alarms;
  }

  /** End of a kind's snooze, UTC milliseconds; null if it is not snoozed. */
  snoozedUntil(kind: Kind): number | null {
    const until = this.state.snoozed[kind];
    return until !== undefined && until / 1e6 > Date.now() ? until / 1e6 : null;
  }

  isAcknowledged(id: string): boolean {
    return this.state.acknowledged.includes(id);
  }

  /** `seconds` 0 ends the snooze. */
  snooze(kind: Kind, seconds: number): Promise<void> {
    return this.save("POST", "/snooze", { kind, seconds: Math.round(seconds) });
  }

  acknowledge(id: string): Promise<void> {
    // Applied at once, so that the page falls silent even while the server cannot be reached.
    this.model.alarms = { ...this.state, acknowledged: [...this.state.acknowledged, id] };
    return this.save("POST", "/acknowledge", { episodes: [id] });
  }

  setAlertKinds(calls: Kind[]): Promise<void> {
    return this.save("PATCH", "", { calls });
  }

  /** `time` is "HH:MM", local. */
  setWakeUpTime(time: string): Promise<void> {
    return this.save("PATCH", "", { wake_at: time });
  }

  startNight(): Promise<void> {
    return this.save("POST", "/night", { step: "begin" });
  }

  endNight(): Promise<void> {
    return this.save("POST", "/night", { step: "end" });
  }

  private async save(method: "POST" | "PATCH", path: string, body: object): Promise<void> {
    try {
      this.model.alarms = await sendJson<AlarmState>(method, `/api/v1/alarms${path}`, body);
      show(this.trouble, false);
    } catch (error) {
      setText(this.trouble, text.shell.couldNotSave(errorText(error)));
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
