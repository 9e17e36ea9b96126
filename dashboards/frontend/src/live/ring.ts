/**
 * The last minutes of a curve; the counterpart of `crampwatch/web/live/ring.py`.
 *
 * Steps are numbered on the UTC grid (step = UTC milliseconds / `stepMs`), so that curves of different sensors, and of
 * a sensor before and after a gap, line up without any bookkeeping. A step's place in the buffer is its number modulo
 * the capacity. Curves may arrive late and out of order, as radio links recover what they lost; steps that were skipped
 * hold NaN until then.
 */

import { integersOf, NO_VALUE } from "../packed";
import type { Curve } from "../schema";

export class Ring {
  /** Number of the step after the newest one; 0 while empty. */
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

  /** Value of a step; NaN where there is none. */
  at(step: number, channel: number, field: number): number {
    if (step >= this.end || step < this.end - this.capacity) return NaN;
    return this.values[((step % this.capacity) * this.channels + channel) * this.fields + field] ?? NaN;
  }

  /** Write a packed curve; steps older than the ring holds are dropped. */
  put(curve: Curve): void {
    const width = this.channels * this.fields;
    const counts = integersOf(curve.data);
    if (counts.length !== curve.n * width) return; // another number of channels: a reset is on its way
    this.advanceTo(curve.at + curve.n);
    for (let i = 0; i < curve.n; i++) {
      const step = curve.at + i;
      if (step < this.end - this.capacity) continue;
      const slot = (step % this.capacity) * width;
      for (let j = 0; j < width; j++) {
        const count = counts[i * width + j] ?? NO_VALUE;
        this.values[slot + j] = count === NO_VALUE ? NaN : count * curve.scale;
      }
    }
  }

  private advanceTo(end: number): void {
    const width = this.channels * this.fields;
    for (let step = Math.max(this.end, end - this.capacity); step < end; step++) {
      const slot = (step % this.capacity) * width;
      this.values.fill(NaN, slot, slot + width);
    }
    this.end = Math.max(this.end, end);
  }
}
