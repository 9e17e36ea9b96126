/** The login page in the reader's language, and why the last try failed. */

import { say } from "./dom";
import { language } from "./language";
import { text } from "./strings";

const query = location.search;
const trouble = query.includes("wrong") ? text.loginWrong : query.includes("wait") ? text.loginWait : "";
document.documentElement.lang = language;
for (const [id, words] of Object.entries({ label: text.loginLabel, enter: text.loginTitle, hint: text.loginHint, trouble })) {
  const element = document.getElementById(id);
  if (element) say(element, words);
}
