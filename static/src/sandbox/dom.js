// Building and patching elements. A screen is drawn anew as a tree and the page is changed to
// match it, so that scrolling, focus and half-typed text survive every update.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `key` keeps identity over redraws, `act` and `arg` name what a tap does. */
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "key" || name === "act") node.dataset[name] = value;
    else if (name === "arg") node.dataset.arg = JSON.stringify(value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === "") continue;
    node.append(child);
  }
}

/** A 24-unit line drawing. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

const PATHS = {
  back: "M15 4l-8 8 8 8",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  search: "M11 4a7 7 0 100 14 7 7 0 000-14zM20 20l-4-4",
  scan: "M4 8V5a1 1 0 011-1h3M16 4h3a1 1 0 011 1v3M20 16v3a1 1 0 01-1 1h-3M8 20H5a1 1 0 01-1-1v-3M4 12h16",
  chat: "M12 4c-5 0-9 3.2-9 7.2 0 2.3 1.3 4.3 3.4 5.6L5.8 20l3.6-1.9c.8.2 1.7.3 2.6.3 5 0 9-3.2 9-7.2S17 4 12 4z",
  people: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.5a3.2 3.2 0 010 6.2M18 14.4c2.1.8 3.5 2.7 3.5 5.6",
  person: "M12 11.5a4 4 0 100-8 4 4 0 000 8zM4 20.5c0-4 3.6-6.5 8-6.5s8 2.5 8 6.5",
  grid: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
  compass: "M12 3a9 9 0 100 18 9 9 0 000-18zM15.5 8.5l-2 5-5 2 2-5z",
  link: "M10 14a4 4 0 005.7 0l3-3a4 4 0 00-5.7-5.7l-1 1M14 10a4 4 0 00-5.7 0l-3 3A4 4 0 0011 18.700l1-1",
  forward: "M13 5l7 7-7 7v-4c-5 0-8 1.500-10 5 .5-6 4-10 10-11z",
  send: "M4 12l16-8-5 16-3-7z",
  menu: "M5 7h14M5 12h14M5 17h14",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M7 14h10",
  refresh: "M20 6v5h-5M19 11a7.500 7.500 0 10.5 4",
  card: "M3 6h18v13H3zM3 10h18M7 15h4",
  list: "M9 6h11M9 12h11M9 18h11M4.500 6h.01M4.500 12h.01M4.500 18h.01",
  megaphone: "M4 10v4h3l8 4V6l-8 4zM18.500 9.500c1 1.500 1 3.500 0 5",
  qr: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 18h2v2h-2zM18 14h2M14 18v2",
  out: "M5 12h14M13 6l6 6-6 6",
  in: "M19 12H5M11 6l-6 6 6 6",
  down: "M6 9l6 6 6-6",
  check: "M5 12.500l4.500 4.500L19 7.500",
  bolt: "M13 3L5 14h6l-1 7 8-11h-6z",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  side: "M4 5h16v14H4zM14 5v14",
  heart: "M12 20s-7.500-4.600-7.500-10A4.300 4.300 0 0112 7.300 4.300 4.300 0 0119.500 10c0 5.400-7.500 10-7.500 10z",
};

/** Make `parent` hold what `nodes` show, keeping what is the same. */
export function show(parent, ...nodes) {
  const wanted = document.createElement("div");
  append(wanted, nodes);
  patchChildren(parent, wanted);
}

function patch(from, to) {
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  for (const { name, value } of [...to.attributes]) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  patchChildren(from, to);
}

function patchChildren(from, to) {
  const keyed = new Map();
  for (const child of from.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let cursor = from.firstChild;
  for (const next of [...to.childNodes]) {
    const key = next.dataset?.key;
    let match = key ? keyed.get(key) : undefined;
    if (match && match.tagName !== next.tagName) match = undefined;
    if (!key && cursor && alike(cursor, next)) match = cursor;
    if (!match) {
      from.insertBefore(next, cursor);
      continue;
    }
    if (match === cursor) cursor = cursor.nextSibling;
    else from.insertBefore(match, cursor);
    patch(match, next);
  }
  while (cursor) {
    const dead = cursor;
    cursor = cursor.nextSibling;
    dead.remove();
  }
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && !a.dataset?.key;
}
