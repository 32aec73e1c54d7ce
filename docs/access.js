// What the theme leaves out: keys reach what scrolls sideways, and each copy button's landmark has a name.
const reach = () => {
  for (const each of document.querySelectorAll("pre > code, .md-typeset__scrollwrap")) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
    else each.removeAttribute("tabindex");
  }
  document.querySelectorAll(".md-code__nav").forEach((each, i) => each.setAttribute("aria-label", `Code block ${i + 1}`));
};
addEventListener("load", reach);
addEventListener("resize", reach);
