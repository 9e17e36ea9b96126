/** One sensor's card: name, state, the curves of its channels, and its vitals. */

import { icon, make, setData, setText, show } from "../dom";
import { text } from "../i18n";
import { amount, celsius, clock, clockOfDay, clockSeconds, dbm, figure, percent, timer } from "../i18n/format";
import { ICONS, STATE_ICONS } from "../icons";
import type { Episode, Link, State } from "../schema";
import type { Sensor } from "./model";
import { channelName, muscleName, samplesDuration, sensorName } from "./names";
import { EnvelopePlot, WavePlot, type Frame } from "./plots";

const PLOT_PX = 80;
/** On screens that would stay half empty otherwise. */
const TALL_PLOT_PX = 116;
const LARGE = matchMedia("(min-width: 900px) and (min-height: 900px)");
const TIME_AXIS_PX = 20;
/** How far back to look for the current envelope: features arrive ten times a second, with gaps after lost frames. */
const NEWEST_STEPS = 20;
const LOW_PERCENT = 15;
/** What RSSI means in practice: from -67 dBm up nothing is lost, below -80 dBm Bluetooth LE begins to lose packets. */
const STRONG_DBM = -67;
const FAIR_DBM = -80;

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
    new IntersectionObserver((entries) => (this.visible = entries.some((entry) => entry.isIntersecting))).observe(this.element);
  }

  /** Bring texts up to date. `now` is performance.now(). */
  refresh(now: number): void {
    const { sensor } = this;
    setText(this.name, sensorName(sensor));
    const muscle = muscleName(sensor.info?.placement.muscle ?? "");
    setText(this.place, muscle);
    if (sensor.info) this.name.title = sensor.info.name;
    this.element.setAttribute("aria-label", `${sensorName(sensor)} ${muscle}`.trim());
    setText(this.badge, text.shell.origins[sensor.origin]);
    show(this.badge, sensor.origin !== "live");
    const silence = silenceText(sensor, now);
    setText(this.stale, silence);
    show(this.stale, silence !== "");
    setData(this.element, "stale", String(silence !== ""));
    this.refreshState(silence !== "" ? "no_data" : (sensor.state?.state ?? "no_data"));
    this.refreshChannels(silence !== "");
    this.vitals.refresh(sensor, silence !== "");
  }

  /** Draw the curves, if they can be seen. */
  draw(frame: Frame): void {
    if (this.visible) for (const channel of this.channels) channel.draw(frame);
  }

  recolour(): void {
    for (const channel of this.channels) channel.recolour();
  }

  private refreshState(state: State): void {
    if (state === this.shownState) return;
    this.shownState = state;
    setData(this.state, "state", state);
    this.state.replaceChildren(icon(STATE_ICONS[state]), text.live.states[state]);
  }

  private refreshChannels(isStale: boolean): void {
    const count = this.sensor.channels;
    if (this.channels.length !== count) {
      this.body.replaceChildren();
      this.channels = Array.from({ length: count }, (_, i) => new Channel(this.sensor, i, i === count - 1));
      this.body.append(...this.channels.map((channel) => channel.element));
      for (const channel of this.channels) channel.addPlots();
    }
    for (const channel of this.channels) channel.refresh(isStale);
  }
}

/** Why a sensor's data is not current; empty if it is. */
function silenceText(sensor: Sensor, now: number): string {
  const silenceMs = sensor.silenceMs(now);
  if (silenceMs === null || sensor.newestMs === null) return text.live.waitingData;
  if (!sensor.isStale(now)) return "";
  if (sensor.info?.ended_ns) return text.live.ended(clock(sensor.info.ended_ns / 1e6));
  return text.live.noDataSince(clockSeconds(sensor.newestMs), timer(silenceMs));
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
    this.waveHost = make("div", { class: "plot wave", role: "img", "aria-label": text.live.waveLabel(name) });
    this.envelopeHost = make("div", { class: "plot envelope", role: "img", "aria-label": text.live.envelopeLabel(name) });
    this.element = make(
      "div",
      { class: "channel", "data-channel": String(index % 2) },
      make("header", {}, make("span", { class: "swatch", "aria-hidden": "true" }), this.title, this.quality, this.values),
      this.waveHost,
      this.envelopeHost,
    );
  }

  /** Make the plots, once the element is laid out. */
  addPlots(): void {
    const [height, time] = [LARGE.matches ? TALL_PLOT_PX : PLOT_PX, this.isLast ? TIME_AXIS_PX : 0];
    this.wave = new WavePlot(this.waveHost, this.index, height);
    this.envelope = new EnvelopePlot(this.envelopeHost, this.index, height + time, this.isLast);
  }

  draw(frame: Frame): void {
    const own = frame.episodes.filter((episode) => isOnChannel(episode, this.sensor, this.index));
    this.wave?.draw({ ...frame, episodes: own });
    this.envelope?.draw({ ...frame, episodes: own });
  }

  recolour(): void {
    this.wave?.recolour();
    this.envelope?.recolour();
  }

  refresh(isStale: boolean): void {
    setText(this.title, channelName(this.sensor, this.index));
    const faults = this.sensor.state?.quality[this.index];
    setData(this.quality, "good", String(!isStale && faults?.length === 0));
    setText(
      this.quality,
      isStale || !faults ? text.common.unknown : faults.map((fault) => text.live.qualities[fault]).join(", ") || text.live.goodSignal,
    );
    setText(this.values, isStale ? "" : this.currentValues());
  }

  private currentValues(): string {
    const { features, unit } = this.sensor;
    for (let step = features.end - 1; step > features.end - NEWEST_STEPS; step--) {
      const [envelope, threshold] = [features.at(step, this.index, 0), features.at(step, this.index, 2)];
      if (!Number.isNaN(envelope) && !Number.isNaN(threshold))
        return text.live.envelopeNow(figure(envelope), amount(threshold, unit));
    }
    return "";
  }
}

function isOnChannel(episode: Episode, sensor: Sensor, channel: number): boolean {
  return episode.sensor === sensor.id && (episode.channels.length === 0 || episode.channels.includes(channel));
}

class Vitals {
  readonly element = make("dl", { class: "vitals" });
  private readonly skin = this.makeRow("temperature", text.live.skin);
  private readonly battery = this.makeRow("battery", text.live.battery);
  private readonly link = this.makeRow("link", text.live.link);

  /** Old values are shown as such, never as if they were current. */
  refresh(sensor: Sensor, isStale: boolean): void {
    const reading = sensor.temperature?.celsius;
    const skin = reading == null ? text.common.unknown : celsius(reading);
    setText(this.skin.value, isStale ? text.common.unknown : skin);
    setText(this.skin.detail, isStale && reading != null ? text.live.last(skin) : "");
    this.refreshBattery(sensor);
    this.refreshLink(sensor, isStale);
  }

  private refreshBattery({ battery, newestMs }: Sensor): void {
    setText(this.battery.value, battery ? percent(battery.percent / 100) : text.common.unknown);
    const empty = battery?.empty_at_ns;
    setText(this.battery.detail, empty ? text.live.lastsUntil(clockOfDay(empty / 1e6, newestMs ?? Date.now())) : "");
    setData(this.battery.row, "low", String((battery?.percent ?? 100) <= LOW_PERCENT));
  }

  private refreshLink(sensor: Sensor, isStale: boolean): void {
    const { link } = sensor;
    if (isStale) {
      setData(this.link.row, "low", String(!sensor.info?.ended_ns));
      setText(this.link.value, text.common.unknown);
      return setText(this.link.detail, sensor.newestMs === null ? "" : text.live.last(clock(sensor.newestMs)));
    }
    const level = link?.connected ? link.rssi_dbm : null;
    const strength = link ? strengthText(link) : text.common.unknown;
    setText(this.link.value, level === null ? strength : dbm(level));
    setData(this.link.row, "low", String(link !== null && !link.connected));
    if (!link) return;
    const parts = level === null ? [] : [strength];
    parts.push(link.lost_samples ? text.live.missing(samplesDuration(link.lost_samples, sensor)) : text.live.nothingMissing);
    if (link.backfilled_samples) parts.push(text.live.recovered(samplesDuration(link.backfilled_samples, sensor)));
    setText(this.link.detail, parts.join(", "));
  }

  private makeRow(name: keyof typeof ICONS, label: string): { row: HTMLElement; value: HTMLElement; detail: HTMLElement } {
    const [value, detail] = [make("span", { class: "value" }), make("span", { class: "muted detail" })];
    const row = make("div", { "data-vital": name }, make("dt", {}, icon(ICONS[name]), label), make("dd", {}, value, detail));
    this.element.append(row);
    return { row, value, detail };
  }
}

function strengthText({ connected, rssi_dbm }: Link): string {
  if (!connected) return text.common.notConnected;
  const { strong, fair, weak } = text.live.linkStrengths;
  if (rssi_dbm === null || rssi_dbm >= STRONG_DBM) return strong;
  return rssi_dbm >= FAIR_DBM ? fair : weak;
}
