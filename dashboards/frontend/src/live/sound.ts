/** A soft sound, repeated while a likely cramp is on and nobody has acknowledged it. */

const REPEAT_MS = 8000;
/** Long enough to wake someone gently; then it leaves the house in peace. */
const MOST_TIMES = 20;

export class Sound {
  private context: AudioContext | null = null;
  private lastAt = -Infinity;
  private times = 0;

  /** Ask the browser for sound; only a tap or key may do so. Return whether it is granted. */
  async enable(): Promise<boolean> {
    try {
      this.context ??= new AudioContext();
      await this.context.resume();
      return this.context.state === "running";
    } catch {
      return false; // no sound device: the banner has to do
    }
  }

  /** Whether the browser lets the page sound. */
  get isReady(): boolean {
    return this.context?.state === "running";
  }

  /** Sound once, to be heard by whoever goes to bed; return whether the browser did. */
  async test(): Promise<boolean> {
    if (!(await this.enable())) return false;
    this.chime();
    return true;
  }

  /** A single low tone: something needs a look, but no cramp is on. */
  note(): void {
    this.play(220, 0);
  }

  /** Call often: sounds when it is time to. `now` is performance.now(). */
  remind(isCalling: boolean, now: number): void {
    if (!isCalling) {
      this.times = 0;
      return;
    }
    if (now - this.lastAt < REPEAT_MS || this.times >= MOST_TIMES) return;
    this.lastAt = now;
    this.times += 1;
    this.chime();
  }

  private chime(): void {
    this.play(440, 0);
    this.play(554.4, 0.35);
  }

  /** A sine that swells and fades: a bell's edge would startle. */
  private play(frequencyHz: number, delayS: number): void {
    if (this.context?.state !== "running") return;
    const [tone, gain] = [this.context.createOscillator(), this.context.createGain()];
    const at = this.context.currentTime + delayS;
    tone.frequency.value = frequencyHz;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.18, at + 0.25);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 1.4);
    tone.connect(gain).connect(this.context.destination);
    tone.start(at);
    tone.stop(at + 1.5);
  }
}
