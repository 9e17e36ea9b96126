/** Sets the theme before the first paint, so that a dark room is not lit by the wrong one. */

const theme = readTheme();
if (theme === "light" || theme === "night") document.documentElement.dataset["theme"] = theme;

function readTheme(): string | null {
  try {
    return localStorage.getItem("crampwatch.theme");
  } catch {
    return null; // storage is blocked: the page stays dark
  }
}
