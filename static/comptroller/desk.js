// The few keys of the pages and of the desk, and the theme's dark class. Every page works without this file.
(function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("with-script");

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function follow() {
    root.classList.toggle("dark", root.classList.contains("themed") && dark.matches);
  }
  follow();
  dark.addEventListener("change", follow);

  function isTyping(element) {
    return element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
  }

  function pressVerdict(key) {
    // The reason comes first: a key never decides, it shows where to write and which button it means.
    const button = document.querySelector('[data-key="' + key + '"]');
    const reason = document.getElementById("reason");
    if (!button || !reason) return false;
    if (reason.value.trim() === "") {
      reason.focus();
    } else {
      button.focus();
    }
    button.form.scrollIntoView({ block: "nearest" });
    return true;
  }

  function go(rel) {
    const link = document.querySelector('a[rel="' + rel + '"]');
    if (!link) return false;
    link.click();
    return true;
  }

  function search() {
    const field = document.querySelector('[role="search"] input[type="search"]');
    if (!field) return false;
    field.focus();
    return true;
  }

  function startRequest() {
    const link = document.querySelector("a[data-new]");
    if (!link) return false;
    link.click();
    return true;
  }

  function showKeys() {
    const help = document.getElementById("all-keys");
    if (!help || typeof help.showModal !== "function") return false;
    if (help.open) help.close(); else help.showModal();
    return true;
  }

  const actions = {
    a: () => pressVerdict("a"),
    c: () => pressVerdict("c"),
    r: () => pressVerdict("r"),
    j: () => go("next"),
    k: () => go("prev"),
    n: startRequest,
    "/": search,
    "?": showKeys,
  };

  document.addEventListener("keydown", function (event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const action = actions[event.key];
    if (action && action()) event.preventDefault();
  });

  // What is typed before htmx has loaded is told to it afterwards, or a slow line would leave the page without an answer.
  const early = new Map();
  const remember = (event) => early.set(event.target, (early.get(event.target) || new Set()).add(event.type));
  document.addEventListener("input", remember);
  document.addEventListener("change", remember);
  document.addEventListener("htmx:load", function () {
    document.removeEventListener("input", remember);
    document.removeEventListener("change", remember);
    for (const [control, types] of early) {
      for (const type of types) control.dispatchEvent(new Event(type, { bubbles: true }));
    }
  }, { once: true });

  // Whoever goes on typing while new questions are on their way keeps what they typed.
  const sent = new Map();
  const kept = new Map();

  function typed(part) {
    const controls = part.querySelectorAll("input:not([type=hidden], [type=radio], [type=checkbox]), select, textarea");
    return Array.from(controls, (control) => [control.name, control.value]);
  }

  document.addEventListener("htmx:beforeRequest", function (event) {
    const part = event.detail.target;
    if (part && part.matches("[data-keep-typed]")) sent.set(part.id, new Map(typed(part)));
  });

  document.addEventListener("htmx:beforeSwap", function (event) {
    const part = event.detail.target;
    const before = part && sent.get(part.id);
    if (before) kept.set(part.id, typed(part).filter(([name, value]) => before.get(name) !== value));
  });

  document.addEventListener("htmx:afterSwap", function () {
    for (const [id, changed] of kept) {
      const part = document.getElementById(id);
      for (const [name, value] of changed) {
        const control = part && part.querySelector('[name="' + CSS.escape(name) + '"]');
        if (control) control.value = value;
      }
    }
    kept.clear();
  });

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-show-keys]").forEach((button) => button.addEventListener("click", showKeys));
    document.querySelectorAll("dialog [data-close]").forEach((button) =>
      button.addEventListener("click", () => button.closest("dialog").close())
    );
    // One press is one decision; the server would answer a second one with "already decided".
    document.querySelectorAll("form[data-once]").forEach((form) =>
      form.addEventListener("submit", function (event) {
        if (form.dataset.sent) event.preventDefault();
        form.dataset.sent = "yes";
      })
    );
    window.addEventListener("pageshow", () =>
      document.querySelectorAll("form[data-once]").forEach((form) => delete form.dataset.sent)
    );
  });
})();
