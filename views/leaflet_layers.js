// Layers on the Leaflet map: loading, drawing, restyling, tiles and the graticule.

const SVG_LIMIT = 1500; // a layer of more features is drawn on a canvas
const PANE_Z = { polygon: 410, line: 440, point: 470 }; // points over lines over polygons
const LOADED_KEPT = 60;

// Prepared features by content hash, so that a layer shown again is not fetched again.
const loaded = new Map();

async function loadFeatures(layer) {
  const name = `${layer.hash}|${layer.key}`;
  if (!loaded.has(name)) {
    const features = prepareFeatures(layer.geojson || (await fetchJson(layer.url)), layer.key);
    loaded.set(name, features);
    if (loaded.size > LOADED_KEPT) loaded.delete(loaded.keys().next().value);
  }
  return loaded.get(name);
}

// Errors carry the key of the string that says why.
async function fetchJson(url) {
  let answer;
  try {
    answer = await fetch(url);
  } catch (error) {
    throw Object.assign(new Error(String(error)), { reason: "reason_network" });
  }
  if (!answer.ok) {
    throw Object.assign(new Error(url), { reason: "reason_status", status: answer.status });
  }
  try {
    return await answer.json();
  } catch (error) {
    throw Object.assign(new Error(String(error)), { reason: "reason_content" });
  }
}

// The layers drawn on one map. `changed` is called whenever something was drawn or taken away.
class LayerStack {
  constructor(map, patterns, changed) {
    this.map = map;
    this.patterns = patterns; // the SVG element that holds the hatchings
    this.changed = changed;
    this.entries = new Map();
    this.number = 0;
  }

  // Bring the map to these layers, lowest first; what did not change is left alone.
  show(layers) {
    const wanted = new Set(layers.map((layer) => layer.id));
    for (const id of [...this.entries.keys()]) if (!wanted.has(id)) this.remove(id);
    layers.forEach((layer, order) => this.place(layer, order));
    this.changed();
  }

  place(layer, order) {
    const now = this.entries.get(layer.id);
    if (now && (now.layer.hash !== layer.hash || now.layer.key !== layer.key)) {
      this.renew(now, layer, order);
    } else if (now) {
      const restyled = lookOf(now.layer) !== lookOf(layer);
      now.layer = layer;
      if (restyled) this.restyle(now);
      this.stack(now, order);
    } else {
      this.add(layer, order);
    }
  }

  add(layer, order) {
    const paneName = `planmap-${this.number++}`;
    const pane = this.map.createPane(paneName);
    const entry = { layer, pane, paneName, state: "loading", features: [], shapes: [] };
    this.entries.set(layer.id, entry);
    this.stack(entry, order);
    this.load(entry);
  }

  // Another content under the same id: the old drawing stays until the new one is there.
  renew(entry, layer, order) {
    entry.layer = layer;
    this.stack(entry, order);
    this.load(entry);
  }

  async load(entry) {
    const { hash } = entry.layer;
    entry.state = "loading";
    entry.error = null;
    const stale = () => this.entries.get(entry.layer.id) !== entry || entry.layer.hash !== hash;
    try {
      const features = await loadFeatures(entry.layer);
      if (stale()) return;
      this.erase(entry);
      this.draw(entry, features);
    } catch (error) {
      if (stale()) return;
      entry.state = "failed";
      entry.error = error;
      if (!error.reason) console.error(error);
    }
    this.changed();
  }

  draw(entry, features) {
    const { layer } = entry;
    entry.features = features;
    entry.byId = new Map(features.map((feature) => [feature.id, feature]));
    const options = { pane: entry.paneName };
    entry.canvas = features.length > SVG_LIMIT;
    entry.renderer = entry.canvas
      ? L.canvas({ ...options, padding: 0.3 })
      : L.svg({ ...options, padding: 0.5 });
    entry.shapes = features.map((feature) => {
      const look = { ...this.look(entry, feature), pane: entry.paneName, renderer: entry.renderer };
      return shapesOf(feature, look);
    });
    entry.group = L.layerGroup(entry.shapes.flat()).addTo(this.map);
    entry.pane.style.opacity = layer.opacity;
    entry.state = "drawn";
  }

  restyle(entry) {
    entry.pane.style.opacity = entry.layer.opacity;
    entry.shapes.forEach((shapes, i) => {
      const look = this.look(entry, entry.features[i]);
      shapes.forEach((shape) => shape.setStyle(look));
    });
  }

  stack(entry, order) {
    entry.order = order;
    entry.pane.style.zIndex = PANE_Z[entry.layer.geometry] + Math.min(order, 29);
  }

  erase(entry) {
    if (entry.group) entry.group.remove();
    if (entry.renderer) entry.renderer.remove();
    Object.assign(entry, { group: null, renderer: null, shapes: [], features: [] });
  }

  remove(id) {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    this.erase(entry);
    delete this.map._panes[entry.paneName];
    entry.pane.remove();
  }

  look(entry, feature) {
    const look = lookOfFeature(entry.layer, feature);
    const hatched = look.hatch && feature.kind === "polygon";
    return {
      interactive: false,
      stroke: look.width > 0,
      color: look.line,
      weight: look.width,
      dashArray: look.dash || null,
      lineJoin: "round",
      fill: feature.kind !== "line",
      fillColor: hatched ? hatching(this.patterns, look, entry.canvas) : look.fill,
      fillOpacity: hatched ? 1 : look.fill_opacity,
      radius: feature.kind === "point" ? look.radius : undefined,
    };
  }

  // Entries from the top of the drawing to its bottom.
  fromTop() {
    const rank = { point: 2, line: 1, polygon: 0 };
    return [...this.entries.values()]
      .filter((entry) => entry.features.length)
      .sort((a, b) => rank[b.layer.geometry] - rank[a.layer.geometry] || b.order - a.order);
  }

  find(layerId, featureId) {
    const entry = this.entries.get(layerId);
    const feature = entry && entry.byId && entry.byId.get(String(featureId));
    return feature ? { entry, feature } : null;
  }

  // What lies at a place, top-most first; the reach of points and lines is in pixels. An area
  // drawn as a bare outline comes after all that is filled, the smallest first.
  hits(latlng, zoom, touch) {
    const scale = 2 ** zoom;
    const [x, y] = toWorld(latlng.lng, latlng.lat);
    const found = [];
    for (const entry of this.fromTop()) {
      if (!entry.layer.interactive) continue;
      const near = [];
      for (const feature of entry.features) {
        const reach = reachOf(entry.layer, feature, touch) / scale;
        const squared = squaredDistance(feature, x, y, reach);
        if (squared < Infinity) near.push({ entry, feature, squared });
      }
      near.sort((a, b) => a.squared - b.squared || b.feature.order - a.feature.order);
      found.push(...near);
    }
    const solid = found.filter((hit) => !isHollow(hit));
    const hollow = found.filter(isHollow).sort((a, b) => extent(a.feature) - extent(b.feature));
    return [...solid, ...hollow];
  }
}

function isHollow({ entry, feature }) {
  const look = lookOfFeature(entry.layer, feature);
  return feature.kind === "polygon" && look.fill_opacity === 0 && !look.hatch;
}

function reachOf(layer, feature, touch) {
  if (feature.kind === "line") return touch ? 12 : 6;
  const { radius } = lookOfFeature(layer, feature);
  return Math.max(touch ? 14 : 8, radius || 0);
}

// What decides how a layer looks, as text to compare.
const lookOf = (layer) => JSON.stringify([layer.style, layer.opacity, layer.values]);

// The layer's style with that of the feature's class over it.
function lookOfFeature(layer, feature) {
  const { style, values } = layer;
  const value = values ? values[feature.id] : feature.props[style.by];
  const found = (style.classes || []).find((item) => item.value === String(value));
  return found ? { ...style, ...found } : style;
}

function nameOf(layer, feature, lang) {
  const column = layer.style.label || "name";
  const english = lang === "en" && feature.props[`${column}_en`];
  const value = english || feature.props[column];
  return value === null || value === undefined ? "" : String(value);
}

function shapesOf(feature, look) {
  const depth = { point: 0, line: 0, polygon: 1 }[feature.kind];
  if (feature.kind === "point") {
    return feature.parts.map(([lng, lat]) => L.circleMarker([lat, lng], look));
  }
  const latlngs = feature.parts.map((part) => L.GeoJSON.coordsToLatLngs(part, depth));
  return [feature.kind === "line" ? L.polyline(latlngs, look) : L.polygon(latlngs, look)];
}

// ---- hatching: the mark of what was only sketched ----

const HATCH_PX = 8;

function hatching(patterns, look, canvas) {
  if (canvas) return canvasHatching(look);
  const id = `hatch-${look.fill}-${look.line}-${look.fill_opacity}`.replace(/[^\w-]/g, "");
  if (!patterns.querySelector(`#${id}`)) {
    const size = { width: HATCH_PX, height: HATCH_PX };
    patterns.append(
      svg("pattern", { id, ...size, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("rect", { ...size, fill: look.fill, "fill-opacity": look.fill_opacity }),
        svg("rect", { width: 1.2, height: HATCH_PX, fill: look.line, "fill-opacity": 0.5 })),
    );
  }
  return `url(#${id})`;
}

function canvasHatching(look) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = HATCH_PX;
  const pen = tile.getContext("2d");
  pen.globalAlpha = look.fill_opacity;
  pen.fillStyle = look.fill;
  pen.fillRect(0, 0, HATCH_PX, HATCH_PX);
  pen.globalAlpha = 0.5;
  pen.strokeStyle = look.line;
  for (const x of [-HATCH_PX, 0, HATCH_PX]) {
    pen.moveTo(x, HATCH_PX);
    pen.lineTo(x + HATCH_PX, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}

// ---- tiles ----

// Tiles drawn on GCJ-02, moved so that they lie right under WGS 84 data: wherever the grid asks
// what is at the map's centre, it is given the centre's GCJ-02 position.
function shiftedTileLayer(url, options) {
  const shifted = (center) => {
    const [lng, lat] = toGcj02(L.latLng(center).lng, L.latLng(center).lat);
    return L.latLng(lat, lng);
  };
  const base = L.TileLayer.prototype;
  const Shifted = L.TileLayer.extend({
    _getTiledPixelBounds(center) {
      return base._getTiledPixelBounds.call(this, shifted(center));
    },
    _setZoomTransform(level, center, zoom) {
      base._setZoomTransform.call(this, level, shifted(center), zoom);
    },
    // The shift changes with the place, by some 2 m in 1 km: set it anew after each move.
    _onMoveEnd() {
      base._onMoveEnd.call(this);
      if (this._map && !this._map._animatingZoom) {
        this._setZoomTransforms(this._map.getCenter(), this._map.getZoom());
      }
    },
  });
  return new Shifted(url, options);
}

function tileLayer(tiles, strings) {
  const moved = tiles.datum === "GCJ-02";
  const note = document.createElement("span"); // attributions are HTML to Leaflet: text only
  note.textContent = moved ? `${tiles.attribution} · ${strings.tiles_shifted}` : tiles.attribution;
  const options = { attribution: note.innerHTML, maxNativeZoom: tiles.max_zoom, maxZoom: 22 };
  return moved ? shiftedTileLayer(tiles.url, options) : L.tileLayer(tiles.url, options);
}

// ---- graticule ----

const GRATICULE_PX = 170; // lines stand at least this far apart

class Graticule {
  constructor(map, labels) {
    this.map = map;
    this.labels = labels; // the element over the map that holds the figures at its edges
    map.createPane("graticule").style.zIndex = 300;
    this.renderer = L.svg({ pane: "graticule", padding: 0.5 });
    this.group = L.layerGroup().addTo(map);
    map.on("moveend viewreset", () => this.draw());
    map.on("move", () => this.label());
  }

  draw() {
    const bounds = this.map.getBounds().pad(0.5);
    this.step = this.interval();
    this.group.clearLayers();
    const look = {
      renderer: this.renderer, pane: "graticule", interactive: false, noClip: true,
      color: "#8d9894", weight: 0.6, opacity: 0.45,
    };
    const [west, east] = [bounds.getWest(), bounds.getEast()];
    const [south, north] = [Math.max(-85, bounds.getSouth()), Math.min(85, bounds.getNorth())];
    for (const lng of multiples(west, east, this.step)) {
      this.group.addLayer(L.polyline([[south, lng], [north, lng]], look));
    }
    for (const lat of multiples(south, north, this.step)) {
      this.group.addLayer(L.polyline([[lat, west], [lat, east]], look));
    }
    this.label();
  }

  interval() {
    const degree = (WORLD_SIZE / 360) * 2 ** this.map.getZoom();
    const least = GRATICULE_PX / degree;
    const power = 10 ** Math.floor(Math.log10(least));
    return Math.min(30, [1, 2, 5, 10].find((n) => n * power >= least) * power);
  }

  label() {
    if (!this.step) return;
    const bounds = this.map.getBounds();
    const size = this.map.getSize();
    const decimals = Math.max(0, -Math.floor(Math.log10(this.step) + 1e-9));
    const figures = [];
    for (const lng of multiples(bounds.getWest(), bounds.getEast(), this.step)) {
      const { x } = this.map.latLngToContainerPoint([bounds.getNorth(), lng]);
      if (x > 20 && x < size.x - 50) figures.push(figure("top", { left: `${x}px` }, lng, decimals));
    }
    for (const lat of multiples(bounds.getSouth(), bounds.getNorth(), this.step)) {
      const { y } = this.map.latLngToContainerPoint([lat, bounds.getEast()]);
      if (y > 24 && y < size.y - 34) figures.push(figure("side", { top: `${y}px` }, lat, decimals));
    }
    this.labels.replaceChildren(...figures);
  }
}

function multiples(from, to, step) {
  const found = [];
  for (let n = Math.ceil(from / step); n * step <= to && found.length < 80; n++) found.push(n * step);
  return found;
}

function figure(edge, place, degrees, decimals) {
  const label = el("span", { class: `degree ${edge}` }, `${degrees.toFixed(decimals)}°`);
  Object.assign(label.style, place);
  return label;
}
