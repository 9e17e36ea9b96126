/** Sets the theme before the first paint, so that nobody is dazzled by the wrong one. */

const theme = readTheme();
if (theme === "light" || theme === "night") document.documentElement.dataset["theme"] = theme;

function readTheme(): string | null {
  try {
    return localStorage.getItem("crampwatch.theme");
  } catch {
    return null; // storage is forbidden: dark it is
  }
}
