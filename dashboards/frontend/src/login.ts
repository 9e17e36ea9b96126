/** Says on the login page why the last try failed. */

import { text } from "./strings";

const trouble = document.getElementById("trouble");
const query = location.search;
if (trouble && query.includes("wrong")) trouble.textContent = text.loginWrong;
if (trouble && query.includes("wait")) trouble.textContent = text.loginWait;
