/**
 * State of sensors, services, episodes and alarms, as the server's updates describe it.
 *
 * The server sends a complete snapshot after each connection and only changes from then on (`stream.ts`). Times of the
 * data are UTC; silence is measured with `performance.now()`, which no change of the clock disturbs.
 */

import type {
  AlarmState,
  Battery,
  Episode,
  Link,
  Notice,
  Origin,
  SensorInfo,
  SensorState,
  SensorUpdate,
  ServiceStatus,
  Temperature,
  Update,
} from "../schema";
import type { KindCounts } from "../i18n/counts";
import { Ring } from "./ring";

/** Silence after which nothing on the page may look live. */
export const STALE_MS = 3000;
/** Updates come ten times a second; a second without one is a silence. */
const MOVES_ON_MS = 1000;
/** Of a long and lively night; the list shows far fewer. */
const MOST_EPISODES = 500;
const MOST_NOTICES = 30;
/** Step lengths and capacities as in `crampwatch/web/live/sensor.py`: 30 s of fine extremes, 5 min of the rest. */
const FINE = [20, 1500] as const;
const COARSE = [100, 3000] as const;

export class Sensor {
  origin: Origin = "live";
  unit: "uV" | "relative" | "" = "";
  newestMs: number | null = null;
  status: ServiceStatus | null = null;
  info: SensorInfo | null = null;
  state: SensorState | null = null;
  temperature: Temperature | null = null;
  battery: Battery | null = null;
  link: Link | null = null;
  /** Lowest and highest sample of each step. */
  fine = new Ring(...FINE, 0, 2);
  coarse = new Ring(...COARSE, 0, 2);
  /** Envelope, resting level and threshold of each step. */
  features = new Ring(...COARSE, 0, 3);
  /** When samples last arrived, by performance.now(). */
  private receivedAt: number | null = null;

  constructor(readonly id: string) {}

  get channels(): number {
    return this.coarse.channels;
  }

  /** Milliseconds since samples last arrived; null if none ever did. `now` is performance.now(). */
  silenceMs(now: number): number | null {
    return this.receivedAt === null ? null : Math.max(0, now - this.receivedAt);
  }

  isStale(now: number): boolean {
    const silence = this.silenceMs(now);
    return silence === null || silence > STALE_MS;
  }

  /** The right edge of the plots, UTC milliseconds: it moves on during a silence, so that the gap shows. */
  edgeMs(now: number): number | null {
    if (this.newestMs === null) return null;
    const silence = this.silenceMs(now) ?? 0;
    return silence > MOVES_ON_MS ? this.newestMs + silence : this.newestMs;
  }

  apply(update: SensorUpdate, now: number): void {
    this.origin = update.origin;
    this.status = update.status ?? this.status;
    this.info = update.info ?? this.info;
    this.state = update.state ?? this.state;
    this.temperature = update.temperature ?? this.temperature;
    this.battery = update.battery ?? this.battery;
    this.link = update.link ?? this.link;
    this.unit = update.unit || this.unit;
    if (update.newest_ns != null) this.newestMs = update.newest_ns / 1e6;
    if (update.silent_s != null) this.receivedAt = now - update.silent_s * 1000;
    this.applyCurves(update);
  }

  private applyCurves(update: SensorUpdate): void {
    const channels = update.channels ?? 0;
    if (update.reset || channels !== this.channels) {
      this.fine = new Ring(...FINE, channels, 2);
      this.coarse = new Ring(...COARSE, channels, 2);
      this.features = new Ring(...COARSE, channels, 3);
    }
    for (const curve of update.fine ?? []) this.fine.put(curve);
    for (const curve of update.coarse ?? []) this.coarse.put(curve);
    for (const curve of update.features ?? []) this.features.put(curve);
  }
}

export class Model {
  version = "";
  broker = false;
  /** Start of the recording night that episodes are counted for, UTC milliseconds. */
  nightMs = 0;
  sensors = new Map<string, Sensor>();
  services = new Map<string, ServiceStatus>();
  episodes = new Map<string, Episode>();
  notices: Notice[] = [];
  counts: KindCounts = {};
  alarms: AlarmState = { snoozed: {}, acknowledged: [], calls: ["cramp"], night_ns: null, wake_at: "07:00" };

  /** Whether a snapshot has arrived: before that, an empty list means nothing. */
  isReady = false;
  private resolveReady = (): void => undefined;
  /** Resolves when the first snapshot arrives. */
  readonly ready = new Promise<void>((resolve) => {
    this.resolveReady = resolve;
  });

  /** Apply the snapshot that follows a connection: whatever it does not hold is gone. */
  replace(snapshot: Update, now: number): void {
    this.isReady = true;
    const present = new Set(Object.keys(snapshot.sensors ?? {}));
    for (const id of [...this.sensors.keys()]) if (!present.has(id)) this.sensors.delete(id);
    this.services.clear();
    this.episodes.clear();
    this.notices = [];
    this.counts = {};
    this.apply(snapshot, now);
    this.resolveReady();
  }

  apply(update: Update, now: number): void {
    this.version = update.version ?? this.version;
    this.broker = update.broker ?? this.broker;
    this.alarms = update.alarms ?? this.alarms;
    for (const [id, change] of Object.entries(update.sensors ?? {})) this.findOrAddSensor(id).apply(change, now);
    for (const [name, status] of Object.entries(update.services ?? {})) this.services.set(name, status);
    for (const episode of update.episodes ?? []) this.episodes.set(episode.id, episode);
    for (const notice of update.notices ?? []) this.notices.push(notice);
    this.notices.sort((a, b) => a.t_ns - b.t_ns);
    if (update.counts && Object.keys(update.counts).length) this.counts = update.counts;
    if (update.night_ns) this.startNight(update.night_ns / 1e6);
    this.dropOldest();
  }

  /** Sensors by side (unknown, left, right), then by id; those whose recording has ended come last. */
  orderedSensors(): Sensor[] {
    const rank = (sensor: Sensor): number =>
      (sensor.info?.ended_ns ? 10 : 0) + ["unknown", "left", "right"].indexOf(sensor.info?.placement.side ?? "unknown");
    return [...this.sensors.values()].sort((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id));
  }

  newestEpisodes(): Episode[] {
    return [...this.episodes.values()].sort((a, b) => b.onset_ns - a.onset_ns);
  }

  private findOrAddSensor(id: string): Sensor {
    let sensor = this.sensors.get(id);
    if (!sensor) this.sensors.set(id, (sensor = new Sensor(id)));
    return sensor;
  }

  private startNight(nightMs: number): void {
    if (nightMs > this.nightMs)
      for (const [id, episode] of this.episodes)
        if ((episode.offset_ns ?? episode.onset_ns) / 1e6 < nightMs) this.episodes.delete(id);
    this.nightMs = nightMs;
  }

  private dropOldest(): void {
    if (this.episodes.size > MOST_EPISODES)
      for (const episode of this.newestEpisodes().slice(MOST_EPISODES)) this.episodes.delete(episode.id);
    this.notices = this.notices.slice(-MOST_NOTICES);
  }
}
