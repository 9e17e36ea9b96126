/** Which view is shown, told by the part of the address after `#`: back, forward, bookmarks and reloads just work. */

import type { Origin } from "./wire";

/** A part of the page with an address of its own. Made once; shown and hidden. */
export interface View {
  readonly element: HTMLElement;
  /** Where the data shown comes from; called after each change that `Place.changed` tells. */
  readonly origin: Origin;
  /** Called when the view is shown, and whenever its address changes while it is. */
  enter(address: Address): void;
  /** Called when another view is shown: stop drawing, keep what the user would miss. */
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
  return { path: parts.map(decoded), query: new URLSearchParams(query) };
}

/** Return a link to a place, for `href` and `go`. */
export function linkTo(path: readonly string[], query: Record<string, string | null> = {}): string {
  const known = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== null);
  const words = new URLSearchParams(known).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${words && `?${words}`}`;
}

/** Go to a place; `replace` leaves no trace in the history, as for each step of a zoom. */
export function go(link: string, { replace = false }: { replace?: boolean } = {}): void {
  if (!replace) {
    location.hash = link;
    return;
  }
  history.replaceState(null, "", link);
}

export class Router {
  private shown: View | null = null;

  /** The first view is shown where the address names none. */
  constructor(
    private readonly views: ReadonlyMap<string, View>,
    private readonly onShown: (name: string, view: View) => void,
  ) {}

  start(): void {
    window.addEventListener("hashchange", () => this.follow());
    this.follow();
  }

  private follow(): void {
    const address = currentAddress();
    const name = this.views.has(address.path[0] ?? "") ? (address.path[0] ?? "") : ([...this.views.keys()][0] ?? "");
    const view = this.views.get(name);
    if (!view) return;
    if (view !== this.shown) this.shown?.leave();
    const isNew = view !== this.shown;
    this.shown = view;
    if (isNew) this.onShown(name, view);
    view.enter(address);
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand
  }
}
