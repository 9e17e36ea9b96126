/** Sections of signal from the server, unpacked; the latest ones are cached, as zooming out again shows them again. */

import { getJson } from "../api";
import { integersOf, NO_VALUE } from "../packed";
import type { Packed, SignalAnswer } from "./schema";

const MOST_CACHED = 60;

/** Values at equal steps, [step][channel][field]; NaN where there are none. Times are UTC milliseconds. */
export interface Steps {
  fromMs: number;
  stepMs: number;
  n: number;
  channels: number;
  fields: number;
  values: Float32Array;
}

export interface Section {
  fromMs: number;
  toMs: number;
  wave: Steps;
  envelope: Steps;
  isSamples: boolean;
}

/** A section of one sensor's signal, in so many columns. */
export interface SectionRequest {
  night: string;
  sensor: string;
  fromMs: number;
  toMs: number;
  columns: number;
}

export class Signals {
  private readonly cache = new Map<string, Section>();

  async fetch(request: SectionRequest): Promise<Section> {
    const key = `${request.night}?${queryOf(request)}`;
    const cached = this.cache.get(key);
    if (cached) return cached;
    const answer = await getJson<SignalAnswer>(`/api/v1/nights/${encodeURIComponent(request.night)}/signal?${queryOf(request)}`);
    const section = {
      fromMs: request.fromMs,
      toMs: request.toMs,
      wave: unpackSteps(answer.wave),
      envelope: unpackSteps(answer.envelope),
      isSamples: answer.is_samples,
    };
    this.cache.set(key, section);
    for (const old of this.cache.keys()) {
      if (this.cache.size <= MOST_CACHED) break;
      this.cache.delete(old);
    }
    return section;
  }

  clear(): void {
    this.cache.clear();
  }
}

function unpackSteps(packed: Packed): Steps {
  const values = Float32Array.from(integersOf(packed.data), (count) => (count === NO_VALUE ? NaN : count * packed.scale));
  const { n, channels, fields } = packed;
  return { fromMs: packed.from_ns / 1e6, stepMs: packed.step_ns / 1e6, n, channels, fields, values };
}

function queryOf({ sensor, fromMs, toMs, columns }: SectionRequest): string {
  const query = new URLSearchParams({
    sensor,
    from_ns: String(Math.round(fromMs * 1000) * 1000),
    to_ns: String(Math.round(toMs * 1000) * 1000),
    columns: String(columns),
  });
  return query.toString();
}
