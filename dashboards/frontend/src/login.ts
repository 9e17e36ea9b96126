/** The login page in the reader's language, and why the last attempt failed. */

import { setText } from "./dom";
import { login as german } from "./i18n/de/login";
import { login as english } from "./i18n/en/login";
import { inLanguage, language } from "./i18n/language";

const text = inLanguage({ en: english, de: german });
const query = location.search;
const trouble = query.includes("wrong") ? text.wrong : query.includes("wait") ? text.wait : "";
document.documentElement.lang = language;
document.title = text.title;
for (const [id, content] of Object.entries({ label: text.token, enter: text.enter, hint: text.hint, trouble })) {
  const element = document.getElementById(id);
  if (element) setText(element, content);
}
