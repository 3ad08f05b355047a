// Offers: the search, and orders for an offer.
import { get, post } from "./api.js";
import { byId, element, updateList } from "./dom.js";
import { action, ask } from "./feedback.js";
import { plural, yuan } from "./format.js";

const PAGE_SIZE = 24;
let keyword = "";
let page = 1;

export function setUp() {
  byId("search").addEventListener(
    "submit",
    action(async () => {
      keyword = byId("keyword").value;
      await show(1);
    }),
  );
}

// The offers never change, so they are read once.
export async function refresh() {
  if (!byId("offer-list").children.length) await show(page);
}

async function show(number) {
  const query = new URLSearchParams({ keyword, page: `${number}`, page_size: `${PAGE_SIZE}` });
  const result = await get(`offers?${query}`);
  page = result.page;
  byId("offers-summary").textContent = keyword
    ? `${plural(result.total, "offer")} for “${keyword}”. This search is no call: it needs no signature.`
    : `${plural(result.total, "offer")}, those that sell best first. They are the same on each start.`;
  updateList(byId("offer-list"), result.offers, (offer) => offer.offer_id, renderOffer);
  byId("offer-pages").replaceChildren(
    element("button", { disabled: page <= 1, onclick: action(() => turn(-1)) }, "Previous"),
    element("span", {}, `page ${page} of ${Math.max(1, result.page_count)}`),
    element("button", { disabled: page >= result.page_count, onclick: action(() => turn(1)) }, "Next"),
  );
}

async function turn(step) {
  await show(page + step);
  byId("offers-title").focus();
}

function renderOffer(offer) {
  return element(
    "li",
    { class: "offer" },
    element("img", { src: offer.image, alt: "", width: 480, height: 480, loading: "lazy" }),
    element("h3", { id: `offer-${offer.offer_id}` }, offer.title.en),
    element("p", { class: "muted", lang: "zh" }, offer.title.zh),
    element(
      "p",
      {},
      element("strong", {}, yuan(offer.price_fen)),
      ` from ${plural(offer.min_order, "piece")}`,
    ),
    element("p", { class: "muted" }, `${offer.sold_30d.toLocaleString("en")} sold in 30 days`),
    element(
      "p",
      { class: "foot" },
      element("code", {}, `${offer.offer_id}`),
      element(
        "button",
        { "aria-describedby": `offer-${offer.offer_id}`, onclick: action(() => order(offer)) },
        "Order",
      ),
    ),
  );
}

async function order({ offer_id }) {
  const offer = await get(`offers/${offer_id}`);
  const inStock = offer.skus.filter((sku) => sku.stock >= offer.min_order);
  const answer = await ask(
    "Order this offer",
    "Create the order",
    [
      { name: "sku", label: "SKU", options: inStock.map((sku) => [sku.sku_id, describeSku(sku)]) },
      { name: "quantity", label: "Quantity", type: "number", min: 1, value: offer.min_order, required: true },
      {
        name: "owned_by_buyer",
        label: "belongs to the buyer account of the app",
        type: "checkbox",
        value: true,
      },
      { name: "out_of_stock", label: "Alipay cannot deduct its stock", type: "checkbox", value: false },
      { name: "kuajingbao", label: "Kuajingbao can pay for it", type: "checkbox", value: true },
      { name: "credit", label: "credit (Cheng-e-She) can pay for it", type: "checkbox", value: true },
    ],
    { hint: offer.title.en },
  );
  if (!answer) return "";
  const { sku, quantity, ...flags } = answer;
  const entry = { offer_id, sku_id: BigInt(sku), quantity: Number(quantity) };
  const created = await post("orders", { entries: [entry], ...flags });
  return `Order ${created.order_id} created.`;
}

function describeSku(sku) {
  const attributes = sku.attributes.map((attribute) => attribute.en).join(", ");
  return `${attributes} · ${yuan(sku.price_fen)} · ${sku.stock} in stock`;
}
