// SPDX-License-Identifier: Apache-2.0
// Keeps the page up to date. Without it the page says the same, as of when it was loaded.
"use strict";

(() => {
  const main = document.getElementById("main");
  const offline = document.getElementById("offline");
  const live = document.getElementById("live");
  const period = 1000 * Number(document.body.dataset.interval);
  let etag = null;
  let silentSince = null;
  let timer = null;
  let answered = null; // {server, here}: the same moment on both clocks, in milliseconds

  const sections = (root) => [...root.querySelectorAll("main > section")];
  const verdictOf = (root) =>
    ["#verdict", "#findings .finding h2"]
      .flatMap((selector) => [...root.querySelectorAll(selector)])
      .map((element) => element.textContent.trim())
      .join(". ");

  // What somebody is just marking stays until they are done.
  const isBeingSelected = (section) => {
    const selection = getSelection();
    return !selection.isCollapsed && selection.containsNode(section, true);
  };

  const remember = (section) => ({
    open: [...section.querySelectorAll("details[open]")].map((element) => element.id),
    focus: section.contains(document.activeElement) ? pathTo(document.activeElement, section) : null,
    scrolled: [...section.querySelectorAll(".scroll, pre")].map((each) => [each.scrollLeft, each.scrollTop]),
  });

  // By the nearest identifier, and the number among the elements of its kind from there.
  const pathTo = (element, section) => {
    const anchor = element.closest("[id]") ?? section;
    const alike = [...anchor.querySelectorAll(element.tagName)];
    return { id: anchor.id, tag: element.tagName, index: alike.indexOf(element) };
  };

  const restore = (section, { open, focus, scrolled }) => {
    for (const id of open) section.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
    section.querySelectorAll(".scroll, pre").forEach((each, index) => {
      if (scrolled[index]) [each.scrollLeft, each.scrollTop] = scrolled[index];
    });
    if (!focus) return;
    const anchor = document.getElementById(focus.id);
    const element = focus.index < 0 ? anchor : anchor?.querySelectorAll(focus.tag)[focus.index];
    element?.focus({ preventScroll: true });
  };

  // `fresh` is from another document, in which nothing is open.
  const replace = (section, fresh) => {
    if (section.innerHTML === fresh.innerHTML || isBeingSelected(section)) return;
    const kept = remember(section);
    section.className = fresh.className;
    section.replaceChildren(...fresh.childNodes);
    restore(section, kept);
  };

  const show = (fresh) => {
    const before = verdictOf(document);
    const wanted = sections(fresh);
    for (const section of sections(document)) {
      if (!wanted.some(({ id }) => id === section.id)) section.remove();
    }
    wanted.forEach((section, index) => {
      const shown = document.getElementById(section.id);
      if (shown) replace(shown, section);
      else main.insertBefore(section, sections(document)[index] ?? null);
    });
    document.title = fresh.title;
    if (verdictOf(document) !== before) live.textContent = verdictOf(document);
  };

  const tellAge = () => {
    const age = document.getElementById("age");
    const sampled = document.querySelector("#findings .verdict time");
    if (!age || !sampled || !answered) return;
    const now = answered.server + (Date.now() - answered.here);
    const seconds = Math.max(0, Math.round((now - Date.parse(sampled.dateTime)) / 1000));
    age.textContent = `(${document.body.dataset.ago.replace("{age}", seconds)})`;
  };

  const setSilent = (silent) => {
    if (!silent) silentSince = null;
    else silentSince ??= new Date();
    if (silentSince) offline.querySelector("time").textContent = silentSince.toLocaleTimeString();
    offline.hidden = !silent;
    document.body.classList.toggle("is-old", silent);
  };

  const refresh = async () => {
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      setSilent(false);
      answered = { server: Date.parse(answer.headers.get("Date")), here: Date.now() };
      if (answer.headers.get("ETag") === etag) return;
      etag = answer.headers.get("ETag");
      show(new DOMParser().parseFromString(text, "text/html"));
    } catch {
      setSilent(true);
    }
  };

  // One request at a time, and none while nobody looks.
  const run = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    await refresh();
    clearTimeout(timer);
    timer = setTimeout(run, period);
  };

  // A link to an explanation opens it, also where the browser would not.
  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target) return;
    target.closest("details")?.setAttribute("open", "");
    target.scrollIntoView();
  };

  document.addEventListener("visibilitychange", run);
  addEventListener("hashchange", reveal);
  setInterval(tellAge, 1000);
  reveal();
  run();
})();
