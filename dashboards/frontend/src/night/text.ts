/** Every word of the night view. */

import { HOUR_STYLE, inLanguage, locale } from "../language";
import { clock, offset } from "../time";
import type { Kind } from "../wire";
import { de } from "./text.de";
import type { Help, Verdict } from "./wire";

const WEEKDAY = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
const DATE = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const SECONDS = new Intl.DateTimeFormat(locale, { hour: HOUR_STYLE, minute: "2-digit", second: "2-digit" });
const FINE = new Intl.DateTimeFormat(locale, {
  hour: HOUR_STYLE,
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
} as Intl.DateTimeFormatOptions);

export const en = {
  title: "Night",
  before: "The night before",
  after: "The night after",
  choose: "Choose a night",
  none: "No night yet",
  noneHint: "A night appears here as soon as something is recorded: wear a sensor, or run the demonstration.",
  loading: "Opening the night…",
  crampCount: (count: number): string => `${count} likely ${count === 1 ? "cramp" : "cramps"}`,
  failed: "The night cannot be shown now. Trying again…",
  gone: "There is no such night.",
  noCramps: "No likely cramp.",
  cramps: (count: number, longest: string, ms: number, place: string): string =>
    count === 1
      ? `1 likely cramp, ${longest} at ${clock(ms)}, ${place}.`
      : `${count} likely cramps, longest ${longest} at ${clock(ms)}, ${place}.`,
  denied: (count: number): string => `${count} marked as not a cramp.`,
  recorded: (recorded: string, span: string): string => `Recorded ${recorded} of ${span}.`,
  recordedSince: (recorded: string, span: string, from: string): string => `Recorded ${recorded} of ${span} since your night began at ${from}.`,
  recordedBetween: (recorded: string, span: string, from: string, to: string): string =>
    `Recorded ${recorded} of ${span}, your night from ${from} to ${to}.`,
  also: (parts: string): string => `Also ${parts}.`,
  reading: (percent: number): string => `Reading the recording: ${percent} %. What is missing below may only be unread.`,
  running: "Still recording",
  deleted: "The recording of this night was deleted: its signal cannot be drawn, what was found in it is kept.",
  clocks: (from: string, to: string): string => `The clocks changed in this night: ${from} before, ${to} after.`,
  pictureLabel:
    "Timeline of the night. Arrow keys move and zoom, 0 shows the whole night, N and P go to the next and previous episode.",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  whole: "Whole night",
  earlier: "Earlier",
  later: "Later",
  shown: (from: string, to: string): string => `Shown: ${from} to ${to}`,
  envelope: "Envelope, threshold dashed",
  noEnvelope: "No envelope known here",
  temperature: "Skin temperature",
  notRecorded: "not recorded",
  notRead: "not read yet",
  units: { uV: "µV", relative: "rel." },
  sideShort: { left: "left", right: "right", unknown: "" },
  kindRows: {
    cramp: "Likely cramps",
    twitch: "Twitches",
    leg_movement: "Leg movements",
    movement: "Movements",
    rhythmic: "Rhythmic",
    artefact: "Disturbed",
  } satisfies Record<Kind, string>,
  exactTime: (ms: number, lengthMs: number): string => (lengthMs < 60_000 ? FINE : SECONDS).format(ms),
  date: (night: string): string => DATE.format(Date.parse(`${night.split(".").pop() ?? ""}T12:00:00Z`)),
  weekday: (night: string): string => WEEKDAY.format(Date.parse(`${night.split(".").pop() ?? ""}T12:00:00Z`)),
  origins: { live: "", demo: "simulated", replay: "replay" },
  episodes: "Episodes",
  filter: "Show",
  all: "All",
  crampsOnly: "Likely cramps",
  unmarked: "Not marked yet",
  noneOfThese: "None of these in this night.",
  next: "Next",
  previous: "Previous",
  close: "Back to the night",
  place: (number: number, count: number): string => `${number} of ${count}`,
  wave: "Signal",
  spectrum: "Spectrum",
  spectrumLabel: (hz: number): string => `0–${hz} Hz, brighter is stronger`,
  noSpectrum: "No signal is kept of this time.",
  tooLong: "Too long for a spectrum: zoom into the timeline instead.",
  features: "Measured",
  length: "Length",
  begins: "Begins",
  peak: "Peak",
  mean: "Mean envelope",
  threshold: "Threshold",
  floor: "At rest",
  frequency: "Median frequency",
  channels: "Channels",
  sure: "Confidence",
  why: "Why it was flagged",
  noReasons: "No reasons were given.",
  verdicts: "Verdicts",
  liveVerdict: "Live",
  finalVerdict: "Final",
  verdict: (kind: string, percent: string): string => `${kind}, ${percent} sure`,
  withdrawn: "withdrawn in the morning: it did not stand",
  notYet: "not judged yet; that happens when the recording ends",
  sameAsLive: "not kept apart; the final one replaced it",
  what: "What was it?",
  whatHint: "Your word counts. It is kept beside the verdict and never changes it.",
  marks: { confirmed: "It was a cramp", not_a_cramp: "Not a cramp", unsure: "Not sure" } satisfies Record<Verdict, string>,
  markShort: { confirmed: "confirmed", not_a_cramp: "not a cramp", unsure: "unsure" } satisfies Record<Verdict, string>,
  pain: "Pain",
  painEnds: "0 none, 10 worst imaginable",
  woke: "Did it wake you?",
  yes: "Yes",
  no: "No",
  helped: "What helped?",
  helps: {
    stretch: "Stretching",
    stand: "Standing, walking",
    massage: "Massage",
    warmth: "Warmth",
    nothing: "Nothing",
    other: "Something else",
  } satisfies Record<Help, string>,
  saving: "Keeping it…",
  saved: "Kept.",
  notSaved: (why: string): string => `Not kept: ${why}`,
  again: "Try again",
  clear: "Tap again to take back.",
  offset,
};

export type Words = typeof en;

export const text: Words = inLanguage<Words>({ en, de: de(en) });
