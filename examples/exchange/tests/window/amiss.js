// What is amiss on a page, for people who do not see it as others do (WCAG 2.2): a list of sentences.
const amiss = [];
const name = (element) => element.outerHTML.slice(0, 80);
if (!document.documentElement.lang) amiss.push("the page has no language (3.1.1)");
if (!document.title.trim()) amiss.push("the page has no title (2.4.2)");
if (document.querySelectorAll("h1").length !== 1) amiss.push("there is not one h1 (2.4.6)");
if (!document.querySelector("main")) amiss.push("there is no main (1.3.1)");
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
ids.forEach((id, at) => ids.indexOf(id) !== at && amiss.push(`two elements have the id ${id}`));
for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
  if (![...field.labels].some((label) => label.textContent.trim())) amiss.push(`no label (3.3.2): ${name(field)}`);
}
for (const control of document.querySelectorAll("button, a, summary")) {
  if (!control.textContent.trim()) amiss.push(`no name (4.1.2): ${name(control)}`);
}
if (document.documentElement.scrollWidth > innerWidth) amiss.push("it is wider than the window (1.4.10)");

const luminance = ([r, g, b]) => {
  const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const color = (text) => text.match(/[\d.]+/g).map(Number);
function behind(element) {
  for (; element; element = element.parentElement) {
    const found = color(getComputedStyle(element).backgroundColor);
    if (found.length === 3 || found[3] === 1) return found;
  }
  return [255, 255, 255];
}
for (const element of document.querySelectorAll("body *")) {
  const speaks = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (!speaks || !element.checkVisibility() || element.closest("svg, script")) continue;
  const [ink, paper] = [color(getComputedStyle(element).color), behind(element)].map(luminance);
  const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  if (contrast < 4.5) amiss.push(`contrast ${contrast.toFixed(1)} (1.4.3): ${name(element)}`);
}
// Whoever uses the keyboard sees where they are.
const controls = [...document.querySelectorAll("main input:not([type=hidden]), main button, main a")];
const first = controls.find((control) => control.checkVisibility() && !control.disabled);
if (first) {
  const before = document.activeElement;
  first.focus({ focusVisible: true });
  if (getComputedStyle(first).outlineStyle === "none") amiss.push(`focus is not seen (2.4.7): ${name(first)}`);
  first.blur();
  before.focus({ preventScroll: true });
}
// A thumb hits what is to be pressed: 24 pixels at least (2.5.8), 44 for what stands alone.
for (const control of document.querySelectorAll("main button, main a.button, summary, nav a, .links a")) {
  const { height } = control.getBoundingClientRect();
  if (control.checkVisibility() && height < 24) amiss.push(`${height} pixels high (2.5.8): ${name(control)}`);
}
return amiss;
