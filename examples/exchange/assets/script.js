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
const loaded = Date.now();
const elapsed = () => Math.floor((Date.now() - loaded) / 1000);
function tick() {
  for (const time of document.querySelectorAll("time.countdown")) {
    const left = time.dataset.until - time.dataset.now - elapsed();
    time.textContent = said(Math.max(left, 0));
  }
  for (const span of document.querySelectorAll(".next-code")) {
    span.textContent = 30 - (Math.floor(Date.now() / 1000) % 30);
  }
}
tick();
setInterval(tick, 1000);
