// Faults, limits and tokens.
import { get, post, put, remove } from "./api.js";
import { describeFault } from "./calls.js";
import { byId, element, updateList } from "./dom.js";
import { stringify } from "./exact_json.js";
import { action, ask } from "./feedback.js";
import { plural } from "./format.js";

let presets = [];
const edited = new Set();

export async function setUp() {
  const [response, { operations }] = await Promise.all([fetch("fault_presets.json"), get("operations")]);
  presets = await response.json();
  for (const id of ["fault-operation", "declined"]) {
    byId(id).append(...operations.map(({ name }) => element("option", { value: name }, name)));
  }
  byId("fault-kind").append(...presets.map(({ name }, index) => element("option", { value: index }, name)));
  // Live updates must not overwrite what the user is typing.
  for (const id of ["limit-form", "token-form"]) byId(id).addEventListener("input", () => edited.add(id));
  setUpFaults();
  setUpLimits();
  setUpTokens();
  byId("reset").addEventListener("click", action(reset));
}

function setUpFaults() {
  byId("fault-kind").addEventListener("change", () => {
    byId("fault-times").value = selectedPreset().read_shows_after;
    showHint();
  });
  byId("fault-times").addEventListener("input", showHint);
  byId("fault-kind").dispatchEvent(new Event("change"));
  byId("fault-form").addEventListener(
    "submit",
    action(async () => {
      const times = Number(byId("fault-times").value);
      const operation = byId("fault-operation").value;
      await post("faults", { operation, times, fault: selectedPreset().fault });
      return `${plural(times, "fault")} queued for ${operation === "*" ? "any operation" : operation}.`;
    }),
  );
  byId("clear-faults").addEventListener(
    "click",
    action(async () => {
      await remove("faults");
      return "No faults are queued.";
    }),
  );
}

const selectedPreset = () => presets[Number(byId("fault-kind").value)];

// The services retry calls, and so hide a fault that is rare. The hint says when a caller of gRPC sees it.
function showHint() {
  const preset = selectedPreset();
  const times = Number(byId("fault-times").value);
  const isHidden = times < preset.read_shows_after;
  const hidden = isHidden ? `${plural(times, "fault")} will be hidden by the service's retries: ` : "";
  byId("fault-hint").textContent = `${preset.effect} ${hidden}${describeRetries(preset)}`;
  byId("fault-hint").classList.toggle("warning", isHidden);
}

function describeRetries({ read_shows_after: read, write_shows_after: write }) {
  if (read === 1) return "1 shows with grpcurl: it is not retried.";
  if (write === read) return `${read} show with grpcurl: services try each call ${read} times.`;
  return `${read} show with grpcurl: services try reads and syncs ${read} times. Of other writes, 1 shows.`;
}

function setUpLimits() {
  byId("limit-form").addEventListener(
    "submit",
    action(async () => {
      const declined = byId("declined").value;
      await put("limits", {
        app: readRateLimit("app"),
        api: readRateLimit("api"),
        usage_left: readNumber("usage-left"),
        declined: declined ? [declined] : [],
      });
      edited.delete("limit-form");
      return "The limits apply.";
    }),
  );
  byId("clear-limits").addEventListener(
    "click",
    action(async () => {
      edited.delete("limit-form");
      await put("limits", {});
      return "All limits are off.";
    }),
  );
}

const readNumber = (id) => (byId(id).value === "" ? null : Number(byId(id).value));

function readRateLimit(scope) {
  const calls = readNumber(`${scope}-calls`);
  return calls === null ? null : { calls, window_s: Number(byId(`${scope}-window`).value) };
}

function setUpTokens() {
  byId("token-form").addEventListener(
    "submit",
    action(async () => {
      await put("tokens", {
        expires_in: Number(byId("expires-in").value),
        refresh_token: byId("refresh-mode").value,
      });
      edited.delete("token-form");
      return "New tokens are issued in this way.";
    }),
  );
  byId("revoke-tokens").addEventListener(
    "click",
    action(async () => {
      await put("tokens", { revoke_access_tokens: true });
      return "All access tokens are revoked. A service with a fixed token fails until a reset.";
    }),
  );
  byId("issue-code").addEventListener(
    "click",
    action(async () => {
      const { code } = await post("codes", {});
      byId("code").textContent = `Authorization code, valid once and for two minutes: ${code}`;
    }),
  );
}

async function reset() {
  const answer = await ask("Reset the sandbox?", "Reset", [], {
    hint: "Orders, messages, calls, faults, limits and tokens return to their initial state.",
    danger: true,
  });
  if (!answer) return "";
  edited.clear();
  const { settings } = await get("push");
  await post("reset");
  await put("push", { callback_url: settings.callback_url });
  return "The sandbox is in its initial state.";
}

export function showState({ faults, limits, tokens }) {
  const queued = Object.entries(faults).flatMap(([operation, queue]) => groupFaults(operation, queue));
  updateList(byId("fault-list"), queued, ({ key }) => key, renderFaults);
  byId("limit-state").textContent = describeLimits(limits);
  byId("token-state").textContent =
    `${plural(tokens.valid, "access token")} valid, ${tokens.issued} issued since the start.`;
  if (!edited.has("limit-form")) fillLimits(limits);
  if (!edited.has("token-form")) {
    byId("expires-in").value = tokens.expires_in;
    byId("refresh-mode").value = tokens.refresh_token;
  }
}

function fillLimits(limits) {
  for (const scope of ["app", "api"]) {
    byId(`${scope}-calls`).value = limits[scope]?.calls ?? "";
    byId(`${scope}-window`).value = limits[scope]?.window_s ?? 1;
  }
  byId("usage-left").value = limits.usage_left ?? "";
  byId("declined").value = limits.declined[0] ?? "";
}

// Equal faults that follow each other are one line.
function groupFaults(operation, queue) {
  const groups = [];
  for (const fault of queue) {
    const last = groups.at(-1);
    if (last && stringify(last.fault) === stringify(fault)) last.count += 1;
    else groups.push({ key: `${operation} ${groups.length}`, operation, fault, count: 1 });
  }
  return groups;
}

function renderFaults({ operation, fault, count }) {
  return element(
    "li",
    {},
    element("strong", {}, `${count} × `),
    describeFault(fault),
    " in ",
    operation === "*" ? "any operation" : element("code", {}, operation),
  );
}

function describeLimits({ app, api, usage_left: left, declined }) {
  const active = [
    app && `the app has ${app.calls} calls in ${app.window_s} s`,
    api && `each operation has ${api.calls} calls in ${api.window_s} s`,
    left !== null && `${plural(left, "call")} left of the quota`,
    declined.length > 0 && `declined: ${declined.join(", ")}`,
  ].filter(Boolean);
  return active.length ? `Now: ${active.join("; ")}.` : "Now: no limits.";
}

export const countActive = ({ faults, limits }) =>
  Object.values(faults).flat().length +
  [limits.app, limits.api].filter(Boolean).length +
  (limits.usage_left === null ? 0 : 1) +
  limits.declined.length;
