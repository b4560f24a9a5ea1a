"use strict";
(() => {
  const PAGE = 100, PRINTED = 1000;
  const WORDS = {error: "failed", audit: "recorded", skip: "exempt"};
  const DIFF = {"+": "plus", "-": "minus", "@": "hunk"};
  const form = document.getElementById("filter");
  if (!form) return;
  const {findings, remarks} = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("#rows tbody");
  const template = document.getElementById("row").content.firstElementChild;
  const [pages, page, previous, next, status] =
    ["pages", "page", "previous", "next", "status"].map((id) => document.getElementById(id));
  const number = (value) => value.toLocaleString("en");
  const column = Object.fromEntries(findings.columns.map((name, index) => [name, index]));
  const get = (row, name) => findings.texts[row[column[name]]];
  let chosen = findings.rows, first = 0, texts;

  /* Everything is set as text: what manifests say is never read as HTML. */
  const shown = (row) => {
    const made = template.cloneNode(true);
    const set = (selector, text) => { made.querySelector(selector).textContent = text; };
    const result = get(row, "result"), namespace = get(row, "namespace"), exemption = get(row, "exemption");
    made.querySelector(".mark").className = `mark ${result}`;
    set(".mark", WORDS[result] || result);
    if (get(row, "state") !== "new") made.querySelector(".new").remove();
    set(".kind", get(row, "kind"));
    set(".name", (namespace && `${namespace}/`) + get(row, "name"));
    set(".what", get(row, "what"));
    set(".policy", get(row, "policy"));
    for (const field of made.querySelectorAll("[data-field]")) {
      const name = field.dataset.field;
      const text = name === "exemption" && Object.hasOwn(remarks, exemption) ? remarks[exemption] : get(row, name);
      if (text) field.lastElementChild.textContent = text;
      else field.remove();
    }
    const diff = get(row, "diff"), pre = made.querySelector(".diff");
    if (!diff) pre.remove();
    pre.replaceChildren(...diff.split("\n").map((line) => {
      const span = document.createElement("span");
      span.className = DIFF[line[0]] || "same";
      span.textContent = `${line}\n`;
      return span;
    }));
    return made;
  };

  const said = (row) => [
    `${get(row, "namespace")}/${get(row, "name")}`,
    ...findings.columns.filter((name) => name !== "diff").map((name) => get(row, name)),
  ].join("\n").toLowerCase();

  const show = (length) => {
    const last = Math.min(first + length, chosen.length);
    body.replaceChildren(...chosen.slice(first, last).map(shown));
    const all = findings.rows.length;
    status.textContent = chosen.length === all ? `${number(all)} in all.` : `${number(chosen.length)} of ${number(all)}.`;
    pages.hidden = chosen.length <= PAGE;
    page.textContent = `${number(first + 1)} to ${number(last)} of ${number(chosen.length)}`;
    previous.disabled = first === 0;
    next.disabled = last === chosen.length;
  };

  const filter = () => {
    const wanted = new FormData(form);
    const results = new Set(wanted.getAll("result"));
    const values = ["policy", "namespace", "team"].filter((name) => (wanted.get(name) ?? "*") !== "*")
      .map((name) => [name, wanted.get(name)]);
    const words = wanted.get("search").toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) texts ??= new Map(findings.rows.map((row) => [row, said(row)]));
    chosen = findings.rows.filter((row) => results.has(get(row, "result"))
      && (!wanted.has("new") || get(row, "state") === "new")
      && values.every(([name, value]) => get(row, name) === value)
      && words.every((word) => texts.get(row).includes(word)));
    first = 0;
    show(PAGE);
  };

  const turn = (by) => {
    first += by * PAGE;
    show(PAGE);
    document.getElementById("findings").focus();
  };

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  previous.addEventListener("click", () => turn(-1));
  next.addEventListener("click", () => turn(1));
  for (const link of document.querySelectorAll("a[data-column]")) {
    link.addEventListener("click", () => {
      form.reset();
      const select = form.elements[link.dataset.column];
      if (select) select.value = link.dataset.value;
      filter();
      document.getElementById("findings").focus();
    });
  }
  window.addEventListener("beforeprint", () => show(PRINTED));
  window.addEventListener("afterprint", () => show(PAGE));
  form.hidden = false;
  filter();
})();
