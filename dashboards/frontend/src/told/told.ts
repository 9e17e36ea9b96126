/**
 * What the server tells by a code, in the page's language. English comes with the message itself, and serves where a
 * catalogue does not know a code: a detector may be newer than the page, and what is stored may be older than the codes.
 */

import { inLanguage } from "../language";
import { decimals } from "../time";
import type { Episode, Notice } from "../wire";
import de from "./de.json";

interface Told {
  reasons: Record<string, string>;
  notices: Record<string, string>;
  problems: Record<string, string>;
}

const ENGLISH: Told = { reasons: {}, notices: {}, problems: {} };
const told: Told = inLanguage<Told>({ en: ENGLISH, de });

/** Why an episode was judged as it was, weightiest first. */
export function reasonWords(episode: Episode): string[] {
  return episode.reasons.map((sentence, i) => {
    const reason = episode.why?.[i];
    return (reason && filled(told.reasons[reason.code], reason.number)) ?? sentence;
  });
}

/** A notice about the sensor worn at a place. */
export function noticeWords(notice: Notice, place: string): string {
  return told.notices[notice.code]?.replace("{place}", place) ?? notice.text;
}

/** Why the server refused, or something failed; `error` is what it said, in English. */
export function problemWords(code: string | null, error: string): string {
  return told.problems[code ?? ""]?.replace("{error}", error) ?? error;
}

/** A sentence with its number, `{1}` with one decimal; undefined where there is no such sentence, or no number for it. */
function filled(sentence: string | undefined, number: number | null): string | undefined {
  const place = /{(\d)}/.exec(sentence ?? "");
  if (sentence === undefined || !place) return sentence;
  if (number === null) return undefined;
  return sentence.replace(place[0], decimals(number, Number(place[1])));
}
