// How long the page was really read: visible, and with a sign of life in the last minute.
"use strict";

(() => {
  const page = document.getElementById("page");
  if (!page || !page.dataset.visit) return;

  const IDLE_MS = 60_000;
  const SEND_EVERY_MS = 10_000;
  let visibleMs = 0;
  let depth = 0;
  let last = performance.now();
  let alive = last;
  let sent = "";

  function measure() {
    const now = performance.now();
    if (document.visibilityState === "visible" && now - alive < IDLE_MS) visibleMs += now - last;
    last = now;
    const height = document.documentElement.scrollHeight;
    const seen = window.scrollY + window.innerHeight;
    depth = Math.max(depth, Math.min(100, Math.round((seen / height) * 100)));
  }

  function send() {
    measure();
    const body = JSON.stringify({
      visit: page.dataset.visit,
      visible_s: Math.round(visibleMs / 100) / 10,
      depth_pct: depth,
    });
    if (body === sent) return;
    // A failed beacon is no loss: the next one carries the whole total again.
    if (navigator.sendBeacon(page.dataset.progress, new Blob([body], { type: "text/plain" }))) sent = body;
  }

  for (const sign of ["scroll", "touchstart", "pointermove", "keydown", "click"]) {
    addEventListener(sign, () => { measure(); alive = performance.now(); }, { passive: true });
  }
  document.addEventListener("visibilitychange", send);
  addEventListener("pagehide", send);
  setInterval(send, SEND_EVERY_MS);
  measure();
  setTimeout(send, 1000);
})();
