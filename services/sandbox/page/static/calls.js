// The call log, live: each call with its parameters, its signature, its fault and its outcome.
import { get, remove } from "./api.js";
import { byId, element, updateList } from "./dom.js";
import { stringify } from "./exact_json.js";
import { action } from "./feedback.js";
import { clockTime } from "./format.js";

const MAX_CALLS = 100;
const MAX_SUMMARY_CHARACTERS = 160;
const MAX_SHOWN_CHARACTERS = 4000;
const SYSTEM_PARAMETERS = ["access_token", "_aop_signature", "_aop_timestamp"];
let calls = [];

export function setUp() {
  byId("call-filter").addEventListener("submit", (event) => event.preventDefault());
  byId("call-text").addEventListener("input", show);
  byId("only-problems").addEventListener("change", show);
  byId("clear-calls").addEventListener(
    "click",
    action(() => remove("calls")),
  );
}

export async function refresh() {
  const result = await get(`calls?limit=${MAX_CALLS}&max_characters=${MAX_SUMMARY_CHARACTERS}`);
  calls = result.calls.reverse();
  show();
}

function show() {
  const text = byId("call-text").value.toLowerCase();
  const shown = calls.filter(
    (call) =>
      (!byId("only-problems").checked || isProblem(call)) && stringify(call).toLowerCase().includes(text),
  );
  // The time tells the calls before and after a reset apart.
  updateList(byId("call-list"), shown, (call) => `${call.sequence} ${call.time}`, renderCall);
}

const isProblem = ({ outcome, fault }) =>
  fault !== null || !["responded", "in_flight"].includes(outcome.kind);

function renderCall(call) {
  const content = element("div", {});
  return element(
    "li",
    {},
    element(
      "details",
      {
        "data-name": "call",
        ontoggle: action(async ({ target }) => {
          if (target.open) content.replaceChildren(...renderDetails(await get(`calls/${call.sequence}`)));
        }),
      },
      element(
        "summary",
        { "data-name": "call" },
        element("span", { class: "time" }, clockTime(call.time)),
        element("span", { class: "what" }, element("code", {}, nameOf(call))),
        renderOutcome(call),
        call.fault && element("span", { class: "pill fault" }, `fault: ${describeFault(call.fault)}`),
        element("span", { class: "muted" }, call.dialect ?? ""),
        element("span", { class: "muted excerpt" }, describeParameters(call)),
      ),
      content,
    ),
  );
}

const nameOf = ({ api, path }) => api.match(/^[^:]*:(.+)-[^-]*$/)?.[1] ?? path;

function renderOutcome({ outcome: { kind, status, code } }) {
  const tone = { responded: "good", in_flight: "wait" }[kind] ?? "bad";
  // The fault is shown beside it.
  const word = { responded: "OK", fault: "" }[kind] ?? kind.replaceAll("_", " ");
  const text = [status, word, code].filter(Boolean).join(" ");
  return element("span", { class: `pill ${tone}` }, text);
}

function describeParameters({ parameters }) {
  return Object.entries(parameters)
    .filter(([name]) => !SYSTEM_PARAMETERS.includes(name))
    .map(([name, value]) => `${name}=${value}`)
    .join("  ");
}

export function describeFault(fault) {
  return Object.entries(fault)
    .map(([name, value]) =>
      value === true ? name : `${name} ${typeof value === "object" ? stringify(value) : value}`,
    )
    .join(", ");
}

function renderDetails(call) {
  const parameters = Object.entries(call.parameters);
  return [
    element(
      "dl",
      {},
      describe("Request", `${call.method} ${call.path}`),
      describe("Outcome", outcomeText(call), "prose"),
      call.fault && describe("Fault", stringify(call.fault)),
      describe("Signature", signatureText(call), call.signature_valid ? "prose" : "prose problem"),
      call.expected_signature && describe("Sent", call.parameters._aop_signature),
      call.expected_signature && describe("Expected", call.expected_signature),
      describe(
        "String to sign",
        call.string_to_sign === null ? "hidden: it contains a secret" : cut(call.string_to_sign),
      ),
    ),
    element(
      "table",
      {},
      element("caption", {}, "Parameters as sent, decoded"),
      element(
        "tbody",
        {},
        parameters.map(([name, value]) =>
          element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, cut(value))),
        ),
      ),
    ),
    ...Object.entries(call.files).map(([name, file]) =>
      element(
        "p",
        { class: "muted" },
        `File ${name}: ${file.filename}, ${file.content_type}, ${file.bytes} bytes`,
      ),
    ),
  ];
}

const describe = (term, text, style) => [element("dt", {}, term), element("dd", { class: style }, text)];

function outcomeText({ outcome, invalid_argument: invalid, executed_time: executed }) {
  const { kind, status, code } = outcome;
  return [
    [status, kind.replaceAll("_", " "), code].filter(Boolean).join(" "),
    invalid && `invalid argument: ${invalid}`,
    executed ? `took effect at ${clockTime(executed)}` : "had no effect",
  ]
    .filter(Boolean)
    .join(" · ");
}

function signatureText({ signature_valid: valid, signature_problem: problem }) {
  if (valid === null) return "missing";
  return valid ? "valid" : `refused. ${problem}`;
}

function cut(text) {
  if (text.length <= MAX_SHOWN_CHARACTERS) return text;
  return `${text.slice(0, MAX_SHOWN_CHARACTERS)}… (${text.length.toLocaleString("en")} characters)`;
}
