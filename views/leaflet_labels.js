// Names on the map: placed greedily, top layer first, so that no two ever overlap.

const LABEL_PX = 12;
const LABEL_HEIGHT = 16;
const LABELS_MOST = 250;
const SYMBOLS_MOST = 400;
// Where else in a polygon its name may stand: in half widths to the right and heights down.
const ASIDE = [[0, 0], [0, -1.2], [0, 1.2], [0, -2.4], [0, 2.4], [1, 0], [-1, 0], [0, -4], [0, 4]];
const DEGREES_PX = 18; // the strip of the graticule's figures
const TWIN_PX = 260; // the same name again, as of a road in pieces, only this far away

class Labels {
  constructor(map, stack) {
    this.map = map;
    this.stack = stack;
    this.widths = new Map();
    this.pen = document.createElement("canvas").getContext("2d");
    this.pane = map.createPane("planmap-names");
    this.pane.style.zIndex = 560;
    this.pane.classList.add("names");
    this.lang = "zh";
    this.selected = null; // {layer, id}: its name comes first
    this.obstacles = () => [];
    map.on("zoomstart", () => this.pane.classList.add("away"));
    map.on("moveend zoomend viewreset", () => this.later());
  }

  // Place anew before the next frame; any number of calls till then cost one.
  later() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.place();
    });
  }

  place() {
    const size = this.map.getSize();
    this.pane.classList.remove("away");
    if (!size.x || !size.y) return;
    const items = this.wanted();
    const taken = [...this.obstacles(), ...this.symbols(items)];
    const twins = new Map();
    const names = [];
    for (const item of items) {
      if (names.length >= LABELS_MOST) break;
      const at = this.boxFor(item, size, taken, twins);
      if (!at) continue;
      taken.push(at);
      names.push(this.element(item, at));
    }
    this.pane.replaceChildren(...names);
  }

  // Features whose names may be shown, the most important first.
  wanted() {
    const zoom = this.map.getZoom();
    const view = this.viewBox();
    const items = [];
    for (const entry of this.stack.fromTop()) {
      const { style } = entry.layer;
      if (!style.label || zoom < (style.label_min_zoom || 0)) continue;
      const found = entry.features
        .filter((feature) => boxesMeet(feature.box, view))
        .map((feature) => ({ entry, feature, text: nameOf(entry.layer, feature, this.lang) }))
        .filter((item) => item.text && this.fits(item, view));
      if (entry.layer.geometry !== "point") found.sort((a, b) => extent(b.feature) - extent(a.feature));
      items.push(...found);
    }
    const chosen = items.findIndex((item) => this.isSelected(item));
    if (chosen > 0) items.unshift(...items.splice(chosen, 1));
    return items;
  }

  // Boxes of the point symbols in view, which names keep clear of while these are few.
  symbols(items) {
    const points = items.filter((item) => item.feature.kind === "point");
    if (points.length > SYMBOLS_MOST) return [];
    return points.map(({ entry, feature }) => {
      const { lng, lat } = fromWorld(...feature.world[0][0]);
      const { x, y } = this.map.latLngToContainerPoint([lat, lng]);
      const r = lookOfFeature(entry.layer, feature).radius || 4;
      return [x - r, y - r, x + r, y + r];
    });
  }

  isSelected(item) {
    const { selected } = this;
    return selected && selected.layer === item.entry.layer.id && String(selected.id) === item.feature.id;
  }

  viewBox() {
    const bounds = this.map.getBounds();
    return [
      ...toWorld(bounds.getWest(), bounds.getNorth()),
      ...toWorld(bounds.getEast(), bounds.getSouth()),
    ];
  }

  // The first free box among the candidates, in pixels of the window, or null.
  boxFor(item, size, taken, twins) {
    const width = this.width(item.text);
    const before = twins.get(item.text) || [];
    const inWindow = (b) => b[0] >= 2 && b[1] >= DEGREES_PX && b[2] <= size.x - 2 && b[3] <= size.y - 2;
    const isFree = (b) => inWindow(b) && !taken.some((other) => boxesMeet(b, other));
    for (const spot of labelPlaces(item.feature, this.viewBox())) {
      const { lng, lat } = fromWorld(...spot);
      const { x, y } = this.map.latLngToContainerPoint([lat, lng]);
      if (before.some((p) => Math.hypot(p.x - x, p.y - y) < TWIN_PX)) continue;
      const box = this.candidates(item, x, y, width).find(isFree);
      if (!box) continue;
      twins.set(item.text, [...before, { x, y }]);
      return box;
    }
    return null;
  }

  // A polygon or line that the view shows less of than its name is long stays without it.
  fits(item, view) {
    if (item.feature.kind === "point") return true;
    const scale = 2 ** this.map.getZoom();
    const [x0, y0, x1, y1] = boxesShared(item.feature.box, view);
    return Math.max(x1 - x0, y1 - y0) * scale >= this.width(item.text) * 0.8;
  }

  candidates(item, x, y, width) {
    const [w, h] = [width / 2, LABEL_HEIGHT / 2];
    if (item.feature.kind === "line") return [[x - w, y - h, x + w, y + h]];
    if (item.feature.kind === "polygon") {
      return ASIDE.map(([right, down]) => [x + right * w, y + down * LABEL_HEIGHT])
        .filter(([cx, cy], i) => i === 0 || this.isInside(item.feature, cx, cy))
        .map(([cx, cy]) => [cx - w, cy - h, cx + w, cy + h]);
    }
    const r = (lookOfFeature(item.entry.layer, item.feature).radius || 4) + 3;
    return [
      [x + r, y - h, x + r + width, y + h],
      [x - r - width, y - h, x - r, y + h],
      [x - w, y - r - LABEL_HEIGHT, x + w, y - r],
      [x - w, y + r, x + w, y + r + LABEL_HEIGHT],
      [x + r - 2, y - LABEL_HEIGHT - 1, x + r - 2 + width, y - 1],
      [x + r - 2, y + 1, x + r - 2 + width, y + 1 + LABEL_HEIGHT],
      [x - r + 2 - width, y - LABEL_HEIGHT - 1, x - r + 2, y - 1],
      [x - r + 2 - width, y + 1, x - r + 2, y + 1 + LABEL_HEIGHT],
    ];
  }

  isInside(feature, x, y) {
    const { lng, lat } = this.map.containerPointToLatLng([x, y]);
    return inPolygon(feature.world, ...toWorld(lng, lat));
  }

  width(text) {
    if (!this.widths.has(text)) {
      this.pen.font = `500 ${LABEL_PX}px ${getComputedStyle(this.pane).fontFamily}`;
      this.widths.set(text, Math.ceil(this.pen.measureText(text).width) + 4);
    }
    return this.widths.get(text);
  }

  element(item, [x0, y0, x1]) {
    const label = el("span", { class: `name ${item.feature.kind}` }, item.text);
    label.style.width = `${x1 - x0}px`;
    L.DomUtil.setPosition(label, this.map.containerPointToLayerPoint([x0, y0]).round());
    return label;
  }
}
