/** An episode close up: its waveform, and below it the spectrum over the same time. */

import { getJson } from "../api";
import { make, setText } from "../dom";
import { hatch } from "../hatch";
import { text } from "../i18n";
import { figure, hertz } from "../i18n/format";
import { bytesOf } from "../packed";
import { currentPalette } from "../palette";
import { Canvas, drawLabel, drawWave, xOf, type Scale } from "./drawing";
import { channelName, sensorOf } from "./names";
import type { Section, Signals } from "./signals";
import { ticks } from "./ticks";
import type { EpisodeRow, Night, NightSensor, SpectrumAnswer } from "./schema";

const WAVE_PX = 110;
const SPECTRUM_PX = 96;
const AXIS_PX = 20;
const GAP_PX = 8;
/** The server computes no spectrum of a longer section. */
const LONGEST_SPECTRUM_MS = 600_000;
/** Time shown before and after: a quarter of the episode, within limits. */
const MARGIN = 0.25;
const LEAST_MARGIN_MS = 500;
const MOST_MARGIN_MS = 10_000;

interface Subject {
  night: Night;
  sensor: NightSensor;
  episode: EpisodeRow;
  channel: number;
  fromMs: number;
  toMs: number;
}

export class CloseUp {
  readonly element = make("div", { class: "closeup", role: "img" });
  private readonly canvas = new Canvas();
  private readonly note = make("p", { class: "muted note" });
  private readonly spectrumImage = document.createElement("canvas");
  private subject: Subject | null = null;
  private section: Section | null = null;
  private spectrum: SpectrumAnswer | null = null;

  constructor(private readonly signals: Signals) {
    this.element.append(this.canvas.element, this.note);
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  async show(night: Night, episode: EpisodeRow): Promise<void> {
    const sensor = sensorOf(night, episode);
    this.section = this.spectrum = null;
    this.subject = null;
    if (!sensor?.has_signal) {
      setText(this.note, text.night.noSignal);
      this.draw();
      return;
    }
    const end = (episode.offset_ns ?? night.to_ns) / 1e6;
    const margin = Math.max(LEAST_MARGIN_MS, Math.min(MOST_MARGIN_MS, (end - episode.onset_ns / 1e6) * MARGIN));
    const subject = {
      night,
      sensor,
      episode,
      channel: episode.channels[0] ?? 0,
      fromMs: episode.onset_ns / 1e6 - margin,
      toMs: end + margin,
    };
    this.subject = subject;
    this.element.setAttribute("aria-label", `${text.night.wave}, ${text.night.spectrum}, ${channelName(sensor, subject.channel)}`);
    const isLong = subject.toMs - subject.fromMs > LONGEST_SPECTRUM_MS;
    setText(this.note, isLong ? text.night.tooLong : "");
    await Promise.all([this.fetchWave(subject), isLong ? null : this.fetchSpectrum(subject)]);
  }

  draw(): void {
    const width = this.element.clientWidth;
    const subject = this.subject;
    if (!subject || width === 0) {
      this.canvas.reset(Math.max(width, 1), 1);
      return;
    }
    const hasSpectrum = this.spectrum !== null;
    this.canvas.reset(width, WAVE_PX + AXIS_PX + (hasSpectrum ? SPECTRUM_PX + GAP_PX : 0));
    const scale: Scale = { fromMs: subject.fromMs, toMs: subject.toMs, widthPx: width };
    this.paintSpan(subject, scale);
    this.paintWave(subject, scale);
    if (hasSpectrum) this.paintSpectrum(scale);
    this.paintAxis(scale);
  }

  private async fetchWave(subject: Subject): Promise<void> {
    const columns = Math.max(100, Math.min(2000, this.element.clientWidth || 600));
    try {
      const section = await this.signals.fetch({
        night: subject.night.night,
        sensor: subject.sensor.sensor,
        fromMs: subject.fromMs,
        toMs: subject.toMs,
        columns,
      });
      if (subject !== this.subject) return;
      this.section = section;
      this.draw();
    } catch {
      if (subject === this.subject) setText(this.note, text.night.noSignal);
    }
  }

  private async fetchSpectrum(subject: Subject): Promise<void> {
    const query = new URLSearchParams({
      sensor: subject.sensor.sensor,
      channel: String(subject.channel),
      from_ns: String(Math.round(subject.fromMs * 1000) * 1000),
      to_ns: String(Math.round(subject.toMs * 1000) * 1000),
    });
    try {
      const spectrum = await getJson<SpectrumAnswer>(`/api/v1/nights/${encodeURIComponent(subject.night.night)}/spectrum?${query.toString()}`);
      if (subject !== this.subject) return;
      this.spectrum = spectrum;
      this.draw();
    } catch {
      if (subject === this.subject) setText(this.note, text.night.noSignal);
    }
  }

  private paintSpan({ episode }: Subject, scale: Scale): void {
    const { pen } = this.canvas;
    pen.fillStyle = episode.kind === "cramp" ? currentPalette().cramp : currentPalette().episode;
    const left = xOf(scale, episode.onset_ns / 1e6);
    pen.fillRect(left, 0, xOf(scale, (episode.offset_ns ?? scale.toMs * 1e6) / 1e6) - left, WAVE_PX);
  }

  private paintWave({ sensor, channel }: Subject, scale: Scale): void {
    const { pen } = this.canvas;
    for (const [from, to] of sensor.gaps_ns) {
      const [left, right] = [xOf(scale, from / 1e6), xOf(scale, to / 1e6)];
      if (right < 0 || left > scale.widthPx) continue;
      pen.fillStyle = hatch(pen, currentPalette().hatch);
      pen.fillRect(left, 0, right - left, WAVE_PX);
    }
    const section = this.section;
    if (!section) return;
    let limit = 1e-6;
    for (const value of section.wave.values) if (Math.abs(value) > limit) limit = Math.abs(value);
    drawWave(pen, section.wave, channel, scale, { top: 0, height: WAVE_PX }, limit * 1.05, section.isSamples);
    drawLabel(pen, `${text.night.wave}, ${channelName(sensor, channel)}`, 4, 10);
    drawLabel(pen, `±${figure(limit)} ${text.common.units[sensor.unit]}`, scale.widthPx - 4, 10, "right");
  }

  private paintSpectrum(scale: Scale): void {
    const spectrum = this.spectrum;
    if (!spectrum) return;
    const { pen } = this.canvas;
    const top = WAVE_PX + GAP_PX;
    this.paintCells(spectrum);
    const fromMs = spectrum.from_ns / 1e6;
    const left = xOf(scale, fromMs);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.spectrumImage, left, top, xOf(scale, fromMs + spectrum.columns * spectrum.step_s * 1000) - left, SPECTRUM_PX);
    drawLabel(pen, `${text.night.spectrum}, ${text.night.spectrumScale(hertz(spectrum.top_hz))}`, 4, top + 10);
  }

  /** Paint one pixel per cell, in shades of the theme's accent: the red theme stays red. */
  private paintCells({ columns, rows, data }: SpectrumAnswer): void {
    this.spectrumImage.width = columns;
    this.spectrumImage.height = rows;
    const pen = this.spectrumImage.getContext("2d");
    if (!pen) return;
    const cells = bytesOf(data);
    const image = pen.createImageData(columns, rows);
    const { plate, accent, text: brightest } = currentPalette();
    const [ground, bright] = [rgbOf(pen, plate), rgbOf(pen, brightest)];
    // The red theme has one colour for both; half of it is the middle tone.
    const tone = accent === brightest ? ground.map((dark, i) => (dark + (bright[i] ?? 0)) / 2) : rgbOf(pen, accent);
    for (let column = 0; column < columns; column++)
      for (let row = 0; row < rows; row++) {
        const share = ((cells[column * rows + row] ?? 0) / 255) ** 1.6;
        const at = ((rows - 1 - row) * columns + column) * 4;
        const [from, to, part] = share < 0.6 ? [ground, tone, share / 0.6] : [tone, bright, (share - 0.6) / 0.4];
        for (let i = 0; i < 3; i++) image.data[at + i] = (from[i] ?? 0) + ((to[i] ?? 0) - (from[i] ?? 0)) * part;
        image.data[at + 3] = 255;
      }
    pen.putImageData(image, 0, 0);
  }

  private paintAxis(scale: Scale): void {
    const { pen } = this.canvas;
    pen.fillStyle = currentPalette().axis;
    pen.textAlign = "center";
    for (const { ms, label } of ticks(scale.fromMs, scale.toMs, scale.widthPx, 84)) {
      const [x, half] = [xOf(scale, ms), pen.measureText(label).width / 2];
      if (x - half > 0 && x + half < scale.widthPx) pen.fillText(label, x, this.canvas.height - AXIS_PX / 2);
    }
  }
}

function rgbOf(pen: CanvasRenderingContext2D, colour: string): number[] {
  pen.fillStyle = colour;
  const hex = String(pen.fillStyle);
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}
