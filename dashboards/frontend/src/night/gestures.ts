/** Wheel, drag, pinch, keys and double taps on a timeline. A finger that moves up or down still scrolls the page. */

import type { TimeWindow } from "./window";

/** A finger or mouse that moves less than this is tapping. */
const DRAG_PX = 5;
const KEY_SHARE = 0.2;
const KEY_ZOOM = 1.6;

export interface Taps {
  /** A tap or click. */
  onTap(x: number, y: number): void;
  /** The mouse points there; null once it has left. */
  onPoint(x: number | null, y: number): void;
}

export function addGestures(host: HTMLElement, view: TimeWindow, taps: Taps): void {
  const fingers = new Map<number, { x: number; y: number }>();
  let start: { x: number; y: number; moved: boolean } | null = null;
  const timeAt = (x: number): number => view.fromMs + ((x - host.getBoundingClientRect().left) / host.clientWidth) * view.lengthMs;

  host.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    start = { x: event.clientX, y: event.clientY, moved: fingers.size > 1 };
    if (event.pointerType === "mouse") host.setPointerCapture(event.pointerId);
  });
  host.addEventListener("pointermove", (event) => {
    const box = host.getBoundingClientRect();
    if (event.pointerType === "mouse") taps.onPoint(event.clientX - box.left, event.clientY - box.top);
    const before = fingers.get(event.pointerId);
    if (!before || !start) return;
    if (Math.hypot(event.clientX - start.x, event.clientY - start.y) > DRAG_PX) start.moved = true;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) pinch(before.x, event.clientX, other.x);
    else if (start.moved) view.shift(((before.x - event.clientX) / host.clientWidth) * view.lengthMs);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  const onLift = (event: PointerEvent): void => {
    const wasDown = fingers.delete(event.pointerId);
    const box = host.getBoundingClientRect();
    if (wasDown && event.type === "pointerup" && start && !start.moved)
      taps.onTap(event.clientX - box.left, event.clientY - box.top);
    if (fingers.size === 0) start = null;
  };
  for (const name of ["pointerup", "pointercancel"] as const) host.addEventListener(name, onLift);
  host.addEventListener("pointerleave", () => taps.onPoint(null, 0));
  host.addEventListener("dblclick", (event) => view.zoom(4, timeAt(event.clientX)));
  host.addEventListener(
    "wheel",
    (event) => {
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        view.move((event.deltaX || event.deltaY) / host.clientWidth);
      } else if (event.ctrlKey || event.altKey || document.activeElement === host || !canScroll()) {
        event.preventDefault();
        view.zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 120), timeAt(event.clientX));
      }
    },
    { passive: false },
  );
  host.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(view);
  });

  function pinch(from: number, to: number, anchor: number): void {
    const [before, after] = [Math.abs(from - anchor), Math.abs(to - anchor)];
    if (before > 8 && after > 8) view.zoom(after / before, timeAt(anchor));
  }
}

const KEYS: Record<string, (view: TimeWindow) => void> = {
  ArrowLeft: (view) => view.move(-KEY_SHARE),
  ArrowRight: (view) => view.move(KEY_SHARE),
  PageUp: (view) => view.move(-1),
  PageDown: (view) => view.move(1),
  "+": (view) => view.zoom(KEY_ZOOM),
  "=": (view) => view.zoom(KEY_ZOOM),
  ArrowUp: (view) => view.zoom(KEY_ZOOM),
  "-": (view) => view.zoom(1 / KEY_ZOOM),
  ArrowDown: (view) => view.zoom(1 / KEY_ZOOM),
  Home: (view) => view.shift(-Infinity),
  End: (view) => view.shift(Infinity),
  "0": (view) => view.showAll(),
};

function canScroll(): boolean {
  return document.documentElement.scrollHeight > window.innerHeight + 1;
}
