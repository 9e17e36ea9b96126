/**
 * Sentences that the server sends with a code, in the page's language.
 *
 * English comes with the message itself. It is shown wherever the catalogue (`<language>/server.json`) does not know the
 * code: a detector may be newer than the page, and stored messages may be older than the codes. That every code of this
 * version is translated is checked by `tests/unit/web/test_page_catalogues.py`.
 */

import type { Episode, Notice } from "../schema";
import german from "./de/server.json";
import { decimals } from "./format";
import { inLanguage } from "./language";

interface Sentences {
  /** By `ReasonCode`; `{1}` stands for the reason's number, with one decimal. */
  reasons: Record<string, string>;
  /** By notice code; `{place}` stands for where the sensor is worn. */
  notices: Record<string, string>;
  /** By problem code; `{error}` stands for the server's own English words. */
  problems: Record<string, string>;
}

const sentences = inLanguage<Sentences>({ en: { reasons: {}, notices: {}, problems: {} }, de: german });

/** Why an episode was classified as it was, the weightiest reason first. */
export function reasonTexts(episode: Episode): string[] {
  return episode.reasons.map((english, i) => {
    const reason = episode.why?.[i];
    return (reason && withNumber(sentences.reasons[reason.code], reason.number)) ?? english;
  });
}

/** A notice about the sensor worn at `place`. */
export function noticeText(notice: Notice, place: string): string {
  return sentences.notices[notice.code]?.replace("{place}", place) ?? notice.text;
}

/** Why the server refused a request, or why its work failed; `error` is the server's own English. */
export function problemText(code: string | null, error: string): string {
  return sentences.problems[code ?? ""]?.replace("{error}", error) ?? error;
}

/** Fill in the number; undefined if there is no such sentence, or no number for a sentence that needs one. */
export function withNumber(sentence: string | undefined, number: number | null): string | undefined {
  const place = /{(\d)}/.exec(sentence ?? "");
  if (sentence === undefined || !place) return sentence;
  if (number === null) return undefined;
  return sentence.replace(place[0], decimals(number, Number(place[1])));
}
