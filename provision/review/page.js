"use strict";
(() => {
  const search = document.getElementById("search");
  const show = document.getElementById("show");
  const count = document.getElementById("count");
  const entries = [...document.querySelectorAll("[data-text]")];
  const none = document.getElementById("none");
  const scroll = document.querySelector(".scroll");

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of entries) {
      const kinds = item.dataset.kinds.split(" ");
      const wanted = show.value === "all" || kinds.includes(show.value);
      item.hidden = !(wanted && words.every((word) => item.dataset.text.includes(word)));
    }
    const shown = entries.filter((entry) => !entry.hidden).length;
    count.textContent = `${shown} of ${entries.length} ${entries.length === 1 ? count.dataset.one : count.dataset.many} shown`;
    for (const item of document.querySelectorAll("[data-of]")) {
      item.hidden = document.getElementById(item.dataset.of).hidden;
    }
    for (const section of document.querySelectorAll("section.filtered")) {
      section.hidden = !section.querySelector("[data-of]:not([hidden])");
    }
    if (none) none.hidden = shown > 0 || entries.length === 0;
  };

  const copy = async (button) => {
    const copied = await copyText(button.dataset.copy, button);
    const label = button.querySelector(".label");
    label.textContent = copied ? "Copied" : "Not copied";
    setTimeout(() => { label.textContent = "Copy"; }, 1500);
  };

  const hint = () => {
    const scrolls = scroll.scrollWidth > scroll.clientWidth;
    document.getElementById("scrolls").classList.toggle("shown", scrolls);
    document.getElementById("scrolls").hidden = !scrolls;
  };

  if (scroll) {
    hint();
    window.addEventListener("resize", hint);
  }
  if (search) {
    document.querySelector(".tools").hidden = false;
    search.addEventListener("input", filter);
    show.addEventListener("change", filter);
    filter();
  }
  for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    if (button) copy(button);
  });
  document.addEventListener("keydown", (event) => {
    if (!search || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !event.target.closest("input, select, textarea")) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      filter();
    }
  });
})();
