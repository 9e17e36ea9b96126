/** One sensor: who, how it is, its curves. */

import { make, icon, mark, say, show } from "../dom";
import { ICONS, STATE_ICONS } from "../icons";
import { text } from "../strings";
import { amount, clock, clockOfDay, clockSeconds, decimals, duration, figure } from "../time";
import type { Episode, State } from "../wire";
import type { Sensor } from "./model";
import { EnvelopePlot, WavePlot, type Picture } from "./plots";
import { channelName, muscleWords, nameOf, seconds } from "./words";

const PLOT_PX = 80;
/** Where a large screen would stay half empty. */
const TALL_PLOT_PX = 116;
const LARGE = matchMedia("(min-width: 900px) and (min-height: 900px)");
const TIME_AXIS_PX = 20;

export class Card {
  readonly element: HTMLElement;
  private readonly name = make("h2");
  private readonly place = make("p", { class: "muted place" });
  private readonly badge = make("span", { class: "badge" });
  private readonly state = make("p", { class: "state" });
  private readonly stale = make("p", { class: "stale", role: "status" });
  private readonly body = make("div", { class: "channels" });
  private readonly vitals = new Vitals();
  private channels: Channel[] = [];
  private shownState = "";
  private visible = true;

  constructor(private readonly sensor: Sensor) {
    this.element = make(
      "section",
      { class: "card foot", "data-sensor": sensor.id },
      make("header", {}, make("div", { class: "who" }, this.name, this.badge, this.place), this.state),
      this.stale,
      this.body,
      this.vitals.element,
    );
    new IntersectionObserver((seen) => (this.visible = seen.some((entry) => entry.isIntersecting))).observe(this.element);
  }

  /** Bring words up to date. `now` is performance.now(). */
  refresh(now: number): void {
    const { sensor } = this;
    say(this.name, nameOf(sensor));
    const muscle = muscleWords(sensor.info?.placement.muscle ?? "");
    say(this.place, muscle);
    if (sensor.info) this.name.title = sensor.info.name;
    this.element.setAttribute("aria-label", `${nameOf(sensor)} ${muscle}`.trim());
    say(this.badge, text.origins[sensor.origin]);
    show(this.badge, sensor.origin !== "live");
    const silence = staleness(sensor, now);
    say(this.stale, silence);
    show(this.stale, silence !== "");
    mark(this.element, "stale", String(silence !== ""));
    this.refreshState(silence !== "" ? "no_data" : (sensor.state?.state ?? "no_data"));
    this.refreshChannels(silence !== "");
    this.vitals.refresh(sensor, silence !== "");
  }

  /** Draw the curves, if they can be seen. */
  draw(picture: Picture): void {
    if (this.visible) for (const channel of this.channels) channel.draw(picture);
  }

  recolour(): void {
    for (const channel of this.channels) channel.recolour();
  }

  private refreshState(state: State): void {
    if (state === this.shownState) return;
    this.shownState = state;
    mark(this.state, "state", state);
    this.state.replaceChildren(icon(STATE_ICONS[state]), text.states[state]);
  }

  private refreshChannels(isStale: boolean): void {
    const count = this.sensor.channels;
    if (this.channels.length !== count) {
      this.body.replaceChildren();
      this.channels = Array.from({ length: count }, (_, i) => new Channel(this.sensor, i, i === count - 1));
      this.body.append(...this.channels.map((channel) => channel.element));
      for (const channel of this.channels) channel.begin();
    }
    for (const channel of this.channels) channel.refresh(isStale);
  }
}

/** What to say of a sensor whose data is not of now; empty if it is. */
export function staleness(sensor: Sensor, now: number): string {
  const silence = sensor.silenceMs(now);
  if (silence === null || sensor.newestMs === null) return text.waitingData;
  if (!sensor.isStale(now)) return "";
  if (sensor.info?.ended_ns) return text.ended(clock(sensor.info.ended_ns / 1e6));
  return text.noDataSince(clockSeconds(sensor.newestMs), duration(silence));
}

class Channel {
  readonly element: HTMLElement;
  private readonly title = make("h3");
  private readonly quality = make("span", { class: "quality" });
  private readonly values = make("span", { class: "values muted" });
  private readonly waveHost: HTMLElement;
  private readonly envelopeHost: HTMLElement;
  private wave: WavePlot | null = null;
  private envelope: EnvelopePlot | null = null;

  constructor(
    private readonly sensor: Sensor,
    private readonly index: number,
    private readonly isLast: boolean,
  ) {
    const name = channelName(sensor, index);
    this.waveHost = make("div", { class: "plot wave", role: "img", "aria-label": text.waveLabel(name) });
    this.envelopeHost = make("div", { class: "plot envelope", role: "img", "aria-label": text.envelopeLabel(name) });
    this.element = make(
      "div",
      { class: "channel", "data-channel": String(index % 2) },
      make("header", {}, make("span", { class: "swatch", "aria-hidden": "true" }), this.title, this.quality, this.values),
      this.waveHost,
      this.envelopeHost,
    );
  }

  /** Make the plots, once the element is laid out. */
  begin(): void {
    const [height, time] = [LARGE.matches ? TALL_PLOT_PX : PLOT_PX, this.isLast ? TIME_AXIS_PX : 0];
    this.wave = new WavePlot(this.waveHost, this.index, height);
    this.envelope = new EnvelopePlot(this.envelopeHost, this.index, height + time, this.isLast);
  }

  draw(picture: Picture): void {
    const own = picture.episodes.filter((episode) => concerns(episode, this.sensor, this.index));
    this.wave?.draw({ ...picture, episodes: own });
    this.envelope?.draw({ ...picture, episodes: own });
  }

  recolour(): void {
    this.wave?.recolour();
    this.envelope?.recolour();
  }

  refresh(isStale: boolean): void {
    say(this.title, channelName(this.sensor, this.index));
    const faults = this.sensor.state?.quality[this.index];
    mark(this.quality, "good", String(!isStale && faults?.length === 0));
    say(
      this.quality,
      isStale || !faults ? text.unknown : faults.map((fault) => text.qualities[fault]).join(", ") || text.goodSignal,
    );
    say(this.values, isStale ? "" : this.present());
  }

  private present(): string {
    const { features, unit } = this.sensor;
    for (let step = features.end - 1; step > features.end - 20; step--) {
      const [envelope, threshold] = [features.at(step, this.index, 0), features.at(step, this.index, 2)];
      if (!Number.isNaN(envelope) && !Number.isNaN(threshold))
        return text.envelopeNow(figure(envelope), amount(threshold, unit));
    }
    return "";
  }
}

function concerns(episode: Episode, sensor: Sensor, channel: number): boolean {
  return episode.sensor === sensor.id && (episode.channels.length === 0 || episode.channels.includes(channel));
}

class Vitals {
  readonly element = make("dl", { class: "vitals" });
  private readonly skin = this.row("temperature", text.skin);
  private readonly battery = this.row("battery", text.battery);
  private readonly link = this.row("link", text.link);

  /** What is old does not look as if it were of now. */
  refresh(sensor: Sensor, isStale: boolean): void {
    const celsius = sensor.temperature?.celsius;
    const skin = celsius == null ? text.unknown : `${decimals(celsius, 1)} °C`;
    say(this.skin.value, isStale ? text.unknown : skin);
    say(this.skin.detail, isStale && celsius != null ? text.last(skin) : "");
    this.refreshBattery(sensor);
    this.refreshLink(sensor, isStale);
  }

  private refreshBattery({ battery, newestMs }: Sensor): void {
    say(this.battery.value, battery ? `${battery.percent} %` : text.unknown);
    const empty = battery?.empty_at_ns;
    say(this.battery.detail, empty ? text.lastsUntil(clockOfDay(empty / 1e6, newestMs ?? Date.now())) : "");
    mark(this.battery.row, "low", String((battery?.percent ?? 100) <= 15));
  }

  private refreshLink(sensor: Sensor, isStale: boolean): void {
    const { link } = sensor;
    if (isStale) {
      mark(this.link.row, "low", String(!sensor.info?.ended_ns));
      say(this.link.value, text.unknown);
      return say(this.link.detail, sensor.newestMs === null ? "" : text.last(clock(sensor.newestMs)));
    }
    const word = !link ? text.unknown : text.linkWords[strength(link.connected, link.rssi_dbm)];
    const hasLevel = link?.connected && link.rssi_dbm !== null;
    say(this.link.value, hasLevel ? `${String(link.rssi_dbm).replace("-", "−")} dBm` : word);
    mark(this.link.row, "low", String(link !== null && !link.connected));
    if (!link) return;
    const parts = hasLevel ? [word] : [];
    parts.push(link.lost_samples ? text.lost(seconds(link.lost_samples, sensor)) : text.nothingLost);
    if (link.backfilled_samples) parts.push(text.backfilled(seconds(link.backfilled_samples, sensor)));
    say(this.link.detail, parts.join(", "));
  }

  private row(name: keyof typeof ICONS, label: string): { row: HTMLElement; value: HTMLElement; detail: HTMLElement } {
    const [value, detail] = [make("span", { class: "value" }), make("span", { class: "muted detail" })];
    const row = make("div", { "data-vital": name }, make("dt", {}, icon(ICONS[name]), label), make("dd", {}, value, detail));
    this.element.append(row);
    return { row, value, detail };
  }
}

/** Words for what RSSI means in practice: below -80 dBm Bluetooth LE begins to lose packets. */
function strength(connected: boolean, rssiDbm: number | null): keyof typeof text.linkWords {
  if (!connected) return "none";
  if (rssiDbm === null || rssiDbm >= -67) return "strong";
  return rssiDbm >= -80 ? "fair" : "weak";
}
