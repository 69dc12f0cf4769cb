// Measuring by hand: a path's length and the area it closes.

class Measure {
  constructor(map, card) {
    this.map = map;
    this.card = card;
    this.places = [];
    this.active = false; // taking points
    map.createPane("planmap-measure").style.zIndex = 580;
    const renderer = L.svg({ pane: "planmap-measure", padding: 0.5 });
    this.look = { renderer, pane: "planmap-measure", interactive: false, color: "#1f2a30" };
    this.group = L.layerGroup().addTo(map);
    map.on("click", (event) => this.active && this.add(event));
    map.on("mousemove", (event) => this.active && this.draw(event.latlng));
    map.on("dblclick", () => this.active && this.finish());
  }

  get open() {
    return this.active || this.places.length > 0;
  }

  configure(strings, projection, changed) {
    Object.assign(this, { strings, projection, changed });
    if (this.open) this.report(this.places);
  }

  start() {
    this.clear();
    this.active = true;
    this.map.doubleClickZoom.disable();
    this.map.getContainer().classList.add("measuring");
    this.map.getContainer().focus({ preventScroll: true });
    this.report([]);
    this.changed();
  }

  add(event) {
    if (event.originalEvent.detail > 1) return; // the second click of a double one
    this.places.push(event.latlng);
    this.draw();
  }

  finish() {
    if (this.places.length < 2) return this.clear();
    this.stop();
    this.draw();
    return this.changed();
  }

  clear() {
    this.stop();
    this.places = [];
    this.group.clearLayers();
    this.card.hidden = true;
    if (this.changed) this.changed();
  }

  stop() {
    this.active = false;
    this.map.getContainer().classList.remove("measuring");
    this.map.doubleClickZoom.enable();
  }

  draw(cursor) {
    const places = cursor ? [...this.places, cursor] : this.places;
    this.group.clearLayers();
    if (places.length > 2) {
      const faint = { ...this.look, weight: 1, dashArray: "3 4", fillOpacity: 0.08 };
      this.group.addLayer(L.polygon(places, faint));
    }
    this.group.addLayer(L.polyline(places, { ...this.look, weight: 2 }));
    for (const place of this.places) {
      const dot = { ...this.look, radius: 3.5, weight: 1.5, fillColor: "#fff", fillOpacity: 1 };
      this.group.addLayer(L.circleMarker(place, dot));
    }
    this.report(places);
  }

  report(places) {
    const { strings, card } = this;
    const figures = measurePath(places, this.projection);
    const lines = [];
    if (places.length > 1) lines.push([strings.measure_length, lengthText(figures.length_m)]);
    if (places.length > 2) {
      const area = figures.area_m2;
      const text = area === null ? strings.measure_crossing : areaText(area, strings);
      lines.push([strings.measure_area, text]);
    }
    const button = (text, action) => el("button", { class: "text", type: "button", onclick: action }, text);
    card.replaceChildren(
      el("dl", {}, ...lines.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
      ...(this.active ? [el("p", {}, strings.measure_hint)] : []),
      el("div", { class: "actions" },
        ...(this.active ? [button(strings.measure_finish, () => this.finish())] : []),
        button(this.active ? strings.measure_cancel : strings.measure_clear, () => this.clear())),
    );
    card.hidden = false;
  }
}

// Three significant digits, thousands separated.
function figureText(value) {
  const digits = value > 0 ? Math.max(0, 2 - Math.floor(Math.log10(value))) : 0;
  const scale = 10 ** (2 - Math.floor(Math.log10(value || 1)));
  const rounded = scale < 1 ? Math.round(value * scale) / scale : value;
  const shown = rounded.toFixed(Math.min(digits, 3));
  const [whole, rest] = shown.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return rest ? `${grouped}.${rest}` : grouped;
}

function lengthText(length_m) {
  return length_m < 1000 ? `${figureText(length_m)} m` : `${figureText(length_m / 1000)} km`;
}

// m² below a hectare, hectares below 10 km², km² above; 亩 beside it.
function areaText(area_m2, strings) {
  const mu = `${figureText(area_m2 / (10000 / 15))} ${strings.unit_mu}`;
  const main =
    area_m2 < 1e4 ? `${figureText(area_m2)} m²`
    : area_m2 < 1e7 ? `${figureText(area_m2 / 1e4)} ${strings.unit_hectare}`
    : `${figureText(area_m2 / 1e6)} km²`;
  return fill(strings.measure_in_mu, { area: main, mu });
}
