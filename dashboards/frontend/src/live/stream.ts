/** The live stream: reconnects for ever, and says when it is not there. */

import type { Update } from "../wire";

/** The server says something each second, so three of them without a word mean that it is gone. */
const LOST_MS = 3000;
const REOPEN_MS = 1000;

export interface Listener {
  onSnapshot(snapshot: Update): void;
  onUpdate(update: Update): void;
  onConnection(connected: boolean): void;
}

export class Stream {
  private source: EventSource | null = null;
  private heardAt = 0;
  private openedAt = 0;
  private connected: boolean | null = null;

  constructor(private readonly listener: Listener) {}

  start(): void {
    this.open();
    window.setInterval(() => this.watch(), 500);
    // A phone that slept has a dead connection: do not wait for it to find out.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.watch();
    });
    // A page kept for "back" would hold on to one of the six connections a browser has for one server.
    window.addEventListener("pagehide", () => this.source?.close());
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) this.open();
    });
  }

  private open(): void {
    this.source?.close();
    this.openedAt = performance.now();
    const source = new EventSource("/api/v1/live");
    source.addEventListener("snapshot", (event) => {
      this.hear();
      this.listener.onSnapshot(JSON.parse(event.data) as Update);
    });
    source.addEventListener("update", (event) => {
      this.hear();
      this.listener.onUpdate(JSON.parse(event.data) as Update);
    });
    source.addEventListener("beat", () => this.hear());
    this.source = source;
  }

  private hear(): void {
    this.heardAt = performance.now();
    this.tell(true);
  }

  private watch(): void {
    const now = performance.now();
    if (now - this.heardAt <= LOST_MS) return;
    this.tell(false);
    const closed = this.source?.readyState === EventSource.CLOSED;
    if (now - this.openedAt > (closed ? REOPEN_MS : LOST_MS)) {
      void leaveIfLoggedOut();
      this.open();
    }
  }

  private tell(connected: boolean): void {
    if (connected === this.connected) return;
    this.connected = connected;
    this.listener.onConnection(connected);
  }
}

/** An event source does not tell why it was refused. */
async function leaveIfLoggedOut(): Promise<void> {
  try {
    const answer = await fetch("/api/v1/health");
    if (answer.status === 401) location.assign("/login");
  } catch {
    // Not there either: the next try comes by itself.
  }
}
