// The interactive map: one PlanMap per key, fed by Python, which it tells of clicks.
//
// A map outlives its place in the page: when the component is mounted again, after a page change
// or a rerun, the same element is moved there with its view, layers and legend as they were.

const NARROW_PX = 640;
const MINIMUM_PX = 420;
const MARGIN_PX = 8;
const PANEL_PX = 330;
const CLEAR_PX = 28; // between the clicked point and the panel
const NO_SELECTION = { selection: null, picked: null };

// Maps by key; tests look here as well.
const registry = (window.__planmap = window.__planmap || {});

export default function planmap({ data, parentElement, setTriggerValue }) {
  const plan = registry[data.key] || (registry[data.key] = new PlanMap());
  plan.send = setTriggerValue;
  plan.mount(parentElement);
  plan.update(data);
  return () => plan.unmount(parentElement);
}

class PlanMap {
  constructor() {
    this.host = el("div", { class: "planmap" });
    this.canvas = el("div", { class: "map" });
    this.hatchings = svg("defs", {});
    this.parts = {};
    for (const name of ["degrees", "tools", "search card", "legend card", "messages", "measure card",
      "hover", "status", "facts card"]) {
      const [part] = name.split(" ");
      this.parts[part] = el("div", { class: name });
    }
    this.parts.measure.hidden = this.parts.facts.hidden = this.parts.hover.hidden = true;
    this.search = new Search(this.parts.search, (entry) => this.find(entry));
    this.host.append(
      this.canvas,
      svg("svg", { class: "patterns", "aria-hidden": "true" }, this.hatchings),
      ...Object.values(this.parts),
    );
    this.host.addEventListener("keydown", (event) => this.onKey(event));
    this.resized = new ResizeObserver(() => this.onResize());
    this.resized.observe(this.canvas);
    this.onWindow = () => this.setHeight();
    this.ready = false;
    Object.assign(this, NO_SELECTION);
  }

  // ---- life in the page ----

  mount(root) {
    if (this.root === root && this.host.parentNode === root) return;
    this.root = root;
    root.append(this.host);
    window.addEventListener("resize", this.onWindow);
    this.above = new ResizeObserver(() => requestAnimationFrame(this.onWindow));
    const block = root.host && root.host.closest('[data-testid="stVerticalBlock"], .stVerticalBlock');
    if (block) this.above.observe(block);
  }

  unmount(root) {
    if (this.root !== root) return; // already moved to a newer mount
    window.removeEventListener("resize", this.onWindow);
    if (this.above) this.above.disconnect();
    this.parts.hover.hidden = true;
    if (this.measure) this.measure.clear();
    this.host.remove();
    this.root = null;
  }

  async update(data) {
    this.data = data;
    this.setHeight();
    try {
      await loadLeaflet(data.assets);
    } catch (error) {
      console.error(error);
      this.parts.messages.replaceChildren(
        message(data.strings.map_failed, data.strings.retry, () => this.update(this.data)));
      return;
    }
    if (data !== this.data) return; // a later call takes over
    if (!this.map) this.create();
    this.apply(data);
  }

  create() {
    const { data } = this;
    this.host.prepend(el("style", {}, window.__planmapStyle));
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.map = L.map(this.canvas, {
      zoomControl: false, attributionControl: false, zoomSnap: 0.25, wheelPxPerZoomLevel: 90,
      minZoom: 4, maxZoom: 20, zoomAnimation: !still, fadeAnimation: !still, inertia: !still,
    });
    this.map.fitBounds(data.home, { animate: false });
    this.shared = data.share ? viewInAddress() : null;
    this.attribution = L.control.attribution({ prefix: false }).addTo(this.map);
    this.graticule = new Graticule(this.map, this.parts.degrees);
    this.stack = new LayerStack(this.map, this.hatchings, () => this.onLayers());
    this.labels = new Labels(this.map, this.stack);
    this.labels.obstacles = () => this.obstacles();
    this.measure = new Measure(this.map, this.parts.measure);
    this.map.createPane("planmap-selection").style.zIndex = 550;
    const renderer = L.svg({ pane: "planmap-selection", padding: 0.5 });
    this.outline = { renderer, pane: "planmap-selection", interactive: false };
    this.highlight = L.layerGroup().addTo(this.map);
    this.listen();
    this.graticule.draw();
  }

  listen() {
    this.canvas.addEventListener("pointerdown", (event) => {
      this.touched = event.pointerType === "touch";
    });
    this.map.on("click", (event) => this.onClick(event));
    this.map.on("mousemove", (event) => this.onMove(event));
    this.map.on("mouseout movestart zoomstart", () => this.hover(null));
    this.map.on("mouseout", () => this.read(null));
    this.map.on("moveend", () => {
      this.status();
      this.share();
    });
  }

  // ---- what Python says ----

  apply(data) {
    const { strings } = data;
    this.host.lang = data.lang;
    this.canvas.setAttribute("aria-label", strings.map);
    this.parts.facts.setAttribute("aria-label", strings.facts);
    this.parts.facts.setAttribute("role", "region");
    this.onResize();
    this.measure.configure(strings, data.projection, () => this.tools());
    this.tools();
    this.showTiles(data.tiles);
    this.labels.lang = data.lang;
    this.showLegend();
    this.parts.search.hidden = !data.search;
    this.search.configure(data, data.titles || {});
    this.select(data.selection);
    this.stack.show(data.layers);
    this.fit(data.fit);
    this.status();
    setTimeout(() => this.share(), 400); // after Python has written the rest of the address
  }

  // Keep the view in the page's address, so that a copied link opens it again.
  share() {
    if (this.data.share && this.placed && this.root) writeViewInAddress(this.map);
  }

  find(entry) {
    this.goTo(entry.bounds, { room: true });
    this.send("find", { layer: entry.layer, id: entry.id, lat: entry.at[0], lng: entry.at[1] });
  }

  showTiles(tiles) {
    const name = JSON.stringify([tiles, this.data.lang]);
    if (name === this.tilesShown) return;
    this.tilesShown = name;
    if (this.ground) this.ground.remove();
    this.tilesFailed = false;
    this.ground = tiles ? tileLayer(tiles, this.data.strings) : null;
    if (tiles) this.watchTiles().addTo(this.map);
    this.map.options.zoomSnap = tiles ? 1 : 0.25; // tiles are sharp at whole steps only
  }

  // Say once that the ground map does not come, and take it back when it does.
  watchTiles() {
    const tell = (failed) => () => {
      if (this.tilesFailed === failed) return;
      this.tilesFailed = failed;
      this.onLayers();
    };
    return this.ground.on("tileerror", tell(true)).on("tileload", tell(false));
  }

  fit(wish) {
    if (!wish || wish.nonce === this.fitted) return;
    this.fitted = wish.nonce;
    this.goTo(wish.bounds);
  }

  // `room` leaves place for the panel that is about to open.
  goTo(bounds, { animate = true, room = false } = {}) {
    const { facts: panel, tools } = this.parts;
    if (!this.placed) return;
    const informed = !panel.hidden || room;
    const side = informed && !this.narrow ? PANEL_PX : 0;
    const sheet = informed && this.narrow ? this.host.clientHeight * 0.45 : 0;
    this.map.fitBounds(bounds, {
      paddingTopLeft: [tools.offsetLeft + tools.offsetWidth + 8, 24],
      paddingBottomRight: [side + 24, sheet + 40],
      maxZoom: room ? 15 : 17, animate,
    });
  }

  // ---- events ----

  onLayers() {
    const entries = [...this.stack.entries.values()];
    const { strings } = this.data;
    const failed = entries.filter((entry) => entry.state === "failed");
    const loading = entries.filter((entry) => entry.state === "loading");
    const notes = failed.map((entry) => layerMessage(entry, strings, () => this.retry(entry)));
    if (this.tilesFailed) notes.push(message(strings.tiles_failed));
    clearTimeout(this.slow);
    this.parts.messages.replaceChildren(...notes);
    if (loading.length) {
      const names = loading.map((entry) => entry.layer.title).join(strings.list_comma);
      const note = message(fill(strings.loading, { layers: names }));
      this.slow = setTimeout(() => this.parts.messages.append(note), 400);
    }
    this.ready = !loading.length;
    this.drawHighlight();
    this.labels.later();
  }

  retry(entry) {
    this.stack.load(entry);
    this.onLayers();
  }

  onClick(event) {
    if (this.measure.active || event.originalEvent.detail > 1) return;
    this.read(event.latlng);
    this.hover(null);
    const hits = this.hitsAt(event);
    const place = { lat: event.latlng.lat, lng: event.latlng.lng, zoom: this.map.getZoom() };
    const named = hits.map(({ entry, feature }) => ({ layer: entry.layer.id, id: feature.id }));
    this.picked = named[0] ? { ...named[0], at: [place.lat, place.lng] } : null;
    if (!named.length) {
      if (!this.selection) return;
      this.select(null);
    }
    this.drawHighlight();
    this.send("click", { ...place, hits: named });
  }

  hitsAt(event) {
    return this.stack.hits(event.latlng, this.map.getZoom(), this.touched);
  }

  onMove(event) {
    this.read(event.latlng);
    if (this.moving) return;
    this.moving = requestAnimationFrame(() => {
      this.moving = 0;
      this.hover(this.measure.active || this.touched ? null : event);
    });
  }

  onKey(event) {
    if (event.key === "Escape" && this.measure.open) this.measure.clear();
    else if (event.key === "Escape" && this.selection) this.close();
    else if (event.key === "Enter" && this.measure.active) this.measure.finish();
    else return;
    event.stopPropagation();
  }

  onResize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!this.map || !width || !height) return;
    this.narrow = width < NARROW_PX;
    this.host.classList.toggle("narrow", this.narrow);
    const first = !this.placed;
    this.map.invalidateSize({ animate: false, debounceMoveend: true });
    if (first) {
      this.placed = true;
      this.legendOpen = !this.narrow;
      this.showLegend();
      if (this.shared) this.map.setView(this.shared.center, this.shared.zoom, { animate: false });
      else this.goTo(this.data.fit ? this.data.fit.bounds : this.data.home, { animate: false });
    }
  }

  close() {
    this.select(null);
    const { lat, lng } = this.map.getCenter();
    this.send("click", { lat, lng, zoom: this.map.getZoom(), hits: [] });
    this.canvas.focus({ preventScroll: true });
  }

  // ---- selection ----

  select(selection) {
    const { facts: panel } = this.parts;
    const name = JSON.stringify(selection);
    const { strings } = this.data;
    this.picked = null;
    this.selection = selection;
    this.labels.selected = selection;
    if (name !== this.selectionShown || this.data.lang !== this.langShown) {
      const scrolled = panel.querySelector(".body");
      const actions = { close: () => this.close(), pick: ({ layer, id }) => this.send("pick", { layer, id }) };
      panel.hidden = !selection;
      panel.replaceChildren(...(selection ? facts(selection, strings, actions) : []));
      this.host.classList.toggle("informed", Boolean(selection));
      if (scrolled) scrolled.scrollTop = 0;
      if (selection && name !== this.selectionShown) this.uncover(selection.at);
    }
    this.selectionShown = name;
    this.langShown = this.data.lang;
    this.drawHighlight();
    this.labels.later();
  }

  // Pan by as much as it takes for a place not to lie under the panel.
  uncover(at) {
    if (!at || !this.placed) return;
    const point = this.map.latLngToContainerPoint(at);
    const host = this.host.getBoundingClientRect();
    const panel = this.parts.facts.getBoundingClientRect();
    const left = panel.left - host.left - CLEAR_PX;
    const top = panel.top - host.top - CLEAR_PX;
    const size = this.map.getSize();
    if (point.x < 0 || point.y < 0 || point.x > size.x || point.y > size.y) return;
    const below = panel.bottom - host.top + CLEAR_PX;
    if (point.x <= left || point.y <= top || point.y >= below) return;
    this.map.panBy(this.narrow ? [0, point.y - top] : [point.x - left, 0], { duration: 0.2 });
  }

  drawHighlight() {
    const target = this.picked || this.selection;
    this.highlight.clearLayers();
    if (!target) return;
    const found = this.stack.find(target.layer, target.id);
    const shapes = found ? outlines(found, this.outline) : placeMark(target.at, this.outline);
    shapes.forEach((shape) => this.highlight.addLayer(shape));
  }

  // ---- small things over the map ----

  tools() {
    const actions = {
      zoomIn: () => this.map.zoomIn(),
      zoomOut: () => this.map.zoomOut(),
      home: () => this.goTo(this.data.home),
      measure: () => (this.measure.open ? this.measure.clear() : this.measure.start()),
    };
    this.parts.tools.replaceChildren(...toolbar(this.data.strings, actions, this.measure.open));
  }

  showLegend() {
    const { legend: groups, strings } = this.data;
    const toggle = () => {
      this.legendOpen = !this.legendOpen;
      this.showLegend();
      this.labels.later();
      this.parts.legend.querySelector("button").focus();
    };
    this.parts.legend.hidden = !groups.length;
    this.parts.legend.replaceChildren(...legend(groups, strings, this.legendOpen, toggle));
  }

  // The name of what lies under the pointer, beside it, and what it says of itself or its layer.
  hover(event) {
    const { hover } = this.parts;
    const [hit] = event ? this.hitsAt(event) : [];
    this.canvas.classList.toggle("over", Boolean(hit));
    hover.hidden = !hit;
    if (!hit) return;
    const name = nameOf(hit.entry.layer, hit.feature, this.data.lang);
    const kind = hit.feature.props.said || hit.entry.layer.title;
    hover.replaceChildren(...(name ? [el("b", {}, name)] : []), el("span", {}, kind));
    const { x, y } = event.containerPoint;
    const left = x + 14 + hover.offsetWidth > this.map.getSize().x;
    const top = y + 18 + hover.offsetHeight > this.map.getSize().y;
    hover.style.left = `${left ? x - 10 - hover.offsetWidth : x + 14}px`;
    hover.style.top = `${top ? y - 8 - hover.offsetHeight : y + 18}px`;
  }

  read(latlng) {
    this.pointer = latlng;
    const { projection, strings } = this.data;
    this.figures.replaceChildren(...(latlng ? readout(latlng, projection, strings) : []));
  }

  status() {
    if (!this.figures) {
      this.scale = el("div", { class: "scale" });
      this.figures = el("div", { class: "readout" });
      this.parts.status.replaceChildren(this.scale, this.figures);
    }
    this.scale.replaceChildren(...scaleBar(this.map));
    this.read(this.pointer);
  }

  // Boxes, in pixels of the map, that names keep out of.
  obstacles() {
    const host = this.canvas.getBoundingClientRect();
    const { tools, search, legend: key, facts: panel, status } = this.parts;
    return [tools, search, key, panel, status]
      .filter((part) => !part.hidden && part.offsetWidth)
      .map((part) => part.getBoundingClientRect())
      .map((b) => [b.left - host.left, b.top - host.top, b.right - host.left, b.bottom - host.top]);
  }

  // ---- height ----

  setHeight() {
    if (!this.data || !this.root) return;
    const wish = this.data.height;
    const height = wish === "fill" ? fillHeight(this.host) : wish;
    this.host.style.height = `${Math.round(height)}px`;
  }

  // ---- for tests ----

  counts() {
    const drawn = [...this.stack.entries].map(([id, entry]) => [id, entry.shapes.length]);
    return Object.fromEntries(drawn);
  }
}

// From the component's top to the bottom of the window, less what the page keeps free below.
function fillHeight(host) {
  const { scroller, kept } = surroundings(host);
  const root = scroller === document.scrollingElement;
  const top = host.getBoundingClientRect().top + scroller.scrollTop
    - (root ? 0 : scroller.getBoundingClientRect().top);
  const room = (root ? window.innerHeight : scroller.clientHeight) - top - kept - MARGIN_PX;
  const narrow = host.getBoundingClientRect().width < NARROW_PX;
  return Math.max(room, narrow ? window.innerHeight * 0.6 : MINIMUM_PX);
}

// The element that scrolls the page, and the paddings between the component's end and its own.
function surroundings(host) {
  let kept = 0;
  let element = host.getRootNode().host || host.parentElement;
  for (; element; element = element.parentElement) {
    const style = getComputedStyle(element);
    if (/auto|scroll/.test(style.overflowY)) break;
    kept += parseFloat(style.paddingBottom) || 0;
  }
  return { scroller: element || document.scrollingElement, kept };
}

function outlines({ entry, feature }, base) {
  const look = lookOfFeature(entry.layer, feature);
  const copies = (style) => shapesOf(feature, { ...base, fill: false, ...style });
  const radius = (look.radius || 4) + 4;
  return [
    ...copies({ color: "#ffffff", weight: 6, opacity: 0.9, radius }),
    ...copies({ color: "#1f2a30", weight: 2.5, radius }),
  ];
}

// Where the selected feature is not drawn, its place is still marked.
function placeMark(at, base) {
  if (!at) return [];
  const ring = (style) => L.circleMarker(at, { ...base, fill: false, radius: 9, ...style });
  return [ring({ color: "#ffffff", weight: 6 }), ring({ color: "#1f2a30", weight: 2.5 })];
}

// The view as `view=latitude,longitude,zoom` in the address; null where there is none.
function viewInAddress() {
  const text = new URLSearchParams(window.location.search).get("view") || "";
  const [lat, lng, zoom] = text.split(",").map(Number);
  const right = Math.abs(lat) <= 90 && Math.abs(lng) <= 360 && zoom >= 0 && zoom <= 24;
  return right ? { center: [lat, lng], zoom } : null;
}

function writeViewInAddress(map) {
  const { lat, lng } = map.getCenter();
  const view = `${lat.toFixed(5)},${lng.toFixed(5)},${map.getZoom()}`;
  const address = new URL(window.location.href);
  if (address.searchParams.get("view") === view) return;
  address.searchParams.set("view", view);
  window.history.replaceState(window.history.state, "", address);
}

// Leaflet is a classic script that sets window.L; its style sheet goes into the shadow root as
// text, because a link would leave the map unstyled until it has arrived.
function loadLeaflet(assets) {
  if (!window.__planmapLeaflet) {
    window.__planmapLeaflet = Promise.all([loadScript(assets.leaflet_js), loadText(assets.leaflet_css)])
      .then(([, style]) => {
        L.Icon.Default.imagePath = assets.images;
        window.__planmapStyle = style;
      })
      .catch((error) => {
        window.__planmapLeaflet = null; // so that the next call tries again
        throw error;
      });
  }
  return window.__planmapLeaflet;
}

function loadScript(url) {
  if (window.L && window.L.map) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const onerror = () => reject(new Error(`cannot load ${url}`));
    document.head.append(el("script", { src: url, onload: resolve, onerror }));
  });
}

async function loadText(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.text();
}
