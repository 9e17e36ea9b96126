/** A soft sound, repeated while an alarm is on that nobody has acknowledged. */

const REPEAT_MS = 8000;
/** Long enough to wake someone gently; then silence, in case nobody is there. */
const MOST_TIMES = 20;

export class Sound {
  private context: AudioContext | null = null;
  private lastAt = -Infinity;
  private times = 0;

  /** Ask the browser to allow sound, which it does only after a tap or key press; return whether it does. */
  async enable(): Promise<boolean> {
    try {
      this.context ??= new AudioContext();
      await this.context.resume();
      return this.context.state === "running";
    } catch {
      return false; // no sound device: there is still the banner
    }
  }

  /** Whether the browser allows sound now. */
  get isReady(): boolean {
    return this.context?.state === "running";
  }

  /** Play the sound once; return whether the browser did. */
  async test(): Promise<boolean> {
    if (!(await this.enable())) return false;
    this.playChime();
    return true;
  }

  /** A single low tone for a sensor problem, unlike that of an alarm. */
  playFaultTone(): void {
    this.playTone(220, 0);
  }

  /** Call this often: plays the sound when it is due. `now` is performance.now(). */
  repeat(isAlarming: boolean, now: number): void {
    if (!isAlarming) {
      this.times = 0;
      return;
    }
    if (now - this.lastAt < REPEAT_MS || this.times >= MOST_TIMES) return;
    this.lastAt = now;
    this.times += 1;
    this.playChime();
  }

  private playChime(): void {
    this.playTone(440, 0);
    this.playTone(554.4, 0.35);
  }

  /** A sine tone that swells and fades: the sharp onset of a bell would startle. */
  private playTone(frequencyHz: number, delayS: number): void {
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
