/** Which part of the night is shown: zooming and moving, bounded by the night itself. */

/** The least a screen shows: ten samples at 1 kHz. */
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

  get bounds(): [number, number] {
    return [this.beginMs, this.endMs];
  }

  /** Set how far the night reaches; shows all of it if all of it was shown. */
  bound(beginMs: number, endMs: number): void {
    const wasWhole = this.isWhole;
    this.beginMs = beginMs;
    this.endMs = Math.max(endMs, beginMs + SHORTEST_MS);
    if (wasWhole) this.set(this.beginMs, this.endMs);
    else this.set(this.fromMs, this.toMs);
  }

  all(): void {
    this.set(this.beginMs, this.endMs);
  }

  set(fromMs: number, toMs: number): void {
    const most = this.endMs - this.beginMs;
    const length = Math.min(Math.max(toMs - fromMs, SHORTEST_MS), most);
    const middle = (fromMs + toMs) / 2;
    const from = Math.min(Math.max(middle - length / 2, this.beginMs), this.endMs - length);
    if (from === this.fromMs && from + length === this.toMs) return;
    this.fromMs = from;
    this.toMs = from + length;
    this.onChange();
  }

  /** Zoom by a factor, greater than 1 for nearer, so that a moment stays where it is. */
  zoom(factor: number, aroundMs = (this.fromMs + this.toMs) / 2): void {
    const length = Math.min(Math.max(this.lengthMs / factor, SHORTEST_MS), this.endMs - this.beginMs);
    const share = (aroundMs - this.fromMs) / this.lengthMs;
    const from = Math.min(Math.max(aroundMs - share * length, this.beginMs), this.endMs - length);
    this.set(from, from + length);
  }

  /** Move by a share of what is shown. */
  move(share: number): void {
    this.shift(share * this.lengthMs);
  }

  shift(ms: number): void {
    const bounded = Math.min(Math.max(ms, this.beginMs - this.fromMs), this.endMs - this.toMs);
    this.set(this.fromMs + bounded, this.toMs + bounded);
  }
}
