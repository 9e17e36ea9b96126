/** What the page knows, kept from the server's updates. */

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
} from "../wire";
import { Ring } from "./ring";

/** Silence after which nothing on the page may look live. */
export const STALE_MS = 3000;
const EPISODES_KEPT = 500;
const NOTICES_KEPT = 30;

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
  fine = new Ring(20, 1500, 0, 2);
  coarse = new Ring(100, 3000, 0, 2);
  features = new Ring(100, 3000, 0, 3);
  private heardAt: number | null = null;

  constructor(readonly id: string) {}

  get channels(): number {
    return this.coarse.channels;
  }

  /** Milliseconds since samples last came; null if none ever did. `now` is performance.now(). */
  silenceMs(now: number): number | null {
    return this.heardAt === null ? null : Math.max(0, now - this.heardAt);
  }

  isStale(now: number): boolean {
    const silence = this.silenceMs(now);
    return silence === null || silence > STALE_MS;
  }

  /** The data's own present, in UTC milliseconds: it goes on through a silence, so that the gap shows. */
  edgeMs(now: number): number | null {
    if (this.newestMs === null) return null;
    const silence = this.silenceMs(now) ?? 0;
    return silence > 1000 ? this.newestMs + silence : this.newestMs;
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
    if (update.silent_s != null) this.heardAt = now - update.silent_s * 1000;
    this.applyCurves(update);
  }

  private applyCurves(update: SensorUpdate): void {
    const channels = update.channels ?? 0;
    if (update.reset || channels !== this.channels) {
      this.fine = new Ring(20, 1500, channels, 2);
      this.coarse = new Ring(100, 3000, channels, 2);
      this.features = new Ring(100, 3000, channels, 3);
    }
    for (const curve of update.fine ?? []) this.fine.put(curve);
    for (const curve of update.coarse ?? []) this.coarse.put(curve);
    for (const curve of update.features ?? []) this.features.put(curve);
  }
}

export class Model {
  version = "";
  broker = false;
  nightMs = 0;
  sensors = new Map<string, Sensor>();
  services = new Map<string, ServiceStatus>();
  episodes = new Map<string, Episode>();
  notices: Notice[] = [];
  counts: Record<string, number> = {};
  alarms: AlarmState = { snoozed: {}, acknowledged: [], calls: ["cramp"], night_ns: null, wake_at: "07:00" };

  /** Whether the recorder has told anything yet: before that, nothing is missing. */
  isKnown = false;
  private tellKnown = (): void => undefined;
  /** Done as soon as it has. */
  readonly known = new Promise<void>((done) => {
    this.tellKnown = done;
  });

  /** Take the first picture after a connection: what is not in it is gone. */
  replace(snapshot: Update, now: number): void {
    this.isKnown = true;
    const known = new Set(Object.keys(snapshot.sensors ?? {}));
    for (const id of [...this.sensors.keys()]) if (!known.has(id)) this.sensors.delete(id);
    this.services.clear();
    this.episodes.clear();
    this.notices = [];
    this.counts = {};
    this.apply(snapshot, now);
    this.tellKnown();
  }

  apply(update: Update, now: number): void {
    this.version = update.version ?? this.version;
    this.broker = update.broker ?? this.broker;
    this.alarms = update.alarms ?? this.alarms;
    for (const [id, change] of Object.entries(update.sensors ?? {})) this.sensor(id).apply(change, now);
    for (const [name, status] of Object.entries(update.services ?? {})) this.services.set(name, status);
    for (const episode of update.episodes ?? []) this.episodes.set(episode.id, episode);
    for (const notice of update.notices ?? []) this.notices.push(notice);
    this.notices.sort((a, b) => a.t_ns - b.t_ns);
    if (update.counts && Object.keys(update.counts).length) this.counts = update.counts;
    if (update.night_ns) this.beginNight(update.night_ns / 1e6);
    this.bound();
  }

  /** Sensors, left foot first, those whose recording ended last. */
  ordered(): Sensor[] {
    const rank = (sensor: Sensor): number =>
      (sensor.info?.ended_ns ? 10 : 0) + ["left", "right"].indexOf(sensor.info?.placement.side ?? "") * 1;
    return [...this.sensors.values()].sort((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id));
  }

  newestEpisodes(): Episode[] {
    return [...this.episodes.values()].sort((a, b) => b.onset_ns - a.onset_ns);
  }

  private sensor(id: string): Sensor {
    let sensor = this.sensors.get(id);
    if (!sensor) this.sensors.set(id, (sensor = new Sensor(id)));
    return sensor;
  }

  private beginNight(nightMs: number): void {
    if (nightMs > this.nightMs)
      for (const [id, episode] of this.episodes)
        if ((episode.offset_ns ?? episode.onset_ns) / 1e6 < nightMs) this.episodes.delete(id);
    this.nightMs = nightMs;
  }

  private bound(): void {
    if (this.episodes.size > EPISODES_KEPT)
      for (const episode of this.newestEpisodes().slice(EPISODES_KEPT)) this.episodes.delete(episode.id);
    this.notices = this.notices.slice(-NOTICES_KEPT);
  }
}
