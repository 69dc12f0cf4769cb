// Plane and geodetic geometry of the map: no page elements, no Leaflet.
//
// "World" coordinates are Web Mercator pixels at zoom 0 (0 to 256, y down): what the screen shows,
// divided by 2^zoom. Hits and labels are worked out there, so that they agree with the drawing.

const WORLD_SIZE = 256;
const ALONG = [0.5, 0.38, 0.62, 0.26, 0.74, 0.15, 0.85, 0.06, 0.94]; // shares of a line's length
const GRID_STEPS = 9;
const EQUATOR_RADIUS_M = 6378137;
const FLATTENING = 1 / 298.257223563;

const radians = (degrees) => (degrees * Math.PI) / 180;

function toWorld(lng, lat) {
  const sine = Math.sin(radians(Math.max(-85.05, Math.min(85.05, lat))));
  const y = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
  return [WORLD_SIZE * (lng / 360 + 0.5), WORLD_SIZE * y];
}

function fromWorld(x, y) {
  const n = Math.PI * (1 - (2 * y) / WORLD_SIZE);
  return { lng: (x / WORLD_SIZE - 0.5) * 360, lat: (Math.atan(Math.sinh(n)) * 180) / Math.PI };
}

// ---- features ----

// GeoJSON features as the map needs them: id, properties, kind, the coordinates as they came
// (one list per part), the same in world coordinates, and the bounding box of the latter.
function prepareFeatures(collection, key) {
  const features = [];
  (collection.features || []).forEach((feature, index) => {
    const geometry = feature.geometry;
    if (!geometry || !geometry.coordinates) return;
    const multi = geometry.type.startsWith("Multi");
    const kind = kindOf(geometry.type);
    if (!kind) return;
    const parts = multi ? geometry.coordinates : [geometry.coordinates];
    const props = feature.properties || {};
    const id = String(feature.id ?? props[key] ?? index);
    features.push(withWorld({ id, order: index, props, kind, parts }));
  });
  return features;
}

function kindOf(type) {
  return {
    Point: "point", MultiPoint: "point",
    LineString: "line", MultiLineString: "line",
    Polygon: "polygon", MultiPolygon: "polygon",
  }[type];
}

// World coordinates: per part a list of rings; a line has one, a point one of a single vertex.
function withWorld(feature) {
  const rings = { point: (p) => [[p]], line: (p) => [p], polygon: (p) => p }[feature.kind];
  feature.world = feature.parts.map((part) => rings(part).map(flatWorld));
  feature.box = boxOf(feature.world.flat());
  return feature;
}

function flatWorld(positions) {
  const flat = new Float64Array(positions.length * 2);
  positions.forEach(([lng, lat], i) => flat.set(toWorld(lng, lat), i * 2));
  return flat;
}

function boxOf(rings) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      box[0] = Math.min(box[0], ring[i]);
      box[1] = Math.min(box[1], ring[i + 1]);
      box[2] = Math.max(box[2], ring[i]);
      box[3] = Math.max(box[3], ring[i + 1]);
    }
  }
  return box;
}

// Area of a feature's bounding box.
function extent({ box: [x0, y0, x1, y1] }) {
  return (x1 - x0) * (y1 - y0);
}

const boxesMeet = (a, b) => a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
const boxesShared = (a, b) =>
  [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
const boxInside = (a, b) => a[0] >= b[0] && a[1] >= b[1] && a[2] <= b[2] && a[3] <= b[3];

// ---- hits ----

// Squared distance from a feature to a place, 0 inside a polygon; Infinity beyond the reach.
function squaredDistance(feature, x, y, reach) {
  if (!boxesMeet(feature.box, [x - reach, y - reach, x + reach, y + reach])) return Infinity;
  if (feature.kind === "polygon") return inPolygon(feature.world, x, y) ? 0 : Infinity;
  let best = Infinity;
  for (const [ring] of feature.world) best = Math.min(best, squaredToPath(ring, x, y));
  return best <= reach * reach ? best : Infinity;
}

function inPolygon(parts, x, y) {
  return parts.some((rings) => rings.reduce((inside, ring) => inside !== inRing(ring, x, y), false));
}

function inRing(ring, x, y) {
  let inside = false;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const crosses = ring[i + 1] > y !== ring[j + 1] > y;
    if (crosses && x < ((ring[j] - ring[i]) * (y - ring[i + 1])) / (ring[j + 1] - ring[i + 1]) + ring[i]) {
      inside = !inside;
    }
  }
  return inside;
}

function squaredToPath(path, x, y) {
  if (path.length === 2) return (path[0] - x) ** 2 + (path[1] - y) ** 2;
  let best = Infinity;
  for (let i = 2; i < path.length; i += 2) {
    best = Math.min(best, squaredToSegment(x, y, path[i - 2], path[i - 1], path[i], path[i + 1]));
  }
  return best;
}

function squaredToSegment(x, y, ax, ay, bx, by) {
  const dx = bx - ax;
  const dy = by - ay;
  const length = dx * dx + dy * dy;
  const t = length ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  return (ax + t * dx - x) ** 2 + (ay + t * dy - y) ** 2;
}

// ---- where a label goes ----

// The place of a feature's label within a view box: null where nothing of it is in view.
// Places for a feature's name, the best first.
function labelPlaces(feature, view) {
  if (feature.kind === "point") return [[feature.world[0][0][0], feature.world[0][0][1]]];
  return feature.kind === "line" ? placesOnLine(feature, view) : placesInPolygon(feature, view);
}

// A polygon's innermost point, then points of a grid over what the view shows of it.
function placesInPolygon(feature, view) {
  const best = insideOfPolygon(feature, view);
  if (!best) return [];
  const [x0, y0, x1, y1] = boxesShared(feature.box, view);
  const grid = [];
  for (let i = 1; i < GRID_STEPS; i++) {
    for (let j = 1; j < GRID_STEPS; j++) {
      const at = [x0 + ((x1 - x0) * i) / GRID_STEPS, y0 + ((y1 - y0) * j) / GRID_STEPS];
      if (inPolygon(feature.world, ...at)) grid.push(at);
    }
  }
  const away = (at) => Math.hypot(at[0] - best[0], at[1] - best[1]);
  return [best, ...grid.sort((a, b) => away(a) - away(b))];
}

// A polygon's place: the innermost point of its largest part, or of what the view shows of it.
function insideOfPolygon(feature, view) {
  const parts = feature.world.filter((rings) => boxesMeet(boxOf([rings[0]]), view));
  if (!parts.length) return null;
  const largest = parts.reduce((a, b) => (ringArea(a[0]) >= ringArea(b[0]) ? a : b));
  if (boxInside(boxOf([largest[0]]), view)) {
    feature.inside = feature.inside || new Map();
    if (!feature.inside.has(largest)) feature.inside.set(largest, innermostPoint(largest));
    return feature.inside.get(largest);
  }
  const clipped = largest.map((ring) => clipRing(ring, view)).filter((ring) => ring.length >= 6);
  return clipped.length ? innermostPoint(clipped) : null;
}

function ringArea(ring) {
  let twice = 0;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    twice += ring[j] * ring[i + 1] - ring[i] * ring[j + 1];
  }
  return Math.abs(twice) / 2;
}

// Sutherland and Hodgman: a ring cut by a box.
function clipRing(ring, box) {
  let flat = Array.from(ring);
  for (const [axis, limit, sign] of [[0, box[0], 1], [1, box[1], 1], [0, box[2], -1], [1, box[3], -1]]) {
    const kept = [];
    for (let i = 0, j = flat.length - 2; i < flat.length; j = i, i += 2) {
      const here = sign * (flat[i + axis] - limit);
      const before = sign * (flat[j + axis] - limit);
      if (here >= 0 !== before >= 0) {
        const t = before / (before - here);
        kept.push(flat[j] + t * (flat[i] - flat[j]), flat[j + 1] + t * (flat[i + 1] - flat[j + 1]));
      }
      if (here >= 0) kept.push(flat[i], flat[i + 1]);
    }
    flat = kept;
  }
  return flat;
}

// Pole of inaccessibility by quartering cells (Garcia-Castellanos and Lombardo 2007; the search
// is that of polylabel), to a fiftieth of the shorter side; null for a ring without a width.
function innermostPoint(rings) {
  const [x0, y0, x1, y1] = boxOf([rings[0]]);
  const size = Math.min(x1 - x0, y1 - y0);
  if (!(size > 0)) return null;
  const cell = (x, y, half) => {
    const depth = depthIn(rings, x, y);
    return { x, y, half, depth, most: depth + half * Math.SQRT2 };
  };
  const queue = [];
  const steps = Math.min(12, Math.ceil((x1 - x0) / size));
  const rows = Math.min(12, Math.ceil((y1 - y0) / size));
  const half = Math.max((x1 - x0) / steps, (y1 - y0) / rows) / 2;
  for (let i = 0; i < steps; i++) {
    for (let j = 0; j < rows; j++) {
      queue.push(cell(x0 + ((i + 0.5) * (x1 - x0)) / steps, y0 + ((j + 0.5) * (y1 - y0)) / rows, half));
    }
  }
  let best = queue[0];
  while (queue.length) {
    let top = 0;
    for (let i = 1; i < queue.length; i++) if (queue[i].most > queue[top].most) top = i;
    const [next] = queue.splice(top, 1);
    if (next.depth > best.depth) best = next;
    if (next.most - best.depth <= size / 50) continue;
    const h = next.half / 2;
    for (const [sx, sy] of [[-1, -1], [1, -1], [-1, 1], [1, 1]]) {
      queue.push(cell(next.x + sx * h, next.y + sy * h, h));
    }
  }
  return best.depth > 0 ? [best.x, best.y] : null;
}

// Distance to the nearest edge, negative outside.
function depthIn(rings, x, y) {
  let nearest = Infinity;
  let inside = false;
  for (const ring of rings) {
    if (inRing(ring, x, y)) inside = !inside;
    nearest = Math.min(nearest, squaredToPath(ring, x, y));
  }
  return (inside ? 1 : -1) * Math.sqrt(nearest);
}

// Places along the stretches of a line inside the view, the middle of the longest first.
function placesOnLine(feature, view) {
  const runs = feature.world.flatMap(([path]) => runsInView(path, view));
  runs.sort((a, b) => b.length - a.length);
  return runs.slice(0, 3).filter((run) => run.length > 0)
    .flatMap((run) => ALONG.map((share) => alongPath(run.points, run.length * share)));
}

function runsInView(path, view) {
  const runs = [];
  let run = null;
  for (let i = 2; i < path.length; i += 2) {
    const piece = clipSegment([path[i - 2], path[i - 1]], [path[i], path[i + 1]], view);
    if (!piece) {
      run = null;
      continue;
    }
    const last = run && run.points[run.points.length - 1];
    if (!last || last[0] !== piece[0][0] || last[1] !== piece[0][1]) {
      run = { points: [piece[0]], length: 0 };
      runs.push(run);
    }
    run.points.push(piece[1]);
    run.length += Math.hypot(piece[1][0] - piece[0][0], piece[1][1] - piece[0][1]);
  }
  return runs;
}

// Liang and Barsky: the piece of a segment inside a box, or null.
function clipSegment(a, b, box) {
  let from = 0;
  let to = 1;
  const d = [b[0] - a[0], b[1] - a[1]];
  for (const [axis, limit, sign] of [[0, box[0], 1], [1, box[1], 1], [0, box[2], -1], [1, box[3], -1]]) {
    const slope = sign * d[axis];
    const gap = sign * (limit - a[axis]);
    if (slope === 0 && gap > 0) return null;
    if (slope > 0) from = Math.max(from, gap / slope);
    if (slope < 0) to = Math.min(to, gap / slope);
  }
  if (from >= to) return null;
  const at = (t) => (t === 0 ? a : t === 1 ? b : [a[0] + t * d[0], a[1] + t * d[1]]);
  return [at(from), at(to)];
}

function alongPath(points, distance) {
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    if (distance <= length) {
      const t = length ? distance / length : 0;
      return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
    }
    distance -= length;
  }
  return points[points.length - 1];
}

// ---- the metric CRS ----

// Easting and northing of a place, or null outside the bounds in which the polynomial holds.
function toMetric(projection, lng, lat) {
  if (!projection) return null;
  const [[south, west], [north, east]] = projection.bounds;
  if (lng < west || lng > east || lat < south || lat > north) return null;
  const u = (lng - projection.lon0) / projection.lon_scale;
  const v = (lat - projection.lat0) / projection.lat_scale;
  let [x, y, at] = [0, 0, 0];
  for (let i = 0, ui = 1; i <= projection.degree; i++, ui *= u) {
    for (let j = 0, vj = 1; j <= projection.degree - i; j++, vj *= v, at++) {
      x += projection.east[at] * ui * vj;
      y += projection.north[at] * ui * vj;
    }
  }
  return [x, y];
}

// Length of a path and area of the ring it closes, in metres: in the metric CRS where it holds
// for every vertex, on the ellipsoid elsewhere. The area is null where the ring crosses itself.
function measurePath(places, projection) {
  const metric = places.map((p) => toMetric(projection, p.lng, p.lat));
  const plane = metric.every(Boolean);
  const step = plane
    ? (i, j) => Math.hypot(metric[i][0] - metric[j][0], metric[i][1] - metric[j][1])
    : (i, j) => geodesicLength(places[i], places[j]);
  let length = 0;
  for (let i = 1; i < places.length; i++) length += step(i - 1, i);
  const ring = places.map((p, i) => metric[i] || [p.lng, p.lat]);
  const crossing = crossesItself(plane ? ring : places.map((p) => [p.lng, p.lat]));
  const area = plane ? ringArea(ring.flat()) : geodesicArea(places);
  return { length_m: length, area_m2: crossing ? null : area, plane };
}

function crossesItself(ring) {
  const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
  const n = ring.length;
  for (let i = 0; i < n; i++) {
    for (let j = i + 2; j < n; j++) {
      if (i === 0 && j === n - 1) continue;
      const [a, b, c, d] = [ring[i], ring[i + 1], ring[j], ring[(j + 1) % n]];
      if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0) return true;
    }
  }
  return false;
}

// Andoyer and Lambert: the great circle with the first term of the flattening; within 2 m in
// 1 000 km, 2 cm in 10 km.
function geodesicLength(a, b) {
  const reduced = (lat) => Math.atan((1 - FLATTENING) * Math.tan(radians(lat)));
  const [p, q] = [(reduced(a.lat) + reduced(b.lat)) / 2, (reduced(b.lat) - reduced(a.lat)) / 2];
  const l = radians(b.lng - a.lng) / 2;
  const h = Math.sin(q) ** 2 + Math.cos(reduced(a.lat)) * Math.cos(reduced(b.lat)) * Math.sin(l) ** 2;
  if (h === 0) return 0;
  const angle = 2 * Math.asin(Math.min(1, Math.sqrt(h)));
  const x = ((angle - Math.sin(angle)) * Math.sin(p) ** 2 * Math.cos(q) ** 2) / Math.cos(angle / 2) ** 2;
  const y = ((angle + Math.sin(angle)) * Math.cos(p) ** 2 * Math.sin(q) ** 2) / Math.sin(angle / 2) ** 2;
  return EQUATOR_RADIUS_M * (angle - (FLATTENING / 2) * (x + y));
}

// Area between meridians and the ring's edges on the sphere of equal area.
function geodesicArea(places) {
  const e = Math.sqrt(FLATTENING * (2 - FLATTENING));
  const q = (s) => (1 - e * e) * (s / (1 - e * e * s * s) + Math.atanh(e * s) / e);
  const height = places.map((p) => q(Math.sin(radians(p.lat))));
  let sum = 0;
  places.forEach((place, i) => {
    const j = (i + 1) % places.length;
    sum += radians(places[j].lng - place.lng) * (height[i] + height[j]);
  });
  return Math.abs((sum * EQUATOR_RADIUS_M ** 2) / 4);
}

// ---- GCJ-02 ----

// The shifted datum of Chinese web maps, by the formula in general use; inside China only.
function toGcj02(lng, lat) {
  const [x, y] = [lng - 105, lat - 35];
  const waves = (value, ...terms) =>
    terms.reduce((sum, [size, number]) => sum + (size * Math.sin(number * Math.PI * value) * 2) / 3, 0);
  const root = Math.sqrt(Math.abs(x));
  const shared = waves(x, [20, 6], [20, 2]);
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + shared
    + waves(x, [20, 1], [40, 1 / 3], [150, 1 / 12], [300, 1 / 30]);
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + shared
    + waves(y, [20, 1], [40, 1 / 3], [160, 1 / 12], [320, 1 / 30]);
  const [axis, square] = [6378245, 0.00669342162296594323]; // Krasovsky 1940
  const w = 1 - square * Math.sin(radians(lat)) ** 2;
  const meridian = (axis * (1 - square)) / (w * Math.sqrt(w));
  const parallel = (axis / Math.sqrt(w)) * Math.cos(radians(lat));
  return [lng + (east / parallel) * (180 / Math.PI), lat + (north / meridian) * (180 / Math.PI)];
}

// ---- numbers ----

// The largest of 1, 2, 5 times a power of ten that is not above the limit.
function roundBelow(limit) {
  const power = 10 ** Math.floor(Math.log10(limit));
  return [5, 2, 1].find((n) => n * power <= limit * (1 + 1e-9)) * power;
}
