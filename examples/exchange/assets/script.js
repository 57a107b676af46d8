"use strict";
// Nothing here is needed: without scripts every page works, with a click more.
const japanese = document.documentElement.lang === "ja";
const every = (what, act) => document.querySelectorAll(what).forEach(act);
every(".needs-script", (element) => (element.hidden = false));

// Counts down what the page says once. The server's clock counts: pages say what it shows, and the
// browser's own may be set right meanwhile.
const loaded = performance.now();
const elapsed = () => Math.floor((performance.now() - loaded) / 1000);
function said(left) {
  const [h, m, s] = japanese ? ["時間", "分", "秒"] : ["h", "min", "s"];
  const two = (most, less, units) => `${most} ${units[0]}` + (less ? ` ${less} ${units[1]}` : "");
  if (left >= 3600) return two(Math.floor(left / 3600), Math.floor(left / 60) % 60, [h, m]);
  if (left >= 60) return two(Math.floor(left / 60), left % 60, [m, s]);
  return `${left} ${s}`;
}
function tick() {
  every("time.countdown:not([data-over-since])", (time) => {
    const left = time.dataset.until - time.dataset.now - elapsed();
    const text = left > 0 ? said(left) : time.dataset.over;
    if (time.textContent !== text) time.textContent = text;
    if (left <= 0) {
      time.dataset.overSince = "now";
      if (time.closest("[data-lock]")) unlock(time.closest("[data-lock]"));
    }
  });
  every(".next-code", (span) => {
    const { now, period } = span.dataset;
    const left = period - ((Number(now) + elapsed()) % period);
    span.textContent = left;
    const ring = span.closest(".hint").querySelector(".ring");
    if (ring) ring.style.setProperty("--part", left / period);
  });
}
// The lock's time is over: what it had closed opens, and whatever is typed elsewhere stays.
function unlock(notice) {
  notice.className = "notice done";
  notice.setAttribute("role", "status");
  notice.textContent = notice.dataset.lock;
  every("[data-locked]", (control) => (control.disabled = false));
  const field = document.querySelector("input[data-locked]");
  if (field && document.activeElement === document.body) field.focus();
}
tick();
setInterval(tick, 1000);

// The last digit of a code submits, however it was typed or pasted. Once: a code that was refused
// is corrected in peace.
every("input[data-digits]", (field) => {
  let isSent = false;
  field.addEventListener("input", () => {
    const text = field.value.normalize("NFKC").replace(/\s/g, "");
    if (isSent || !new RegExp(`^\\d{${field.dataset.digits}}$`).test(text)) return;
    isSent = true;
    if (field.form.checkValidity()) field.form.requestSubmit();
  });
});
every("button[data-copy]", (button) => {
  button.addEventListener("click", async () => {
    const text = document.querySelector(button.dataset.copy).innerText.replace(/ /g, "").trim();
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset.done;
  });
});
every("button[data-print]", (button) => button.addEventListener("click", () => print()));

// One click is one submission.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => every("form", (form) => delete form.dataset.sent));
