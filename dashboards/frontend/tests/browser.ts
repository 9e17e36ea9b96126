/** The surroundings the page's modules are loaded in: American English, in a time zone that changes its clocks. */

process.env["TZ"] = "Europe/Berlin";
Object.defineProperty(globalThis, "navigator", { value: { language: "en-US" }, configurable: true });
