/** The last minutes of a curve on the UTC grid; the counterpart of `crampwatch/web/live/ring.py`. */

import type { Curve } from "../wire";

const UNKNOWN = -32768;

export class Ring {
  /** Number after the newest step; 0 before the first. */
  end = 0;
  private values = new Float32Array(0);

  constructor(
    readonly stepMs: number,
    readonly capacity: number,
    readonly channels: number,
    readonly fields: number,
  ) {
    this.clear();
  }

  clear(): void {
    this.end = 0;
    this.values = new Float32Array(this.capacity * this.channels * this.fields).fill(NaN);
  }

  /** Value of a step; NaN where nothing is known. */
  at(step: number, channel: number, field: number): number {
    if (step >= this.end || step < this.end - this.capacity) return NaN;
    return this.values[((step % this.capacity) * this.channels + channel) * this.fields + field] ?? NaN;
  }

  put(curve: Curve): void {
    const width = this.channels * this.fields;
    const counts = unpack(curve.data);
    if (counts.length !== curve.n * width) return; // of another number of channels: a reset is on its way
    this.advance(curve.at + curve.n);
    for (let i = 0; i < curve.n; i++) {
      const step = curve.at + i;
      if (step < this.end - this.capacity) continue;
      const slot = (step % this.capacity) * width;
      for (let j = 0; j < width; j++) {
        const count = counts[i * width + j] ?? UNKNOWN;
        this.values[slot + j] = count === UNKNOWN ? NaN : count * curve.scale;
      }
    }
  }

  private advance(end: number): void {
    const width = this.channels * this.fields;
    for (let step = Math.max(this.end, end - this.capacity); step < end; step++) {
      const slot = (step % this.capacity) * width;
      this.values.fill(NaN, slot, slot + width);
    }
    this.end = Math.max(this.end, end);
  }
}

function unpack(base64: string): Int16Array {
  const text = atob(base64);
  const octets = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) octets[i] = text.charCodeAt(i);
  const view = new DataView(octets.buffer);
  const counts = new Int16Array(text.length >> 1);
  for (let i = 0; i < counts.length; i++) counts[i] = view.getInt16(2 * i, true);
  return counts;
}
