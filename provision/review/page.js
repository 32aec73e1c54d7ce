"use strict";
(() => {
  const search = document.getElementById("search");
  const show = document.getElementById("show");
  const count = document.getElementById("count");
  const items = [...document.querySelectorAll("[data-text]")];
  const entries = items.filter((item) => item.matches("article"));
  const none = document.getElementById("none");

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items) {
      const kinds = item.dataset.kinds.split(" ");
      const wanted = show.value === "all" || kinds.includes(show.value);
      item.hidden = !(wanted && words.every((word) => item.dataset.text.includes(word)));
    }
    const shown = entries.filter((entry) => !entry.hidden).length;
    count.textContent = `${shown} of ${entries.length} shown`;
    if (none) none.hidden = shown > 0 || entries.length === 0;
  };

  const copy = async (button) => {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    const label = button.querySelector(".label");
    label.textContent = "Copied";
    setTimeout(() => { label.textContent = "Copy"; }, 1500);
  };

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
