// Builds and updates elements. Text from calls is foreign: it only ever becomes text nodes, never markup.
import { stringify } from "./exact_json.js";

/** @type {(id: string) => any} */
export const byId = (id) => document.getElementById(id);

// element("button", {class: "primary", onclick: pay}, "Pay"): attributes, listeners, and children or text.
// Attributes that are null, undefined or false are left out; true is the empty attribute.
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(key, value === true ? "" : value);
    }
  }
  node.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

// Shows the items in a list: keeps the elements of items that have not changed, so that focus, selection and
// open details survive live updates. An empty list has no size, so the paragraph after it is shown (CSS).
export function updateList(list, items, keyOf, render) {
  const previous = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const nodes = items.map((item) => {
    const key = `${keyOf(item)}`;
    const version = stringify(item);
    const old = previous.get(key);
    if (old?.version === version) return old;
    const node = render(item);
    node.dataset.key = key;
    node.version = version;
    if (!old && previous.size) node.classList.add("new");
    return node;
  });
  const focused = /** @type {HTMLElement} */ (document.activeElement);
  const focusedItem = [...list.children].find((node) => node.contains(focused));
  nodes.forEach((node) => keepOpen(previous.get(node.dataset.key), node));
  const kept = new Set(nodes);
  [...list.children].filter((node) => !kept.has(node)).forEach((node) => node.remove());
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  if (focusedItem && !focused.isConnected) restoreFocus(list, focusedItem.dataset.key, focused.dataset.name);
}

function keepOpen(old, node) {
  if (!old || old === node) return;
  for (const details of old.querySelectorAll("details[open]")) {
    const same = node.querySelector(`details[data-name="${CSS.escape(details.dataset.name)}"]`);
    if (same) same.open = true;
  }
}

// After an update has replaced the focused element: focus its successor, or the next button of the same item.
function restoreFocus(list, key, name) {
  const item = [...list.children].find((node) => node.dataset.key === key);
  const successor =
    item?.querySelector(`[data-name="${CSS.escape(name ?? "")}"]`) ?? item?.querySelector("button, summary");
  (successor ?? list.closest("section").querySelector("h2"))?.focus({ preventScroll: true });
}
