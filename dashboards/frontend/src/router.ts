/** Chooses the view by the part of the address after `#`, so that back, forward, bookmarks and reloads work. */

import type { Origin } from "./schema";

export type ViewName = "live" | "night" | "sessions" | "settings";

/** A part of the page with its own address. It is made once, then shown and hidden. */
export interface View {
  readonly element: HTMLElement;
  /** Where the data shown comes from. Its element dispatches `originchange` when that changes. */
  readonly origin: Origin;
  /** Called when the view is shown, and whenever its address changes while it is shown. */
  enter(address: Address): void;
  /** Called when another view is shown: stop timers and drawing, keep the state of the view. */
  leave(): void;
}

/** `#/night/2026-11-20?from=1&to=2` is the path ["night", "2026-11-20"] with its query. */
export interface Address {
  path: string[];
  query: URLSearchParams;
}

export function currentAddress(): Address {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter((part) => part !== "");
  return { path: parts.map(decodePart), query: new URLSearchParams(query) };
}

/** An address within the page, for `href` and `go`; parameters that are null are left out. */
export function linkTo(path: readonly string[], query: Record<string, string | null> = {}): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== null);
  const parameters = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${parameters && `?${parameters}`}`;
}

/** Go to an address; `replace` adds no entry to the history. */
export function go(link: string, { replace = false }: { replace?: boolean } = {}): void {
  if (!replace) {
    location.hash = link;
    return;
  }
  history.replaceState(null, "", link);
}

export class Router {
  private shown: View | null = null;

  /** The first view is shown if the address names none. */
  constructor(
    private readonly views: ReadonlyMap<ViewName, View>,
    private readonly onShown: (name: ViewName, view: View) => void,
  ) {}

  start(): void {
    window.addEventListener("hashchange", () => this.followAddress());
    this.followAddress();
  }

  private followAddress(): void {
    const address = currentAddress();
    const named = [...this.views].find(([name]) => name === address.path[0]) ?? [...this.views][0];
    if (!named) return;
    const [name, view] = named;
    const isNew = view !== this.shown;
    if (isNew) this.shown?.leave();
    this.shown = view;
    if (isNew) this.onShown(name, view);
    view.enter(address);
  }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand
  }
}
