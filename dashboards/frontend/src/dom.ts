/** Building and changing the page without a framework. */

type Child = Node | string | null;

/** Make an element; attributes that are false are left out. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  element.append(...children.filter((child): child is Node | string => child !== null));
  return element;
}

export function makeButton(label: string, onClick: () => void, className = ""): HTMLButtonElement {
  const button = make("button", { type: "button", class: className || false }, label);
  button.addEventListener("click", onClick);
  return button;
}

/** Set the text only if it differs: otherwise the browser would lay it out, and a screen reader read it, once more. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element: HTMLElement, visible: boolean): void {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Set a `data-` attribute, which style sheet and tests go by. */
export function setData(element: HTMLElement, name: string, value: string): void {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

const SVG = "http://www.w3.org/2000/svg";

/** A line icon on a 16 x 16 grid, hidden from screen readers: the text beside it says the same. */
export function icon(path: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
