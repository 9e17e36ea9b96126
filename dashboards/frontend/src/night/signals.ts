/** Stretches of signal from the server, unpacked, and remembered as long as somebody may go back to them. */

import { ask } from "../api";
import type { Packed, SignalAnswer } from "./wire";

const KEPT = 60;

/** Values at equal steps, [step][channel][field]; NaN where nothing is known. Times are UTC milliseconds. */
export interface Steps {
  fromMs: number;
  stepMs: number;
  n: number;
  channels: number;
  fields: number;
  values: Float32Array;
}

export interface Stretch {
  fromMs: number;
  toMs: number;
  wave: Steps;
  envelope: Steps;
  isSamples: boolean;
}

/** What is asked for of one sensor. */
export interface Wanted {
  night: string;
  sensor: string;
  fromMs: number;
  toMs: number;
  columns: number;
}

export class Signals {
  private readonly kept = new Map<string, Stretch>();

  /** Return what was asked for before, if it is still known. */
  known(wanted: Wanted): Stretch | undefined {
    return this.kept.get(keyOf(wanted));
  }

  async fetch(wanted: Wanted): Promise<Stretch> {
    const key = keyOf(wanted);
    const known = this.kept.get(key);
    if (known) return known;
    const answer = await ask<SignalAnswer>(`/api/v1/nights/${encodeURIComponent(wanted.night)}/signal?${key.split("?")[1]}`);
    const stretch = {
      fromMs: wanted.fromMs,
      toMs: wanted.toMs,
      wave: unpack(answer.wave),
      envelope: unpack(answer.envelope),
      isSamples: answer.is_samples,
    };
    this.kept.set(key, stretch);
    for (const old of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(old);
    }
    return stretch;
  }

  clear(): void {
    this.kept.clear();
  }
}

export function octetsOf(base64: string): Uint8Array {
  const text = atob(base64);
  const octets = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) octets[i] = text.charCodeAt(i);
  return octets;
}

function unpack(packed: Packed): Steps {
  const view = new DataView(octetsOf(packed.data).buffer);
  const values = new Float32Array(view.byteLength / 2);
  for (let i = 0; i < values.length; i++) {
    const count = view.getInt16(2 * i, true);
    values[i] = count === -32768 ? NaN : count * packed.scale;
  }
  const { n, channels, fields } = packed;
  return { fromMs: packed.from_ns / 1e6, stepMs: packed.step_ns / 1e6, n, channels, fields, values };
}

function keyOf({ night, sensor, fromMs, toMs, columns }: Wanted): string {
  const query = new URLSearchParams({
    sensor,
    from_ns: String(Math.round(fromMs * 1000) * 1000),
    to_ns: String(Math.round(toMs * 1000) * 1000),
    columns: String(columns),
  });
  return `${night}?${query.toString()}`;
}
