/** The shell around the views: navigation, clock, display menu, and the alarms that are shown above every view. */

import { displayMenu } from "./controls";
import { icon, make, setData, setText, show } from "./dom";
import { text } from "./i18n";
import { clock, offset } from "./i18n/format";
import { language } from "./i18n/language";
import { NAV_ICONS } from "./icons";
import { Live } from "./live/live";
import { Sound } from "./live/sound";
import { NightView } from "./night/view";
import { forgetPalette } from "./palette";
import { Preferences } from "./preferences";
import { linkTo, Router, type View, type ViewName } from "./router";
import { SessionsView } from "./sessions/view";
import { SettingsView } from "./settings/view";
import { WakeLock } from "./wakelock";

const CLOCK_MS = 1000;

class Shell {
  private readonly preferences = new Preferences();
  private readonly sound = new Sound();
  private readonly wakeLock = new WakeLock();
  private readonly live = new Live(this.preferences, this.sound, this.wakeLock);
  private readonly night = new NightView();
  /** In the order of the navigation; the first is shown if the address names none. */
  private readonly views = new Map<ViewName, View>([
    ["live", this.live],
    ["night", this.night],
    ["sessions", new SessionsView()],
    ["settings", new SettingsView(this.live)],
  ]);
  private readonly main = make("main", { tabindex: "-1" });
  private readonly time = make("p", { class: "clock muted" });
  private readonly origin = make("p", { class: "origin" });
  private readonly links = new Map<ViewName, HTMLAnchorElement>();
  private shown: View = this.live;

  start(): void {
    document.getElementById("page")?.replaceChildren(
      make("header", { class: "top" }, make("p", { class: "brand" }, text.common.title), this.makeNavigation(), this.time, this.makeMenu()),
      this.origin,
      ...this.live.aboveViews,
      this.main,
      make("footer", { class: "muted" }, text.shell.disclaimer),
    );
    window.setInterval(() => this.refresh(), CLOCK_MS);
    for (const view of this.views.values()) view.element.addEventListener("originchange", () => this.refresh());
    new Router(this.views, (name, view) => this.showView(name, view)).start();
    this.live.start();
    this.preferences.showTheme(this.preferences.theme);
  }

  private makeNavigation(): HTMLElement {
    for (const name of this.views.keys()) {
      this.links.set(name, make("a", { href: linkTo([name]) }, icon(NAV_ICONS[name]), make("span", {}, text.shell.views[name])));
    }
    return make("nav", { "aria-label": text.shell.navigation }, ...this.links.values());
  }

  private makeMenu(): HTMLElement {
    this.preferences.onTheme = () => {
      forgetPalette();
      this.live.recolour();
      this.night.recolour();
    };
    return displayMenu(this.preferences, this.sound, this.wakeLock);
  }

  private showView(name: ViewName, view: View): void {
    this.shown = view;
    this.main.replaceChildren(view.element);
    setData(document.documentElement, "view", name);
    for (const [other, link] of this.links)
      if (other === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    window.scrollTo(0, 0);
    this.refresh();
  }

  private refresh(): void {
    const now = Date.now();
    setText(this.time, `${clock(now)} ${offset(now)}`);
    // Alarms are shown above every view: one of real data must not hide that they come from a simulated foot.
    const origin = this.shown.origin === "live" ? this.live.origin : this.shown.origin;
    show(this.origin, origin !== "live");
    if (origin === "live" || this.origin.dataset["origin"] === origin) return;
    this.origin.dataset["origin"] = origin;
    this.origin.replaceChildren(make("strong", {}, text.shell.origins[origin]), ` ${text.shell.originDetails[origin]}`);
  }
}

document.documentElement.lang = language;
new Shell().start();
