// Says what an action did, and asks for what an action needs.
import { byId, element } from "./dom.js";

const VISIBLE_MS = 6000;
let timer;

function say(text, error) {
  byId("status").textContent = text;
  byId("error").textContent = error;
  clearTimeout(timer);
  if (text) timer = setTimeout(() => say("", ""), VISIBLE_MS);
}

// A listener that runs an action, and says the text that it returns, or why it has failed.
export function action(run) {
  return async (event) => {
    event.preventDefault();
    try {
      const done = await run(event);
      if (done) say(done, "");
    } catch (error) {
      say("", error.message);
    }
  };
}

// Asks in a dialog. Each field is {name, label, type, value, ...attributes}, or has `options`,
// [[value, text], ...]. Returns the values by name (of checkboxes booleans, else text); null after Cancel.
export function ask(title, submit, fields, { hint = "", danger = false } = {}) {
  const dialog = byId("dialog");
  const inputs = fields.map(createField);
  const form = element(
    "form",
    { method: "dialog", class: "fields" },
    element("h2", { id: "dialog-title" }, title),
    hint && element("p", { class: "hint" }, hint),
    inputs.map(({ nodes }) => nodes),
    element(
      "p",
      { class: "buttons" },
      element("button", { class: danger ? "danger" : "primary", value: "submit" }, submit),
      element("button", { type: "button", onclick: () => dialog.close("") }, "Cancel"),
    ),
  );
  dialog.replaceChildren(form);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () =>
        resolve(
          dialog.returnValue === "submit"
            ? Object.fromEntries(inputs.map(({ name, read }) => [name, read()]))
            : null,
        ),
      { once: true },
    );
  });
}

function createField({ name, label, options, value, ...attributes }) {
  const id = `field-${name}`;
  if (attributes.type === "checkbox") {
    const input = element("input", { id, ...attributes, checked: value });
    return {
      name,
      read: () => input.checked,
      nodes: [element("label", { class: "check wide" }, input, ` ${label}`)],
    };
  }
  const input = options
    ? element(
        "select",
        { id },
        options.map(([key, text]) =>
          element("option", { value: key, selected: `${key}` === `${value}` }, text),
        ),
      )
    : element("input", { id, value, ...attributes });
  return { name, read: () => input.value, nodes: [element("label", { for: id }, label), input] };
}
