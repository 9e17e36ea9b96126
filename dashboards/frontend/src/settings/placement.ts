/** A drawing of where a sensor is worn: a sole, the top of a foot, or a lower leg, with the electrodes on the muscle. */

import { make } from "../dom";
import { text } from "../i18n";
import { muscleOf, type MuscleId } from "../muscles";
import type { Side } from "../schema";

const SVG = "http://www.w3.org/2000/svg";
/** Outline of a left sole with the toes up, as its owner sees it in a mirror: the big toe is on the left. */
const SOLE =
  "M40 176C23 176 16 161 18 144C20 125 31 114 29 94C27 78 14 71 15 55C16 43 26 40 35 42C48 44 63 54 67 67C71 83 66 110 63 132C61 151 60 176 40 176Z";
const TOES: [number, number, number, number][] = [
  [22, 25, 9, 13],
  [38.5, 24, 6, 10],
  [50, 31, 5.5, 8.5],
  [59.500, 41, 5, 7.5],
  [67, 53, 4.5, 6.5],
];
/** Outline of a left lower leg from behind. */
const LEG =
  "M20 4C14 30 10 52 16 78C20 100 29 118 30 146C30 156 26 164 27 170C30 177 50 177 53 170C54 164 50 156 50 146C51 118 62 98 65 76C68 52 64 30 60 4";

export type PlacementView = "sole" | "top" | "calf" | "shin";

/** Where a muscle is in a drawing. */
interface Spot {
  view: PlacementView;
  /** Middle of the muscle, and how far it is turned, in degrees. */
  x: number;
  y: number;
  turned: number;
  length: number;
}

const SPOTS: Record<MuscleId, Spot> = {
  "abductor hallucis": { view: "sole", x: 27, y: 118, turned: 14, length: 30 },
  "flexor hallucis brevis": { view: "sole", x: 28, y: 74, turned: 8, length: 20 },
  "flexor digitorum brevis": { view: "sole", x: 43, y: 108, turned: 0, length: 34 },
  "abductor digiti minimi": { view: "sole", x: 59, y: 122, turned: 4, length: 32 },
  "extensor digitorum brevis": { view: "top", x: 52, y: 108, turned: 18, length: 28 },
  gastrocnemius: { view: "calf", x: 28, y: 58, turned: 4, length: 34 },
  soleus: { view: "calf", x: 40, y: 104, turned: 0, length: 28 },
  "tibialis anterior": { view: "shin", x: 34, y: 62, turned: -4, length: 40 },
};

function drawPlacement(side: Side, muscle: string): SVGElement {
  const spot = spotOf(muscle);
  const view = spot?.view ?? "sole";
  const svg = makeShape("svg", { viewBox: "0 0 80 182", class: "placement", role: "img" });
  svg.setAttribute("aria-label", text.settings.placementLabel[side](text.settings.placementViews[view]));
  // The outlines show a left sole and a left calf; a right one, or the other side of a left one, is their mirror image.
  const isMirrored = (side === "right") !== (view === "top" || view === "shin");
  const body = makeShape("g", isMirrored ? { transform: "matrix(-1 0 0 1 80 0)" } : {});
  svg.append(body);
  if (view === "sole" || view === "top") drawFoot(body, view === "top");
  else body.append(makeShape("path", { d: LEG, class: "skin" }));
  if (spot) body.append(drawElectrodes(spot));
  return svg;
}

/** The drawing with its caption. */
export function placementFigure(side: Side, muscle: string): HTMLElement {
  const spot = spotOf(muscle);
  const caption = spot ? text.settings.placementViews[spot.view] : text.settings.noPlacement;
  return make("figure", {}, drawPlacement(side, muscle), make("figcaption", { class: "muted" }, caption));
}

function spotOf(muscle: string): Spot | null {
  const id = muscleOf(muscle);
  return id ? SPOTS[id] : null;
}

function drawFoot(body: SVGElement, isTop: boolean): void {
  body.append(makeShape("path", { d: SOLE, class: "skin" }));
  for (const [x, y, rx, ry] of TOES) {
    body.append(makeShape("ellipse", { cx: x, cy: y, rx, ry, class: "skin" }));
    if (isTop) body.append(makeShape("ellipse", { cx: x, cy: y - ry * 0.45, rx: rx * 0.5, ry: ry * 0.3, class: "nail" }));
  }
  if (!isTop) body.append(makeShape("path", { d: "M29 94C33 106 27 122 22 132", class: "crease" }));
}

function drawElectrodes({ x, y, turned, length }: Spot): SVGElement {
  const spot = makeShape("g", { transform: `rotate(${turned} ${x} ${y})` });
  spot.append(
    makeShape("ellipse", { cx: x, cy: y, rx: 8, ry: length / 2, class: "muscle" }),
    makeShape("circle", { cx: x, cy: y - 7, r: 4, class: "electrode" }),
    makeShape("circle", { cx: x, cy: y + 7, r: 4, class: "electrode" }),
  );
  return spot;
}

function makeShape(tag: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
