/** Colours of the current theme, for the canvases: style sheets do not reach into those. */

export interface Palette {
  channels: string[];
  grid: string;
  axis: string;
  floor: string;
  threshold: string;
  above: string;
  hatch: string;
  cramp: string;
  episode: string;
  plate: string;
  text: string;
  accent: string;
  alarm: string;
}

let palette: Palette | null = null;

export function currentPalette(): Palette {
  return (palette ??= readPalette());
}

/** Call this when the theme has changed: the style sheet is read again. */
export function forgetPalette(): void {
  palette = null;
}

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return {
    channels: [colour("--channel-1"), colour("--channel-2")],
    grid: colour("--grid"),
    axis: colour("--muted"),
    floor: colour("--floor"),
    threshold: colour("--threshold"),
    above: colour("--above"),
    hatch: colour("--hatch"),
    cramp: colour("--mark-cramp"),
    episode: colour("--mark-episode"),
    plate: colour("--card"),
    text: colour("--text"),
    accent: colour("--accent"),
    alarm: colour("--alarm-line"),
  };
}

export function channelColour(channel: number): string {
  const { channels } = currentPalette();
  return channels[channel % channels.length] ?? "#888";
}
