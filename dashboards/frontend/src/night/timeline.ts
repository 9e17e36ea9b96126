/** The timeline of a night: episodes by kind, waveform, envelope with threshold, temperature; gaps are hatched. */

import { make, setText } from "../dom";
import { hatch } from "../hatch";
import { text } from "../i18n";
import { clockExact, decimals, figure } from "../i18n/format";
import { channelColour, currentPalette } from "../palette";
import type { Kind } from "../schema";
import { Canvas, drawLabel, drawLine, drawWave, xOf, type Band, type Scale } from "./drawing";
import { addGestures } from "./gestures";
import { channelName, placeName } from "./names";
import { Signals, type Section, type SectionRequest } from "./signals";
import { ticks } from "./ticks";
import type { EpisodeRow, Night, NightSensor } from "./schema";
import type { TimeWindow } from "./window";

const KINDS: readonly Kind[] = ["cramp", "twitch", "leg_movement", "rhythmic", "movement", "artefact"];
const ROW_PX = 26;
/** Space above a row or lane for its name, so that name and early episodes do not hide each other. */
const NAME_PX = 14;
const BAR_PX = 10;
const WAVE_PX = 58;
const ENVELOPE_PX = 58;
const TEMPERATURE_PX = 48;
const AXIS_PX = 22;
const SPACE_PX = 5;
const TICK_SPACE_PX = 74;
/** Wait for the fingers to rest: otherwise each step of a zoom would cost a request. */
const FETCH_AFTER_MS = 40;
const ROUND = [1, 2, 5];
/** A temperature curve is interrupted where readings are missing for longer. */
const TEMPERATURE_GAP_S = 600;
/** How far beside an episode a tap may land: a finger is wider than most bars. */
const TAP_REACH_PX = 12;

interface Lane extends Band {
  kind: "episodes" | "wave" | "envelope" | "temperature";
  sensor?: NightSensor;
  channel?: number;
}

export class Timeline {
  readonly element: HTMLElement;
  private readonly canvas = new Canvas();
  private readonly cursorTime = make("p", { class: "point muted", "aria-hidden": "true" });
  private readonly signals = new Signals();
  private readonly shown = new Map<string, Section>();
  private night: Night | null = null;
  private lanes: Lane[] = [];
  private rows: Kind[] = [];
  private cursorPx: number | null = null;
  private selected = "";
  private isDue = false;
  /** Number of the last fetch: answers to earlier ones come too late. */
  private fetchNumber = 0;
  private timer = 0;

  constructor(
    private readonly view: TimeWindow,
    private readonly onSelect: (id: string) => void,
  ) {
    this.element = make("div", { class: "timeline-plot", tabindex: "0", role: "application", "aria-label": text.night.timelineLabel });
    this.element.append(this.canvas.element, this.cursorTime);
    addGestures(this.element, view, {
      onTap: (x, y) => this.selectAt(x, y),
      onPoint: (x) => {
        this.cursorPx = x;
        this.draw();
      },
    });
    new ResizeObserver(() => this.refresh()).observe(this.element);
  }

  show(night: Night): void {
    const isOther = night.night !== this.night?.night;
    const isLonger = night.to_ns !== this.night?.to_ns || night.read !== this.night?.read;
    this.night = night;
    if (isOther) this.shown.clear();
    if (isOther || isLonger) this.signals.clear();
    this.rows = KINDS.filter((kind) => kind === "cramp" || night.episodes.some((episode) => episode.kind === kind));
    this.layOut();
    this.refresh();
  }

  select(id: string): void {
    this.selected = id;
    this.draw();
  }

  /** Draw what is there at once, and fetch the signal of the window that is shown now. */
  refresh(): void {
    this.draw();
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.fetchSignals(), FETCH_AFTER_MS);
  }

  draw(): void {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.paint();
    });
  }

  private async fetchSignals(): Promise<void> {
    const number = ++this.fetchNumber;
    const width = this.element.clientWidth;
    if (!this.night || width === 0) return;
    const columns = Math.max(100, Math.min(2000, Math.round(width)));
    for (const sensor of this.night.sensors) {
      const request: SectionRequest = { night: this.night.night, sensor: sensor.sensor, fromMs: this.view.fromMs, toMs: this.view.toMs, columns };
      try {
        const section = await this.signals.fetch(request);
        if (number !== this.fetchNumber) return;
        this.shown.set(sensor.sensor, section);
      } catch {
        return; // what is drawn stays; the next move tries again
      }
      this.draw();
    }
    this.element.dataset["drawn"] = `${this.view.fromMs} ${this.view.toMs}`;
  }

  private layOut(): void {
    let top = 0;
    const add = (lane: Omit<Lane, "top">): void => {
      if (lane.kind !== "episodes") top += NAME_PX;
      this.lanes.push({ ...lane, top });
      top += lane.height + SPACE_PX;
    };
    this.lanes = [];
    add({ kind: "episodes", height: this.rows.length * ROW_PX });
    for (const sensor of this.night?.sensors ?? []) {
      for (let channel = 0; channel < sensor.channels; channel++) add({ kind: "wave", sensor, channel, height: WAVE_PX });
      add({ kind: "envelope", sensor, height: ENVELOPE_PX });
    }
    if (this.night?.sensors.some((sensor) => sensor.temperature.length)) add({ kind: "temperature", height: TEMPERATURE_PX });
  }

  private get heightPx(): number {
    const last = this.lanes[this.lanes.length - 1];
    return (last ? last.top + last.height : 0) + AXIS_PX;
  }

  private paint(): void {
    const width = this.element.clientWidth;
    if (!this.night || width === 0) return;
    this.canvas.reset(width, this.heightPx);
    const scale: Scale = { fromMs: this.view.fromMs, toMs: this.view.toMs, widthPx: width };
    this.paintAxis(scale);
    for (const lane of this.lanes) {
      if (lane.kind === "episodes") this.paintEpisodes(lane, scale);
      else if (lane.kind === "temperature") this.paintTemperature(lane, scale);
      else if (lane.sensor) this.paintSignal(lane, lane.sensor, scale);
    }
    this.paintCursor(scale);
  }

  private paintAxis(scale: Scale): void {
    const { pen } = this.canvas;
    const bottom = this.heightPx - AXIS_PX;
    const marks = ticks(scale.fromMs, scale.toMs, scale.widthPx, TICK_SPACE_PX).map((tick) => ({
      ...tick,
      x: Math.round(xOf(scale, tick.ms)) + 0.5,
      half: pen.measureText(tick.label).width / 2,
    }));
    pen.strokeStyle = currentPalette().grid;
    pen.fillStyle = currentPalette().axis;
    pen.lineWidth = 1;
    pen.textAlign = "center";
    for (const { x, half, label, isChanged } of marks) {
      pen.strokeRect(x, -1, 0, bottom + 1);
      // Where the clocks change the label holds the offset, and the labels beside it make room.
      const isCrowded = !isChanged && marks.some((other) => other.isChanged && Math.abs(other.x - x) < other.half + half + 6);
      if (!isCrowded && x - half > 0 && x + half < scale.widthPx) pen.fillText(label, x, bottom + AXIS_PX / 2 + 2);
    }
  }

  private paintEpisodes(lane: Lane, scale: Scale): void {
    const { pen } = this.canvas;
    const palette = currentPalette();
    this.rows.forEach((kind, row) => {
      const top = lane.top + row * ROW_PX;
      drawLabel(pen, text.night.rows[kind], 4, top + NAME_PX / 2);
      pen.fillStyle = palette.grid;
      pen.fillRect(0, top + ROW_PX - 1, scale.widthPx, 1);
    });
    for (const episode of this.night?.episodes ?? []) {
      const [left, right] = this.edgesOf(episode, scale);
      if (right < 0 || left > scale.widthPx) continue;
      const top = lane.top + this.rows.indexOf(episode.kind) * ROW_PX + NAME_PX;
      const isSelected = episode.id === this.selected;
      const from = Math.max(left, -2);
      const length = Math.min(right, scale.widthPx + 2) - from;
      pen.fillStyle = pen.strokeStyle = episode.kind === "cramp" ? palette.alarm : palette.accent;
      pen.globalAlpha = episode.kind === "artefact" || episode.label?.verdict === "not_a_cramp" ? 0.5 : 1;
      if (episode.status === "retracted") pen.strokeRect(from + 0.5, top + 0.5, Math.max(length - 1, 2), BAR_PX - 1);
      else pen.fillRect(from, top, length, BAR_PX);
      pen.globalAlpha = 1;
      if (isSelected) this.paintSelection(from, length, top, lane);
    }
  }

  private paintSelection(from: number, length: number, top: number, lane: Lane): void {
    const { pen } = this.canvas;
    pen.strokeStyle = currentPalette().text;
    pen.lineWidth = 2;
    pen.strokeRect(from - 2, top - 2, length + 4, BAR_PX + 4);
    pen.lineWidth = 1;
    pen.fillStyle = currentPalette().episode;
    pen.fillRect(from, lane.top + lane.height, length, this.heightPx - AXIS_PX - lane.height);
  }

  private paintSignal(lane: Lane, sensor: NightSensor, scale: Scale): void {
    const { pen } = this.canvas;
    pen.save();
    pen.beginPath();
    pen.rect(0, lane.top, scale.widthPx, lane.height);
    pen.clip();
    pen.strokeStyle = currentPalette().grid;
    if (lane.kind === "wave") pen.strokeRect(-1, lane.top + lane.height / 2 + 0.5, scale.widthPx + 2, 0);
    this.paintGaps(lane, sensor, scale);
    const section = this.shown.get(sensor.sensor);
    if (section && lane.kind === "wave") this.paintWave(section, lane, sensor, scale);
    else if (section) this.paintEnvelope(section, lane, sensor, scale);
    pen.restore();
    if (section) this.paintNames(section, lane, sensor, scale);
    else drawLabel(pen, placeName(sensor), 4, lane.top - NAME_PX / 2);
  }

  private paintNames(section: Section, lane: Lane, sensor: NightSensor, scale: Scale): void {
    const { pen } = this.canvas;
    const y = lane.top - NAME_PX / 2;
    const range = envelopeRange(section);
    const [name, values] =
      lane.kind === "wave"
        ? [`${placeName(sensor)}, ${channelName(sensor, lane.channel ?? 0)}`, `±${figure(limitOf(section, lane, sensor))}`]
        : [range ? text.night.envelope : text.night.noEnvelope, range ? range.map(figure).join("–") : ""];
    drawLabel(pen, name, 4, y);
    if (values) drawLabel(pen, `${values} ${text.common.units[sensor.unit]}`, scale.widthPx - 4, y, "right");
  }

  private paintWave(section: Section, lane: Lane, sensor: NightSensor, scale: Scale): void {
    drawWave(this.canvas.pen, section.wave, lane.channel ?? 0, scale, lane, limitOf(section, lane, sensor), section.isSamples);
  }

  private paintEnvelope(section: Section, lane: Lane, sensor: NightSensor, scale: Scale): void {
    const { pen } = this.canvas;
    const range = envelopeRange(section);
    if (!range) return;
    const [low, high] = range;
    const y = (value: number): number =>
      lane.top + lane.height - 2 - ((Math.log10(Math.max(value, low)) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))) * (lane.height - 4);
    for (let channel = 0; channel < Math.min(section.envelope.channels, sensor.channels || 1); channel++) {
      pen.strokeStyle = channelColour(channel);
      pen.lineWidth = 1;
      pen.setLineDash([4, 4]);
      pen.globalAlpha = 0.7;
      drawLine(pen, section.envelope, channel, 2, scale, y);
      pen.setLineDash([]);
      pen.globalAlpha = 1;
      pen.lineWidth = 1.4;
      drawLine(pen, section.envelope, channel, 0, scale, y);
    }
  }

  /** What was not recorded is hatched, never drawn as zero or as calm; what has not been read yet is plain. */
  private paintGaps(lane: Lane, sensor: NightSensor, scale: Scale): void {
    const { pen } = this.canvas;
    const night = this.night;
    if (!night) return;
    const isRead = night.read >= 1;
    for (const [from, to] of sensor.gaps_ns) {
      const isOpen = (!isRead || night.running) && to >= night.to_ns;
      const [left, right] = [xOf(scale, from / 1e6), xOf(scale, to / 1e6)];
      if (right < 0 || left > scale.widthPx) continue;
      const begin = Math.max(left, -1);
      const width = Math.max(1, Math.min(right, scale.widthPx + 1) - begin);
      pen.fillStyle = currentPalette().plate;
      pen.fillRect(begin, lane.top, width, lane.height);
      pen.fillStyle = isOpen ? currentPalette().floor : hatch(pen, currentPalette().hatch);
      pen.fillRect(begin, lane.top, width, lane.height);
      const label = isOpen ? text.night.notRead : text.night.notRecorded;
      if (width > pen.measureText(label).width + 16 && lane.channel === 0)
        drawLabel(pen, label, begin + width / 2 - pen.measureText(label).width / 2, lane.top + lane.height / 2);
    }
  }

  private paintTemperature(lane: Lane, scale: Scale): void {
    const { pen } = this.canvas;
    const night = this.night;
    if (!night) return;
    const all = night.sensors.flatMap((sensor) => sensor.temperature.map(([, celsius]) => celsius));
    const [low, high] = [Math.floor(Math.min(...all)) - 0.5, Math.ceil(Math.max(...all)) + 0.5];
    const y = (celsius: number): number => lane.top + lane.height - ((celsius - low) / (high - low)) * lane.height;
    night.sensors.forEach((sensor, number) => {
      pen.strokeStyle = channelColour(number);
      pen.lineWidth = 1.4;
      pen.beginPath();
      let lastS = -Infinity;
      for (const [atS, celsius] of sensor.temperature) {
        const x = xOf(scale, night.from_ns / 1e6 + atS * 1000);
        if (atS - lastS > TEMPERATURE_GAP_S) pen.moveTo(x, y(celsius));
        else pen.lineTo(x, y(celsius));
        lastS = atS;
      }
      pen.stroke();
    });
    const nameY = lane.top - NAME_PX / 2;
    let x = drawLabel(pen, text.night.temperature, 4, nameY);
    if (night.sensors.length > 1)
      night.sensors.forEach((sensor, number) => {
        x = drawLabel(pen, text.common.sides[sensor.side] || sensor.name, x + 8, nameY, "left", channelColour(number));
      });
    drawLabel(pen, text.common.celsius(`${decimals(low, 1)}–${decimals(high, 1)}`), scale.widthPx - 4, nameY, "right");
  }

  private paintCursor(scale: Scale): void {
    const { pen } = this.canvas;
    if (this.cursorPx === null) {
      setText(this.cursorTime, "");
      return;
    }
    pen.fillStyle = currentPalette().axis;
    pen.fillRect(Math.round(this.cursorPx), 0, 1, this.heightPx - AXIS_PX);
    const ms = scale.fromMs + (this.cursorPx / scale.widthPx) * (scale.toMs - scale.fromMs);
    setText(this.cursorTime, clockExact(ms, scale.toMs - scale.fromMs));
    this.cursorTime.style.left = `${Math.min(this.cursorPx + 8, scale.widthPx - 110)}px`;
  }

  private selectAt(x: number, y: number): void {
    this.element.focus({ preventScroll: true });
    const scale: Scale = { fromMs: this.view.fromMs, toMs: this.view.toMs, widthPx: this.element.clientWidth };
    const lane = this.lanes[0];
    const row = lane && y < lane.top + lane.height ? this.rows[Math.floor((y - lane.top) / ROW_PX)] : undefined;
    const reach = row ? TAP_REACH_PX : 0;
    const near = (this.night?.episodes ?? [])
      .filter((episode) => !row || episode.kind === row)
      .map((episode) => ({ episode, gap: distanceTo(x, this.edgesOf(episode, scale)) }))
      .filter(({ gap }) => gap <= reach)
      .sort((a, b) => a.gap - b.gap || KINDS.indexOf(a.episode.kind) - KINDS.indexOf(b.episode.kind))[0];
    if (near) this.onSelect(near.episode.id);
  }

  private edgesOf(episode: EpisodeRow, scale: Scale): [number, number] {
    const left = xOf(scale, episode.onset_ns / 1e6);
    const end = episode.offset_ns ?? this.night?.to_ns ?? episode.onset_ns;
    return [left, Math.max(xOf(scale, end / 1e6), left + 3)];
  }
}

function distanceTo(x: number, [left, right]: [number, number]): number {
  return x < left ? left - x : Math.max(0, x - right);
}

function limitOf(section: Section, lane: Lane, sensor: NightSensor): number {
  return roundUp(peakOf(section, lane.channel ?? 0), sensor.unit === "uV" ? 10 : 1e-6);
}

function peakOf({ wave }: Section, channel: number): number {
  let peak = 0;
  for (let i = channel * 2; i < wave.values.length; i += wave.channels * 2) {
    const high = Math.max(wave.values[i + 1] ?? 0, -(wave.values[i] ?? 0));
    if (high > peak) peak = high;
  }
  return peak;
}

/** Half decades around what is shown; null if there is nothing. */
function envelopeRange({ envelope }: Section): [number, number] | null {
  let [low, high] = [Infinity, 0];
  for (let i = 0; i < envelope.values.length; i++) {
    const value = envelope.values[i] ?? NaN;
    if (!(value > 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high === 0) return null;
  const from = 10 ** (Math.floor(Math.log10(low) * 2) / 2);
  return [from, Math.max(10 ** (Math.ceil(Math.log10(high) * 2) / 2), from * 30)];
}

/** Round up to 1, 2 or 5 times a power of ten. */
function roundUp(value: number, atLeast: number): number {
  const limited = Math.max(value, atLeast);
  const decade = 10 ** Math.floor(Math.log10(limited));
  return (ROUND.find((limit) => limit * decade >= limited * 0.999) ?? 10) * decade;
}
