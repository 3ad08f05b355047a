// Shows one view at a time, and keeps it up to date: a request waits at the sandbox until something changes.
import { get } from "./api.js";
import * as calls from "./calls.js";
import * as controls from "./controls.js";
import { byId } from "./dom.js";
import { isSupported } from "./exact_json.js";
import * as messages from "./messages.js";
import * as offers from "./offers.js";
import * as orders from "./orders.js";
import * as shipments from "./shipments.js";

/** @type {Record<string, { setUp?: () => unknown, refresh?: () => Promise<unknown> }>} */
const VIEWS = { offers, orders, shipments, messages, controls, calls };
const DEFAULT_VIEW = "orders";
const MIN_REFRESH_INTERVAL_MS = 200;
const RECONNECT_INTERVAL_MS = 1000;

const currentView = () =>
  Object.hasOwn(VIEWS, location.hash.slice(1)) ? location.hash.slice(1) : DEFAULT_VIEW;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function showView() {
  const view = currentView();
  document.body.dataset.view = view;
  for (const name of Object.keys(VIEWS)) {
    // Beside another view, wide windows show the calls too: see style.css.
    if (name !== "calls") byId(name).hidden = name !== view;
    const link = document.querySelector(`nav a[href="#${name}"]`);
    if (name === view) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
  document.title = `${byId(`${view}-title`).textContent} – Sandbox of 1688`;
}

async function refresh() {
  const view = currentView();
  const [state, push] = await Promise.all([
    get("state"),
    get("push"),
    calls.refresh(),
    shipments.refresh(),
    ["calls", "shipments", "controls"].includes(view) ? null : VIEWS[view].refresh(),
  ]);
  controls.showState(state);
  byId("order-count").textContent = state.orders || "";
  byId("call-count").textContent = state.calls || "";
  byId("control-count").textContent = controls.countActive(state) || "";
  byId("message-count").textContent = push.failed ? `${push.failed} failed` : state.messages || "";
}

function showConnection(text, tone) {
  byId("connection").textContent = text;
  byId("connection").className = `connection ${tone}`;
}

const focusTitle = () => byId(`${currentView()}-title`).focus();

async function onViewChange() {
  showView();
  focusTitle();
  await refresh().catch(() => showConnection("not connected", "lost"));
}

// A hidden tab does not ask for changes.
function untilVisible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

async function follow() {
  let seen = 0;
  for (;;) {
    await untilVisible();
    try {
      const { revision } = await get(`changes?seen=${seen}`);
      if (revision !== seen) await refresh();
      seen = revision;
      showConnection("live", "live");
      await pause(MIN_REFRESH_INTERVAL_MS);
    } catch {
      showConnection("not connected", "lost");
      await pause(RECONNECT_INTERVAL_MS);
    }
  }
}

async function start() {
  if (!isSupported) {
    byId("error").textContent = "This browser would round ids. The page needs a browser of 2025 or later.";
    return;
  }
  showView();
  for (const view of Object.values(VIEWS)) await view.setUp?.();
  window.addEventListener("hashchange", onViewChange);
  // Its target in the HTML would be taken for a view.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    focusTitle();
  });
  await follow();
}

start();
