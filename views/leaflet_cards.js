// The cards over the map: buttons, legend, facts of the selected feature, messages, figures.
// Whatever comes from data is inserted as text.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

function el(tag, attributes, ...children) {
  return fillElement(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fillElement(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

function fillElement(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Fill the places of a phrase: fill("{a} m", {a: 3}) is "3 m".
function fill(phrase, values) {
  return phrase.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

function iconButton(title, paths, onclick, extra = {}) {
  const icon = svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" },
    ...paths.map((d) => svg("path", { d })));
  return el("button", { type: "button", title, "aria-label": title, onclick, ...extra }, icon);
}

const ICONS = {
  plus: ["M10 4v12M4 10h12"],
  minus: ["M4 10h12"],
  home: ["M3.5 9.5 10 4l6.5 5.5", "M5.5 8.5V16h9V8.5"],
  ruler: ["M2.5 13.5 13.5 2.5l4 4L6.5 17.5z", "M6 10l1.7 1.7M8.6 7.4l1.7 1.7M11.2 4.8l1.7 1.7"],
  close: ["M5 5l10 10M15 5 5 15"],
  up: ["M5 12.5 10 7.5l5 5"],
  down: ["M5 7.5l5 5 5-5"],
};

function toolbar(strings, actions, measuring) {
  const measure = iconButton(strings.measure, ICONS.ruler, actions.measure, {
    "aria-pressed": String(measuring), class: measuring ? "on" : null,
  });
  return [
    el("div", { class: "card buttons" },
      iconButton(strings.zoom_in, ICONS.plus, actions.zoomIn),
      iconButton(strings.zoom_out, ICONS.minus, actions.zoomOut)),
    el("div", { class: "card buttons" },
      iconButton(strings.home, ICONS.home, actions.home), measure),
  ];
}

// ---- legend ----

function legend(groups, strings, open, toggle) {
  const title = open ? strings.legend_hide : strings.legend_show;
  const head = el("button",
    { type: "button", class: "head", title, "aria-expanded": String(open), onclick: toggle },
    el("span", {}, strings.legend),
    svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" },
      svg("path", { d: (open ? ICONS.down : ICONS.up)[0] })));
  if (!open) return [head];
  return [head, el("div", { class: "groups" }, ...groups.map(legendGroup))];
}

function legendGroup(group) {
  const only = group.items.length === 1 && group.items[0].label === group.title;
  const badges = group.badge ? [badge(group.badge)] : [];
  if (only) return el("div", { class: "group item" }, swatch(group.items[0]), group.title, ...badges);
  return el("div", { class: "group" },
    el("div", { class: "title" }, group.title, ...badges),
    ...group.items.map((item) => el("div", { class: "item" }, swatch(item), item.label)));
}

function swatch({ kind, fill: colour, line, dash, hatch, fill_opacity: opacity }) {
  const look = { stroke: line, "stroke-width": kind === "line" ? 2.5 : 1.2, "stroke-dasharray": dash || null };
  const inside = { fill: colour || "none", "fill-opacity": opacity };
  const shape = {
    point: () => [svg("circle", { cx: 11, cy: 7, r: 4, ...look, ...inside })],
    line: () => [svg("path", { d: "M1 7h20", fill: "none", ...look })],
    polygon: () => [
      svg("rect", { x: 1, y: 1, width: 20, height: 12, ...look, ...inside }),
      ...(hatch ? [svg("path", { d: "M3 12 12 2M9 12l9-10M15 12l5-6", stroke: line, "stroke-opacity": 0.6 })] : []),
    ],
  }[kind];
  return svg("svg", { class: "swatch", viewBox: "0 0 22 14", "aria-hidden": "true" }, ...shape());
}

const badge = ({ text, kind }) => el("span", { class: `badge ${kind}` }, text);

// ---- facts of the selected feature ----

function facts(selection, strings, actions) {
  const heading = el("div", { class: "heading" },
    el("div", {},
      el("h2", {}, selection.title),
      ...(selection.subtitle ? [el("p", { class: "subtitle" }, selection.subtitle)] : [])),
    iconButton(strings.close, ICONS.close, actions.close, { class: "close" }));
  const badges = selection.badges.length ? [el("div", { class: "badges" }, ...selection.badges.map(badge))] : [];
  const rows = el("dl", {}, ...selection.rows.flatMap((row) => factRow(row, strings)));
  return [heading, el("div", { class: "body" }, ...badges, rows, ...links(strings.checks, selection.checks, actions),
    ...links(strings.also_here, selection.others, actions))];
}

function factRow(row, strings) {
  const name = el("dt", {}, row.label);
  const value = el("dd", {}, row.value);
  if (!row.help) return [name, value];
  const note = el("p", { class: "help", hidden: "" }, row.help);
  const mark = el("button", {
    type: "button", class: "mark", title: row.help, "aria-expanded": "false",
    "aria-label": fill(strings.explain, { term: row.label }),
    onclick: () => {
      note.hidden = !note.hidden;
      mark.setAttribute("aria-expanded", String(!note.hidden));
    },
  }, "?");
  name.append(mark);
  value.append(note);
  return [name, value];
}

// A list of things to go to: targets that use the feature, other features at the place.
function links(title, others, actions) {
  if (!others.length) return [];
  const item = (other) =>
    el("li", {}, el("button", { type: "button", onclick: () => actions.pick(other) }, other.label));
  return [el("div", { class: "others" }, el("h3", {}, title), el("ul", {}, ...others.map(item)))];
}

// ---- messages and figures ----

function layerMessage(entry, strings, retry) {
  const { error, layer } = entry;
  const phrase = strings[error.reason] || strings.reason_content;
  const reason = fill(phrase, { status: error.status });
  const text = fill(strings.layer_failed, { layer: layer.title, reason });
  return message(text, strings.retry, retry);
}

function message(text, action, onclick) {
  return el("div", { class: "card message", role: "status" },
    el("span", {}, text),
    ...(action ? [el("button", { type: "button", class: "text", onclick }, action)] : []));
}

function readout(latlng, projection, strings) {
  const geographic = fill(strings.readout_geographic, {
    lng: latlng.lng.toFixed(5), lat: latlng.lat.toFixed(5),
  });
  const metric = toMetric(projection, latlng.lng, latlng.lat);
  const parts = [el("span", {}, geographic)];
  if (metric) {
    const places = { crs: projection.label, east: metric[0].toFixed(1), north: metric[1].toFixed(1) };
    parts.push(el("span", {}, fill(strings.readout_metric, places)));
  }
  return parts;
}

const SCALE_PX = 100;

function scaleBar(map) {
  const center = map.getCenter();
  const degree = (WORLD_SIZE / 360) * 2 ** map.getZoom();
  const metre = degree / geodesicLength({ lat: center.lat, lng: 0 }, { lat: center.lat, lng: 1 });
  const length = roundBelow(SCALE_PX / metre);
  const text = length < 1000 ? `${length} m` : `${length / 1000} km`;
  const bar = el("span", { class: "bar" });
  bar.style.width = `${length * metre}px`;
  return [bar, el("span", {}, text)];
}
