// Says when the server does not answer or takes long, and puts the focus where something new stands.
(() => {
  "use strict";
  const alertBox = document.getElementById("alert");
  const say = (text) => { alertBox.textContent = text; };
  document.body.addEventListener("htmx:before:request", (event) => {
    say("");
    const working = event.target.querySelector(".working");
    if (working) working.timer = setTimeout(() => { working.textContent = document.body.dataset.slow; }, 1500);
  });
  document.body.addEventListener("htmx:finally:request", (event) => {
    const working = event.target.querySelector && event.target.querySelector(".working");
    if (working) { clearTimeout(working.timer); working.textContent = ""; }
  });
  document.body.addEventListener("htmx:error", () => {
    say(document.body.dataset.noAnswer.replace("{time}", new Date().toLocaleTimeString(document.documentElement.lang)));
  });
  document.body.addEventListener("htmx:after:swap", (event) => {
    const form = event.target.id ? event.target : document;
    const id = form.id || (event.detail && event.detail.ctx && event.detail.ctx.target && event.detail.ctx.target.id);
    const fresh = id && document.getElementById(id);
    if (fresh) fresh.focus({ preventScroll: false });
  });
})();
