import { connect, createClient } from "@nationalsite/client";
import { ProductService } from "@nationalsite/protos/product/v1";

const channel = connect(process.env.NATIONALSITE_PRODUCT ?? "127.0.0.1:50051", "product");
const products = createClient(ProductService, channel);
const request = { keyword: "dress", pageSize: 3, country: "japan" };
const { offers } = await products.searchByKeyword(request, { timeoutMs: 5_000 });
for (const { offerId, subjectTrans } of offers) console.log(`${offerId} ${subjectTrans}`);
channel.close();
