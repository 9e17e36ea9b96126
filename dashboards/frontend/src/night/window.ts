/**
 * The part of the night that is shown: zooming and moving, within the bounds of the night.
 *
 * Invariants: the window never leaves the bounds and never becomes shorter than `SHORTEST_MS`; a window that shows the
 * whole night goes on showing all of it while the night grows.
 */

/** Ten samples at 1 kHz: closer there is nothing to see. */
const SHORTEST_MS = 10;

export class TimeWindow {
  fromMs = 0;
  toMs = 1;
  private beginMs = 0;
  private endMs = 1;

  constructor(private readonly onChange: () => void) {}

  get lengthMs(): number {
    return this.toMs - this.fromMs;
  }

  get isWhole(): boolean {
    return this.fromMs <= this.beginMs && this.toMs >= this.endMs;
  }

  /** Set where the night starts and ends. */
  setBounds(beginMs: number, endMs: number): void {
    const wasWhole = this.isWhole;
    this.beginMs = beginMs;
    this.endMs = Math.max(endMs, beginMs + SHORTEST_MS);
    if (wasWhole) this.set(this.beginMs, this.endMs);
    else this.set(this.fromMs, this.toMs);
  }

  showAll(): void {
    this.set(this.beginMs, this.endMs);
  }

  /** Show a section; one that is too long, too short or out of bounds is corrected around its middle. */
  set(fromMs: number, toMs: number): void {
    const length = this.limitLength(toMs - fromMs);
    const middle = (fromMs + toMs) / 2;
    const from = Math.min(Math.max(middle - length / 2, this.beginMs), this.endMs - length);
    if (from === this.fromMs && from + length === this.toMs) return;
    this.fromMs = from;
    this.toMs = from + length;
    this.onChange();
  }

  /** Zoom by a factor, greater than 1 to zoom in; `aroundMs` stays where it is on the screen. */
  zoom(factor: number, aroundMs = (this.fromMs + this.toMs) / 2): void {
    const length = this.limitLength(this.lengthMs / factor);
    const share = (aroundMs - this.fromMs) / this.lengthMs;
    const from = Math.min(Math.max(aroundMs - share * length, this.beginMs), this.endMs - length);
    this.set(from, from + length);
  }

  /** Move by a share of the window. */
  move(share: number): void {
    this.shift(share * this.lengthMs);
  }

  shift(ms: number): void {
    const limited = Math.min(Math.max(ms, this.beginMs - this.fromMs), this.endMs - this.toMs);
    this.set(this.fromMs + limited, this.toMs + limited);
  }

  private limitLength(ms: number): number {
    return Math.min(Math.max(ms, SHORTEST_MS), this.endMs - this.beginMs);
  }
}
