/** The shell around the views: navigation, the clock, what must be seen whatever is looked at. */

import { Awake } from "./awake";
import { displayMenu } from "./controls";
import { icon, make, mark, say, show } from "./dom";
import { NAV_ICONS } from "./icons";
import { language } from "./language";
import { Live } from "./live/live";
import { Sound } from "./live/sound";
import { NightView } from "./night/view";
import { forgetPalette } from "./palette";
import { Preferences } from "./preferences";
import { linkTo, Router, type View } from "./router";
import { SessionsView } from "./sessions/view";
import { SettingsView } from "./settings/view";
import { text } from "./strings";
import { clock, offset } from "./time";

const CLOCK_MS = 1000;

class Shell {
  private readonly preferences = new Preferences();
  private readonly sound = new Sound();
  private readonly awake = new Awake();
  private readonly live = new Live(this.preferences, this.sound, this.awake);
  private readonly night = new NightView();
  /** In the order of the navigation, the first shown first. Trends, journal and reports go after the night. */
  private readonly views = new Map<string, View>([
    ["live", this.live],
    ["night", this.night],
    ["sessions", new SessionsView()],
    ["settings", new SettingsView(this.live)],
  ]);
  private readonly main = make("main", { tabindex: "-1" });
  private readonly time = make("p", { class: "clock muted" });
  private readonly origin = make("p", { class: "origin" });
  private readonly links = new Map<string, HTMLAnchorElement>();
  private shown: View = this.live;

  start(): void {
    document.getElementById("page")?.replaceChildren(
      make("header", { class: "top" }, make("p", { class: "brand" }, text.title), this.navigation(), this.time, this.menu()),
      this.origin,
      ...this.live.overall,
      this.main,
      make("footer", { class: "muted" }, text.disclaimer),
    );
    window.setInterval(() => this.refresh(), CLOCK_MS);
    for (const view of this.views.values()) view.element.addEventListener("originchange", () => this.refresh());
    new Router(this.views, (name, view) => this.showView(name, view)).start();
    this.live.start();
    this.preferences.showTheme(this.preferences.theme);
  }

  private navigation(): HTMLElement {
    for (const name of this.views.keys()) {
      const word = text.views[name] ?? name;
      this.links.set(name, make("a", { href: linkTo([name]) }, icon(NAV_ICONS[name] ?? ""), make("span", {}, word)));
    }
    return make("nav", { "aria-label": text.navigation }, ...this.links.values());
  }

  private menu(): HTMLElement {
    this.preferences.onTheme = () => {
      forgetPalette();
      this.live.recolour();
      this.night.recolour();
    };
    return displayMenu(this.preferences, this.sound, this.awake);
  }

  private showView(name: string, view: View): void {
    this.shown = view;
    this.main.replaceChildren(view.element);
    mark(document.documentElement, "view", name);
    for (const [other, link] of this.links)
      if (other === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    window.scrollTo(0, 0);
    this.refresh();
  }

  private refresh(): void {
    const now = Date.now();
    say(this.time, `${clock(now)} ${offset(now)}`);
    // Alarms stand above every view, so that a view of real data must not hide that they come from a simulated foot.
    const origin = this.shown.origin === "live" ? this.live.origin : this.shown.origin;
    show(this.origin, origin !== "live");
    if (origin === "live" || this.origin.dataset["origin"] === origin) return;
    this.origin.dataset["origin"] = origin;
    this.origin.replaceChildren(make("strong", {}, text.origins[origin]), ` ${text.originDetail[origin]}`);
  }
}

document.documentElement.lang = language;
new Shell().start();
