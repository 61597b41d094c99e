
"use strict";

/** Orders two cells: by the number each begins with, numbers before words, blanks last whatever the way. */
function compare(one, other, way) {
  if (!one || !other) return !one - !other;
  const [a, b] = [one, other].map((text) => /^[-+]?\d+(\.\d+)?(e[-+]?\d+)?/i.exec(text));
  if (a && b) return way * (a[0] - b[0]);
  return way * (a ? -1 : b ? 1 : one.localeCompare(other, "en"));
}

function sort(head) {
  const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
  const body = head.closest("table").tBodies[0];
  const text = (row) => row.cells[head.cellIndex].textContent.trim();
  body.append(...[...body.rows].sort((one, other) => compare(text(one), text(other), way)));
}

function makeSortable(table) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Returns a small table in a box; the first column heads its rows, ``numbers`` sets the others to the right. */
function tableOf(caption, heads, rows, numbers) {
  const table = document.createElement("table");
  table.append(element("caption", caption));
  const right = numbers ? { class: "n" } : {};
  const head = table.createTHead().insertRow();
  heads.forEach((text, place) => head.append(element("th", text, { scope: "col", ...(place ? right : {}) })));
  const body = table.createTBody();
  for (const [first, ...others] of rows) {
    const row = body.insertRow();
    row.append(element("th", first, { scope: "row" }), ...others.map((text) => element("td", text, right)));
  }
  const box = element("div", "", { class: "box", role: "region", tabindex: "0", "aria-label": caption });
  box.append(table);
  return box;
}

/** Shows what sets the two chosen rows apart; every number was computed before and is only looked up. */
function showDifferences(part) {
  const data = JSON.parse(part.querySelector("script").textContent);
  const selects = [...part.querySelectorAll("select")];
  const show = () => {
    const [a, b] = selects.map((select) => select.selectedIndex);
    const [one, other] = [data.rows[a], data.rows[b]];
    const scores = data.scores.map((score, place) => {
      const [mean, seeds, interval] = data.differences[a][b][place] ?? ["", "0", ""];
      return [score, mean, interval, seeds, data.means[a][place], data.means[b][place]];
    });
    const settings = data.paths
      .map((path, place) => [path, data.settings[a][place] ?? "", data.settings[b][place] ?? ""])
      .filter(([, mine, its]) => mine !== its);
    part.querySelector(".found").replaceChildren(
      tableOf("Scores, paired by seed", ["score", "difference", "95 % interval", "seeds", one, other], scores, true),
      settings.length
        ? tableOf("Settings that differ", ["setting", one, other], settings, false)
        : element("p", "No setting differs."),
    );
  };
  for (const select of selects) select.addEventListener("change", show);
  part.hidden = false;
  show();
}

/** Enlarges a figure in a dialog that Escape, its button or any click closes; without a script the link does. */
function makeDialog() {
  const dialog = element("dialog", "", { "aria-label": "Enlarged figure" });
  const image = document.createElement("img");
  dialog.append(element("button", "Close", { type: "button" }), image);
  dialog.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  for (const link of document.querySelectorAll("figure a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const { src, alt } = link.firstElementChild;
      Object.assign(image, { src, alt, className: link.parentElement.className });
      dialog.showModal();
    });
  }
}

document.querySelectorAll("table").forEach(makeSortable);
document.querySelectorAll(".differences").forEach(showDifferences);
makeDialog();
