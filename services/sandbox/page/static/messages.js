// Messages about orders: pushed to the callback, waiting or failed.
import { get, post, put } from "./api.js";
import { byId, element, updateList } from "./dom.js";
import { stringify } from "./exact_json.js";
import { action } from "./feedback.js";
import { clockTime, pill, plural } from "./format.js";

const MAX_MESSAGES = 100;
const MAX_SUMMARY_CHARACTERS = 160;
let paused = false;

export function setUp() {
  byId("message-state").addEventListener("change", action(refresh));
  byId("message-filter").addEventListener("submit", (event) => event.preventDefault());
  byId("pause").addEventListener(
    "click",
    action(async () => {
      const isPaused = !paused; // a live update can change `paused` before the response arrives
      await put("push", { paused: isPaused });
      return isPaused ? "Pushes are paused." : "Pushes go on.";
    }),
  );
}

export async function refresh() {
  const query = new URLSearchParams({
    limit: `${MAX_MESSAGES}`,
    max_characters: `${MAX_SUMMARY_CHARACTERS}`,
  });
  if (byId("message-state").value) query.set("state", byId("message-state").value);
  const [push, { messages }] = await Promise.all([get("push"), get(`messages?${query}`)]);
  paused = push.settings.paused;
  byId("pause").setAttribute("aria-pressed", `${paused}`);
  const target = push.settings.callback_url ?? "nowhere: no service has set a callback";
  const waiting = push.queued + push.in_flight;
  byId("push-summary").textContent =
    `Pushed to ${target}. ${push.pushed} pushed, ${waiting} waiting, ${push.failed} failed.`;
  updateList(byId("message-list"), messages.reverse(), (message) => message.message_id, renderMessage);
}

function renderMessage(message) {
  const content = element("div", {});
  const result = message.last_result === null ? "" : ` · last result ${message.last_result}`;
  return element(
    "li",
    {},
    element(
      "details",
      {
        "data-name": "message",
        ontoggle: action(async ({ target }) => {
          if (target.open) await showContent(content, message);
        }),
      },
      element(
        "summary",
        { "data-name": "message" },
        element("span", { class: "time" }, clockTime(message.event_time_ms)),
        element("span", { class: "what" }, element("code", {}, message.topic)),
        pill(message.state),
        element("span", { class: "muted" }, `${plural(message.attempts, "attempt")}${result}`),
        element("span", { class: "muted excerpt" }, message.excerpt),
      ),
      content,
    ),
    message.state !== "queued" &&
      element(
        "button",
        {
          "data-name": "push",
          "aria-label": `Push again: message ${message.message_id}`,
          onclick: action(async () => {
            await post(`messages/${message.message_id}/push`, {});
            return `Message ${message.message_id} is pushed again.`;
          }),
        },
        "Push again",
      ),
  );
}

async function showContent(content, { message_id }) {
  const { message } = await get(`messages/${message_id}`);
  content.replaceChildren(
    element("pre", { tabindex: 0, "aria-label": `Message ${message_id}` }, stringify(message, 2)),
  );
}
