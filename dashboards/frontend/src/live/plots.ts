/** The two plots of a channel, drawn on canvas: the extremes of the waveform, and the envelope with its threshold. */

import uPlot from "uplot";

import { hatch } from "../hatch";
import { axisFigure, clockSeconds } from "../i18n/format";
import { channelColour, currentPalette } from "../palette";
import type { Episode } from "../schema";
import { combine, gaps, layOut, waveRing, type Columns, type Series } from "./columns";
import type { Sensor } from "./model";

const Y_AXIS_PX = 46;
const X_AXIS_PX = 20;
const FONT = "11px system-ui, sans-serif";

/** What is drawn in one animation frame. */
export interface Frame {
  sensor: Sensor;
  episodes: Episode[];
  edgeMs: number;
  windowS: number;
}

abstract class Plot {
  protected range: [number, number] = [0, 1];
  private columns: Columns | null = null;
  private holes: [number, number][] = [];
  private episodes: Episode[] = [];
  private readonly plot: uPlot;

  constructor(
    protected readonly host: HTMLElement,
    protected readonly channel: number,
    private readonly heightPx: number,
    private readonly withTime: boolean,
    series: uPlot.Series[],
    bands: uPlot.Band[],
  ) {
    host.style.height = `${heightPx}px`; // set before the canvas is there, so that the page does not jump
    this.plot = new uPlot(this.options(series, bands), [[], ...series.map(() => [])] as uPlot.AlignedData, host);
    new ResizeObserver(() => this.resize()).observe(host);
  }

    draw(frame: Frame): void {
    if (this.host.clientWidth === 0) return;
    this.columns = this.layOut(frame);
    this.holes = gaps(frame.sensor.coarse, this.columns);
    this.episodes = frame.episodes;
    const data = this.seriesOf(frame.sensor, this.columns);
    this.plot.setData([this.columns.x, ...data] as uPlot.AlignedData);
  }

  /** Draw the same data in the colours of a new theme. */
  recolour(): void {
    this.plot.redraw(false, true);
  }

  protected abstract layOut(frame: Frame): Columns;
  /** Return one series per curve, and set the range of values. */
  protected abstract seriesOf(sensor: Sensor, columns: Columns): Series[];
  protected abstract tickValues(): number[];
  protected abstract tickLabel(tick: number): string;

  protected get widthPx(): number {
    return Math.max(1, this.host.clientWidth - Y_AXIS_PX);
  }

  private resize(): void {
    const width = this.host.clientWidth;
    if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: this.heightPx });
  }

  private options(series: uPlot.Series[], bands: uPlot.Band[]): uPlot.Options {
    const muted = (): string => currentPalette().axis;
    const grid = { stroke: (): string => currentPalette().grid, width: 1 };
    return {
      width: Math.max(this.host.clientWidth, 100),
      height: this.heightPx,
      padding: [8, 0, this.withTime ? 0 : 6, 0],
      pxAlign: 0,
      legend: { show: false },
      cursor: { show: false },
      select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      series: [{}, ...series.map((line) => ({ points: { show: false }, spanGaps: false, ...line }))],
      bands,
      scales: {
        x: { time: true, range: () => [this.columns?.fromS ?? 0, this.columns?.toS ?? 1] },
        y: { range: () => this.range },
      },
      axes: [
        {
          show: this.withTime,
          size: X_AXIS_PX,
          space: 78,
          gap: 4,
          font: FONT,
          stroke: muted,
          grid,
          ticks: { show: false },
          incrs: [1, 2, 5, 10, 15, 30, 60, 120],
          values: (plot, splits) => splits.map((s) => (this.isNearEdge(plot, s) ? "" : clockSeconds(s * 1000))),
        },
        {
          size: Y_AXIS_PX,
          gap: 6,
          font: FONT,
          stroke: muted,
          grid,
          ticks: { show: false },
          splits: () => this.tickValues(),
          values: (_, splits) => splits.map((tick) => this.tickLabel(tick)),
        },
      ],
      hooks: { drawClear: [(plot) => this.drawBehind(plot)] },
    };
  }

  /** Whether a label at this time would be cut off. */
  private isNearEdge(plot: uPlot, timeS: number): boolean {
    const x = plot.valToPos(timeS, "x");
    return x > plot.bbox.width / uPlot.pxRatio - 34 || x < 0;
  }

  private drawBehind(plot: uPlot): void {
    const { left, top, width, height } = plot.bbox;
    const at = (s: number): number => Math.min(left + width, Math.max(left, plot.valToPos(s, "x", true)));
    const fill = (from: number, to: number, style: string | CanvasPattern): void => {
      plot.ctx.fillStyle = style;
      plot.ctx.fillRect(at(from), top, Math.max(at(to) - at(from), 1), height);
    };
    const palette = currentPalette();
    plot.ctx.save();
    for (const { onset_ns, offset_ns, kind, status } of this.episodes) {
      const [from, to] = [onset_ns / 1e9, offset_ns === null ? (this.columns?.toS ?? 0) : offset_ns / 1e9];
      if (status === "retracted" || kind === "artefact" || !this.columns) continue;
      if (to > this.columns.fromS && from < this.columns.toS)
        fill(from, to, kind === "cramp" ? palette.cramp : palette.episode);
    }
    for (const [from, to] of this.holes) fill(from, to, hatch(plot.ctx, palette.hatch));
    plot.ctx.restore();
  }
}

/** The waveform, as the lowest and highest value of each column. */
export class WavePlot extends Plot {
  constructor(host: HTMLElement, channel: number, heightPx: number) {
    const stroke = (): string => channelColour(channel);
    const fill = (): string => channelColour(channel);
    super(host, channel, heightPx, false, [{ stroke, width: 1 }, { stroke, width: 1 }], [{ series: [2, 1], fill }]);
  }

  protected layOut({ sensor, edgeMs, windowS }: Frame): Columns {
    return layOut(waveRing(sensor, windowS), edgeMs, windowS, this.widthPx);
  }

  protected seriesOf(sensor: Sensor, columns: Columns): Series[] {
    const ring = waveRing(sensor, columns.toS - columns.fromS);
    const low = combine(ring, columns, this.channel, 0, Math.min);
    const high = combine(ring, columns, this.channel, 1, Math.max);
    const peak = Math.max(...low.map((v) => -(v ?? 0)), ...high.map((v) => v ?? 0));
    const limit = roundUp(Math.max(peak, sensor.unit === "uV" ? 10 : 1e-9));
    this.range = [-limit, limit];
    return [low, high];
  }

  protected tickValues(): number[] {
    const limit = this.range[1];
    return [-limit, 0, limit];
  }

  protected tickLabel(tick: number): string {
    return tick > 0 ? `±${axisFigure(tick)}` : tick === 0 ? "0" : "";
  }
}

/** Envelope, threshold and resting level on a logarithmic scale; the area above the threshold is filled. */
export class EnvelopePlot extends Plot {
  constructor(host: HTMLElement, channel: number, heightPx: number, withTime: boolean) {
    const palette = currentPalette;
    const curves: uPlot.Series[] = [
      { stroke: () => palette().floor, fill: () => palette().floor, width: 0, fillTo: () => -9 },
      { stroke: () => palette().threshold, width: 1.25, dash: [5, 4] },
      { stroke: () => channelColour(channel), width: 1.5 },
      { width: 0 },
    ];
    super(host, channel, heightPx, withTime, curves, [{ series: [4, 2], fill: () => palette().above }]);
  }

  protected layOut({ sensor, edgeMs, windowS }: Frame): Columns {
    return layOut(sensor.features, edgeMs, windowS, this.widthPx);
  }

  protected seriesOf({ features }: Sensor, columns: Columns): Series[] {
    const logs = (field: number): Series =>
      combine(features, columns, this.channel, field, Math.max).map((v) => (v === null || v <= 0 ? null : Math.log10(v)));
    const [envelope, floor, threshold] = [logs(0), logs(1), logs(2)];
    const above = envelope.map((v, i) => {
      const limit = threshold[i] ?? null;
      return v === null || limit === null ? null : Math.max(v, limit);
    });
    this.range = logRange([...floor, ...envelope], [...envelope, ...threshold]);
    return [floor, threshold, envelope, above];
  }

  protected tickValues(): number[] {
    const [low, high] = this.range;
    const found: number[] = [];
    for (let decade = Math.floor(low); decade <= high; decade++)
      for (const part of high - low < 1.9 ? [0, Math.log10(3)] : [0])
        if (decade + part >= low && decade + part <= high) found.push(decade + part);
    return found;
  }

  protected tickLabel(tick: number): string {
    return axisFigure(10 ** tick);
  }
}

/** Range of a logarithmic axis, in steps of half a decade and at least one and a half decades, so that it seldom changes. */
function logRange(lows: Series, highs: Series): [number, number] {
  const values = (series: Series): number[] => series.filter((v): v is number => v !== null);
  const low = Math.min(...values(lows), 9);
  const high = Math.max(...values(highs), -9);
  if (low > high) return [0, 2];
  const from = Math.floor(low * 2 - 0.2) / 2;
  return [from, Math.max(Math.ceil(high * 2 + 0.2) / 2, from + 1.5)];
}

/** Round up to 1, 1.5, 2, 3, 5 or 7 times a power of ten. */
function roundUp(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 5, 7].find((step) => step * decade >= value * 0.999) ?? 10) * decade;
}
