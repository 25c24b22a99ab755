"use strict";
const every = (selector, from = document) => Array.from(from.querySelectorAll(selector));

const copied = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
};

const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let outer = target; outer; outer = outer.parentElement) {
    if (outer.tagName === "DETAILS") outer.open = true;
  }
  if (target) target.scrollIntoView();
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const done = await copied(button.dataset.copy);
  button.textContent = done ? "Copied" : "Select it";
  document.getElementById("spoken").textContent = done ? "Copied to the clipboard" : "It could not be copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

for (const table of every("[data-filtered]")) {
  const rows = every("[data-words]", table);
  const tools = document.getElementById(table.dataset.filtered);
  const search = tools.querySelector("input");
  const buttons = every("button[data-status]", tools);
  const count = tools.querySelector("output");
  const apply = () => {
    const words = search.value.trim().toLowerCase();
    const chosen = buttons.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.status);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.dataset.words.includes(words) || (chosen.length > 0 && !chosen.includes(row.dataset.status));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${rows.length}`;
  };
  search.addEventListener("input", apply);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
  apply();
}

addEventListener("hashchange", reveal);
reveal();
