"use strict";
// Counts down what the page says once. The server's clock counts: pages say what it shows.
const japanese = document.documentElement.lang === "ja";
const two = (most, less, units) => `${most} ${units[0]} ${less} ${units[1]}`;
function said(left) {
  const [h, m, s] = japanese ? ["時間", "分", "秒"] : ["h", "min", "s"];
  if (left >= 3600) return two(Math.floor(left / 3600), Math.floor(left / 60) % 60, [h, m]);
  if (left >= 60) return two(Math.floor(left / 60), left % 60, [m, s]);
  return `${left} ${s}`;
}
// Not the browser's clock: it may be set right meanwhile.
const loaded = performance.now();
const elapsed = () => Math.floor((performance.now() - loaded) / 1000);
function tick() {
  for (const time of document.querySelectorAll("time.countdown")) {
    const left = time.dataset.until - time.dataset.now - elapsed();
    const text = left > 0 ? said(left) : time.dataset.over;
    if (time.textContent !== text) time.textContent = text;
  }
  for (const span of document.querySelectorAll(".next-code")) {
    const { now, period } = span.dataset;
    span.textContent = period - ((Number(now) + elapsed()) % period);
  }
}
tick();
setInterval(tick, 1000);
// One click is one submission.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => delete form.dataset.sent));
