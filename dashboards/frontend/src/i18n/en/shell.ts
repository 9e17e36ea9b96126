/** What surrounds the views: navigation, display menu, and what is wrong with crampwatch itself. */

import type { Theme, WindowS } from "../../preferences";
import type { ViewName } from "../../router";
import type { Origin, Service } from "../../schema";

export const shell = {
  navigation: "Views",
  views: { live: "Live", night: "Night", sessions: "Sessions", settings: "Settings" } satisfies Record<ViewName, string>,
  display: "Display",
  theme: "Theme",
  themes: { dark: "Dark", light: "Light", night: "Night red" } satisfies Record<Theme, string>,
  window: "Signal shown",
  windows: { 10: "10 s", 30: "30 s", 120: "2 min", 300: "5 min" } satisfies Record<WindowS, string>,
  sound: "Play a soft sound with alarms",
  soundBlocked: "Browsers play sound only after you have tapped the page.",
  keepAwake: "Keep the screen on",
  awakeRefused: "The browser does not allow this right now; the battery may be low.",
  awakeImpossible: "Browsers allow this only on https pages, or on the machine that runs crampwatch.",
  redAtNight: "Turn the page red at night",
  unreachable: "Can't reach crampwatch.",
  couldNotSave: (why: string): string => `Couldn't save this: ${why}`,
  disclaimer: "Not a medical device. “Likely” means just that: surface EMG cannot prove that a contraction is involuntary.",
  connectionLost: "Connection to crampwatch lost. Reconnecting…",
  brokerLost: "crampwatch can't reach its message broker. What you see may be out of date.",
  serviceOffline: {
    collector: "The collector is not running: no sensor is being recorded.",
    detector: "The detector is not running: no episodes are being found.",
    store: "The store is not running: the broker holds new episodes until it is back.",
  } satisfies Partial<Record<Service, string>>,
  origins: { demo: "Simulated data", replay: "Replay", live: "" } satisfies Record<Origin, string>,
  originDetails: {
    demo: "These signals come from a simulated foot, not from a person.",
    replay: "A recording is being played back; this is not happening now.",
    live: "",
  } satisfies Record<Origin, string>,
};
