/** The login page. It loads this catalogue alone, so that it stays small. */

export const login = {
  title: "crampwatch: log in",
  token: "Access token",
  enter: "Log in",
  hint: "The token is in secrets.toml in crampwatch's data folder (run “crampwatch config” to find it).",
  wrong: "Wrong token. Check it and try again.",
  wait: "Too many failed attempts. Wait a minute, then try again.",
};
