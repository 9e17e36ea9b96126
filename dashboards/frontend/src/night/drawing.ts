/** Drawing on a canvas: crisp at any pixel ratio, in the colours of the theme. */

import { channelColour, currentPalette } from "../palette";
import type { Steps } from "./signals";

export const FONT = "11px system-ui, -apple-system, sans-serif";

/** Maps time to pixels. */
export interface Scale {
  fromMs: number;
  toMs: number;
  widthPx: number;
}

export function xOf(scale: Scale, ms: number): number {
  return ((ms - scale.fromMs) / (scale.toMs - scale.fromMs)) * scale.widthPx;
}

/** A horizontal strip of a canvas. */
export interface Band {
  top: number;
  height: number;
}

export class Canvas {
  readonly element = document.createElement("canvas");
  readonly pen: CanvasRenderingContext2D;
  width = 0;
  height = 0;

  constructor() {
    const pen = this.element.getContext("2d");
    if (!pen) throw new Error("no 2d canvas");
    this.pen = pen;
    this.element.setAttribute("aria-hidden", "true");
  }

  /** Resize to CSS pixels, and clear. */
  reset(width: number, height: number): void {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.element.width !== w || this.element.height !== h) {
      this.element.width = w;
      this.element.height = h;
      this.element.style.height = `${height}px`;
    }
    this.width = width;
    this.height = height;
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, width, height);
    this.pen.font = FONT;
    this.pen.textBaseline = "middle";
  }
}

/** Draw the lowest and highest value of each step as a filled shape; single samples as a line with dots. */
export function drawWave(pen: CanvasRenderingContext2D, steps: Steps, channel: number, scale: Scale, band: Band, limit: number, isSamples: boolean): void {
  if (channel >= steps.channels) return;
  const middle = band.top + band.height / 2;
  const y = (value: number): number => middle - (Math.max(-limit, Math.min(limit, value)) / limit) * (band.height / 2 - 1);
  pen.fillStyle = pen.strokeStyle = channelColour(channel);
  const width = xOf(scale, scale.fromMs + steps.stepMs);
  if (isSamples) return drawSamples(pen, steps, channel, scale, y, width);
  const stride = steps.channels * 2;
  const [first, last] = visibleSteps(steps, scale);
  const column = Math.max(1, width + 0.3);
  for (let i = first; i < last; i++) {
    const low = steps.values[i * stride + channel * 2] ?? NaN;
    if (Number.isNaN(low)) continue;
    const [top, bottom] = [y(steps.values[i * stride + channel * 2 + 1] ?? low), y(low)];
    pen.fillRect(xOf(scale, steps.fromMs + i * steps.stepMs), top, column, Math.max(1, bottom - top));
  }
}

function drawSamples(pen: CanvasRenderingContext2D, steps: Steps, channel: number, scale: Scale, y: (value: number) => number, width: number): void {
  const stride = steps.channels * 2;
  pen.lineWidth = 1.25;
  pen.beginPath();
  let isDown = false;
  for (let i = 0; i < steps.n; i++) {
    const value = steps.values[i * stride + channel * 2] ?? NaN;
    const x = xOf(scale, steps.fromMs + i * steps.stepMs);
    if (Number.isNaN(value)) isDown = false;
    else if (isDown) pen.lineTo(x, y(value));
    else {
      pen.moveTo(x, y(value));
      isDown = true;
    }
    if (width > 8 && !Number.isNaN(value)) pen.fillRect(x - 1.5, y(value) - 1.5, 3, 3);
  }
  pen.stroke();
}

/** Draw one field of each step as a line; values that are not positive interrupt it, as the axis is logarithmic. */
export function drawLine(pen: CanvasRenderingContext2D, steps: Steps, channel: number, field: number, scale: Scale, y: (value: number) => number): void {
  const stride = steps.channels * steps.fields;
  const [first, last] = visibleSteps(steps, scale);
  pen.beginPath();
  let isDown = false;
  for (let i = first; i < last; i++) {
    const value = steps.values[i * stride + channel * steps.fields + field] ?? NaN;
    if (Number.isNaN(value) || value <= 0) {
      isDown = false;
      continue;
    }
    const x = xOf(scale, steps.fromMs + (i + 0.5) * steps.stepMs);
    if (isDown) pen.lineTo(x, y(value));
    else pen.moveTo(x, y(value));
    isDown = true;
  }
  pen.stroke();
}

/** Draw a label on a plate in the page's colour, so that curves do not hide it; return where it ends. */
export function drawLabel(pen: CanvasRenderingContext2D, label: string, x: number, y: number, align: CanvasTextAlign = "left", colour = currentPalette().axis): number {
  pen.font = FONT;
  pen.textAlign = align;
  const width = pen.measureText(label).width;
  pen.globalAlpha = 0.78;
  pen.fillStyle = currentPalette().plate;
  pen.fillRect(align === "left" ? x - 3 : x - width - 3, y - 8, width + 6, 16);
  pen.globalAlpha = 1;
  pen.fillStyle = colour;
  pen.fillText(label, x, y);
  return x + width;
}

function visibleSteps(steps: Steps, scale: Scale): [number, number] {
  const first = Math.floor((scale.fromMs - steps.fromMs) / steps.stepMs) - 1;
  const last = Math.ceil((scale.toMs - steps.fromMs) / steps.stepMs) + 1;
  return [Math.max(0, first), Math.min(steps.n, last)];
}
