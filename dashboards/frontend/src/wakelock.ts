/** Keeps the screen on while the page is open, if the user wants that; browsers allow it to secure pages only. */

export class WakeLock {
  private lock: WakeLockSentinel | null = null;
  private isRequested = false;

  constructor() {
    // The browser releases the lock whenever the page is hidden.
    document.addEventListener("visibilitychange", () => {
      if (this.isRequested && !document.hidden) void this.acquireLock();
    });
  }

  static get isPossible(): boolean {
    return "wakeLock" in navigator && window.isSecureContext;
  }

  get isOn(): boolean {
    return this.lock !== null && !this.lock.released;
  }

  /** Turn it on or off; return whether the screen stays on now. */
  async request(on: boolean): Promise<boolean> {
    this.isRequested = on;
    if (on) return this.acquireLock();
    await this.lock?.release();
    this.lock = null;
    return false;
  }

  private async acquireLock(): Promise<boolean> {
    if (!WakeLock.isPossible) return false;
    if (this.isOn) return true;
    try {
      this.lock = await navigator.wakeLock.request("screen");
      return true;
    } catch {
      return false; // the battery is low, or the browser saves power
    }
  }
}
