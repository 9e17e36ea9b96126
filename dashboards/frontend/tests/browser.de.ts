/** As `browser.ts`, for a German browser in India, whose offset from UTC includes half an hour. */

process.env["TZ"] = "Asia/Kolkata";
Object.defineProperty(globalThis, "navigator", { value: { language: "de-DE" }, configurable: true });
