/** The bedtime check, and the bar that starts and ends a night. */

import type { CheckCode, Level } from "../../live/checks";
import { counted } from "../plural";

export const bedtime = {
  open: "Bedtime check",
  title: "Ready for the night?",
  wakeUpTime: "Wake-up time",
  testSound: "Test the sound",
  notYet: "Not yet",
  start: "Start the night",
  startAnyway: "Start the night anyway",
  goodMorning: "Good morning",
  nightSince: (time: string): string => `Night since ${time}`,
  allGood: "All is well. Sleep well.",
  toCheck: (count: number): string => counted(count, "thing to check", "things to check"),
  /** Read out before a check; its icon shows the same to the eye. */
  levels: { good: "OK:", warn: "Needs attention:", wait: "Not checked yet:", optional: "Optional:" } satisfies Record<Level, string>,
  names: {
    contact: "Contact",
    battery: "Battery",
    link: "Link",
    recorder: "Recording",
    disk: "Disk",
    clock: "Clock",
    sound: "Sound",
    awake: "Screen",
  } satisfies Record<CheckCode, string>,
  contact: {
    noSensor: "No sensor found yet.",
    silent: (sensors: string): string => `No data from ${sensors}.`,
    poor: (sensors: string): string => `Poor or no contact: ${sensors}. Press the electrodes on.`,
    settling: (sensors: string): string => `${sensors}: still checking…`,
    good: (sensors: string): string => `${sensors}: electrodes fit well.`,
  },
  battery: {
    unknown: "Waiting for the sensors to report.",
    /** "Left foot 82 %, lasts until Sat 7:05 AM". */
    sensor: (sensor: string, percent: string, forecast: string): string => [`${sensor} ${percent}`, forecast].filter(Boolean).join(", "),
    good: (batteries: string): string => `${batteries}.`,
    short: (batteries: string, until: string): string => `${batteries}. May not last until ${until}.`,
  },
  link: {
    unknown: "Waiting for the sensors to report.",
    good: "All sensors have a good radio link.",
    weak: (sensors: string): string => `Weak: ${sensors}. Move this machine closer to the bed.`,
  },
  recorder: { good: "Recording, detection and storage are running." },
  disk: {
    unknown: "Waiting for crampwatch to report.",
    full: "No room for a night. Free up space.",
    nights: (count: number): string => `Room for ${count > 999 ? "more than 999 nights" : counted(count, "night", "nights")}.`,
  },
  clock: {
    unknown: "Not compared yet.",
    good: (time: string): string => `In sync with the recorder (${time}).`,
    apart: (seconds: string): string => `This device and the recorder are ${seconds} apart. Correct the one that is wrong.`,
    zoneApart: (offset: string): string => `The recorder is set to another time zone than this device (${offset}).`,
  },
  sound: {
    off: "Off on this device.",
    blocked: "On, but still blocked by the browser: test it once.",
    on: "On. Test it once to hear whether it is loud enough.",
    tested: "On\u00a0– test played.",
  },
  awake: {
    off: "Screen may lock\u00a0– your phone can then silence alarms. Keep it on.",
    impossible: "Screen may lock, and a phone can then silence alarms. Browsers keep it on only for https pages: turn off auto-lock.",
    on: "Stays on.",
  },
};
