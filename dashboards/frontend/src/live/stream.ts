/** The stream of live updates: reconnects for as long as the page is open, and reports whether it is connected. */

import type { Update } from "../schema";

/** The server sends at least one event a second, so three seconds without any mean that it is gone. */
const LOST_MS = 3000;
const REOPEN_MS = 1000;
const CHECK_MS = 500;

export interface Listener {
  onSnapshot(snapshot: Update): void;
  onUpdate(update: Update): void;
  onConnection(connected: boolean): void;
}

export class Stream {
  private source: EventSource | null = null;
  private receivedAt = 0;
  private openedAt = 0;
  private connected: boolean | null = null;

  constructor(private readonly listener: Listener) {}

  start(): void {
    this.openSource();
    window.setInterval(() => this.checkAlive(), CHECK_MS);
    // After a phone has slept the connection is dead: do not wait until the browser notices.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.checkAlive();
    });
    // A page that the browser caches for "back" would occupy one of its six connections to the server.
    window.addEventListener("pagehide", () => this.source?.close());
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) this.openSource();
    });
  }

  private openSource(): void {
    this.source?.close();
    this.openedAt = performance.now();
    const source = new EventSource("/api/v1/live");
    source.addEventListener("snapshot", (event) => {
      this.onEvent();
      this.listener.onSnapshot(JSON.parse(event.data) as Update);
    });
    source.addEventListener("update", (event) => {
      this.onEvent();
      this.listener.onUpdate(JSON.parse(event.data) as Update);
    });
    source.addEventListener("beat", () => this.onEvent());
    this.source = source;
  }

  private onEvent(): void {
    this.receivedAt = performance.now();
    this.reportConnection(true);
  }

  private checkAlive(): void {
    const now = performance.now();
    if (now - this.receivedAt <= LOST_MS) return;
    this.reportConnection(false);
    const closed = this.source?.readyState === EventSource.CLOSED;
    if (now - this.openedAt > (closed ? REOPEN_MS : LOST_MS)) {
      void leaveIfLoggedOut();
      this.openSource();
    }
  }

  private reportConnection(connected: boolean): void {
    if (connected === this.connected) return;
    this.connected = connected;
    this.listener.onConnection(connected);
  }
}

/** An event source does not report why it was refused; a plain request does. */
async function leaveIfLoggedOut(): Promise<void> {
  try {
    const answer = await fetch("/api/v1/health");
    if (answer.status === 401) location.assign("/login");
  } catch {
    // Unreachable as well: the next attempt follows anyway.
  }
}
