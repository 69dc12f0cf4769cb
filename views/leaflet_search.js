// The search box: features by name, by English name or by the initials of their pinyin.

const MOST_RESULTS = 8;

class Search {
  constructor(part, choose) {
    this.choose = choose; // called with an entry of the index
    this.entries = [];
    this.input = el("input", {
      type: "search", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-expanded": "false", "aria-controls": "planmap-results",
      oninput: () => this.list(), onkeydown: (event) => this.onKey(event),
      onfocus: () => this.list(),
      onblur: () => setTimeout(() => this.close(), 150), // after a click on a result
    });
    this.results = el("ul", { id: "planmap-results", role: "listbox", hidden: "" });
    part.append(this.input, this.results);
  }

  async configure({ search, strings, lang }, titles) {
    this.strings = strings;
    this.lang = lang;
    this.titles = titles; // of the layers, by id
    this.input.placeholder = strings.search;
    this.input.setAttribute("aria-label", strings.search);
    if (!search || search.hash === this.hash) return;
    this.hash = search.hash;
    try {
      this.entries = search.url ? JSON.parse(await loadText(search.url)) : search.content;
    } catch {
      this.hash = null; // the next call tries again
    }
  }

  list() {
    const wanted = this.input.value.trim().toLowerCase();
    this.found = wanted ? rank(this.entries, wanted).slice(0, MOST_RESULTS) : [];
    this.at = 0;
    const items = this.found.map((entry, number) => this.item(entry, number));
    const none = el("li", { class: "none" }, this.strings.search_none);
    this.results.replaceChildren(...(items.length ? items : [none]));
    this.results.hidden = !wanted;
    this.input.setAttribute("aria-expanded", String(Boolean(wanted)));
  }

  item(entry, number) {
    const name = (this.lang === "en" && entry.name_en) || entry.name;
    return el("li", {
      role: "option", "aria-selected": String(number === this.at),
      onmousedown: (event) => event.preventDefault(), onclick: () => this.take(entry),
    }, el("b", {}, name), el("span", {}, this.titles[entry.layer] || ""));
  }

  onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.found && this.found.length) {
      this.at = (this.at + step + this.found.length) % this.found.length;
      [...this.results.children].forEach((item, number) =>
        item.setAttribute("aria-selected", String(number === this.at)));
    } else if (event.key === "Enter" && this.found && this.found[this.at]) {
      this.take(this.found[this.at]);
    } else if (event.key === "Escape") {
      this.input.value = "";
      this.close();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  take(entry) {
    this.input.value = "";
    this.close();
    this.input.blur();
    this.choose(entry);
  }

  close() {
    this.results.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }
}

// Entries that hold the wanted text: those that begin with it first, short names before long.
function rank(entries, wanted) {
  const scored = [];
  for (const entry of entries) {
    const score = Math.min(
      place(entry.name.toLowerCase(), wanted),
      place(entry.initials, wanted),
      place(entry.name_en.toLowerCase(), wanted),
    );
    if (score < Infinity) scored.push([score, entry.name.length, entry]);
  }
  scored.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return scored.map(([, , entry]) => entry);
}

function place(text, wanted) {
  const at = text.indexOf(wanted);
  if (at < 0) return Infinity;
  return at === 0 ? (text.length === wanted.length ? 0 : 1) : 2;
}
