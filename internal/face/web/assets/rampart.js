// What the pages do beyond plain HTML: live updates with pause, a few keys.
// Every page works without this file.
(() => {
  const one = (s) => document.querySelector(s);
  let source = null;
  let paused = false;
  let waiting = false;

  // The event stream is opened here so that it can be closed while the page is
  // hidden: a browser allows only six connections to one HTTP/1.1 server.
  htmx.createEventSource = (url) => {
    source = new EventSource(url);
    source.addEventListener("open", show);
    source.addEventListener("error", show);
    return source;
  };

  function show() {
    const dot = one("#live-dot"), text = one("#live-text"), button = one("#live-pause");
    if (!dot) return;
    const open = source && source.readyState === EventSource.OPEN;
    dot.className = "dot " + (paused ? "wait" : open ? "on" : "");
    text.textContent = paused ? (waiting ? "Paused, changes are waiting" : "Paused") : open ? "Live" : "Reconnecting";
    button.hidden = false;
    button.textContent = paused ? "Resume" : "Pause";
    button.setAttribute("aria-pressed", String(paused));
  }

  function refresh() {
    waiting = false;
    htmx.trigger("#live-fetch", "refresh");
  }

  // Whether a field holds something else than the page gave it.
  function touched(field) {
    if (field.matches("select")) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((o) => o.defaultSelected));
    return field.checked !== field.defaultChecked || (field.type !== "hidden" && field.value !== field.defaultValue);
  }

  // A refresh fetches this page again; only parts that differ are swapped, and
  // none in which somebody is typing, has typed or has opened a form, or that shows
  // a refused form again.
  document.addEventListener("htmx:beforeRequest", (e) => {
    if (e.target.id !== "live-fetch") return;
    if (paused || document.hidden) { waiting = true; e.preventDefault(); show(); }
  });
  document.addEventListener("htmx:oobBeforeSwap", (e) => {
    const old = e.detail.target, fresh = e.detail.fragment.firstElementChild;
    if (!fresh) return;
    old.querySelectorAll("details[id]").forEach((d) => {
      const twin = fresh.querySelector("#" + CSS.escape(d.id));
      if (twin) twin.open = d.open;
    });
    const busy = (old.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"))
      || old.querySelector("details.act[open], #refused") || [...old.querySelectorAll("input, select, textarea")].some(touched);
    if (busy || old.isEqualNode(fresh)) { e.detail.shouldSwap = false; return; }
    old.querySelectorAll("[data-mark]").forEach((m) => {
      const twin = fresh.querySelector(`[data-mark="${CSS.escape(m.dataset.mark)}"]`);
      if (twin && twin.textContent !== m.textContent) twin.classList.add("fresh");
    });
  });
  document.addEventListener("htmx:afterSettle", show);

  document.addEventListener("visibilitychange", () => {
    const el = one("#live");
    if (!el) return;
    if (document.hidden) { if (source) source.close(); return; }
    const twin = el.cloneNode(true);
    el.replaceWith(twin);
    htmx.process(twin);
    if (!paused) refresh();
  });

  document.addEventListener("click", (e) => {
    const copy = e.target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard.writeText(one(copy.dataset.copy).textContent).then(() => { copy.textContent = "Copied"; });
      return;
    }
    if (e.target.id !== "live-pause") {
      document.querySelectorAll("details.act[open]").forEach((d) => { if (!d.contains(e.target)) d.open = false; });
      return;
    }
    paused = !paused;
    if (!paused && waiting) refresh();
    show();
  });

  document.addEventListener("keydown", (e) => {
    const typing = e.target.matches("input, select, textarea");
    if (e.key === "Escape") document.querySelectorAll("details.act[open]").forEach((d) => { d.open = false; d.querySelector("summary").focus(); });
    if ((e.key === "k" && (e.ctrlKey || e.metaKey)) || (e.key === "/" && !typing)) { e.preventDefault(); one("#search").focus(); }
  });

  document.addEventListener("change", (e) => { if (e.target.matches("[data-submit]")) e.target.form.requestSubmit(); });

  document.querySelectorAll("[data-script]").forEach((el) => { el.hidden = false; });
  document.querySelectorAll("[data-noscript]").forEach((el) => { el.hidden = true; });
  document.cookie = "tz=" + encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone) + ";path=/;max-age=31536000;samesite=lax";
  show();
})();
