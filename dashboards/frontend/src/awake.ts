/** Keeps the screen on while the page is looked at, when asked; browsers grant it to secure pages only. */

export class Awake {
  private lock: WakeLockSentinel | null = null;
  private isWanted = false;

  constructor() {
    // The browser takes the lock back whenever the page is hidden.
    document.addEventListener("visibilitychange", () => {
      if (this.isWanted && !document.hidden) void this.acquire();
    });
  }

  static get isPossible(): boolean {
    return "wakeLock" in navigator && window.isSecureContext;
  }

  get isOn(): boolean {
    return this.lock !== null && !this.lock.released;
  }

  /** Return whether the screen stays on now. */
  async keep(wanted: boolean): Promise<boolean> {
    this.isWanted = wanted;
    if (wanted) return this.acquire();
    await this.lock?.release();
    this.lock = null;
    return false;
  }

  private async acquire(): Promise<boolean> {
    if (!Awake.isPossible) return false;
    if (this.isOn) return true;
    try {
      this.lock = await navigator.wakeLock.request("screen");
      return true;
    } catch {
      return false; // the battery is low, or the browser saves power
    }
  }
}
