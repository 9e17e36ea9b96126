/**
 * Every text of the page, in the language of the page.
 *
 * English decides the shape: `en/` holds one catalogue an area of the page, and each other language has a folder with
 * the same files, typed as the English ones, so that a missing, misspelt or surplus text does not compile. Texts with a
 * count, a name or a time in them are functions, so that each language orders and inflects as it needs; times and
 * numbers reach them already written out by `format.ts`. The sources hold no text for people anywhere else.
 *
 * Adding a language: its name in `language.ts`, a folder like `de/`, and one line below and in `server.ts` and
 * `login.ts`. Sentences that the server sends (reasons, notices, refusals) come with a code; `server.json` translates
 * those, see `server.ts`.
 */

import { de } from "./de";
import { en } from "./en";
import { inLanguage } from "./language";

export type { Catalogue } from "./en";

export const text = inLanguage({ en, de });
