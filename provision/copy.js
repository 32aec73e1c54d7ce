"use strict";
// Copies a text, also where scripts have no clipboard, as on a page from disk: then by a selection, after which `button`
// gets the focus back. Whether it was copied.
const copyText = async (text, button) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    button.focus();
    return copied;
  }
};
