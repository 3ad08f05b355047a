// The pages of a list or a search.
import type { CallOptions } from "./clients.js";

/** A function of a client that lists or searches, or a function with the same parameters. */
type PagedCall = (request: any, options?: CallOptions) => Promise<{ readonly nextPageToken: string }>;

/**
 * Yields the pages of a list or a search, from the one that the request is for. Each page is read when it is
 * needed, with these options. The request stays as it is.
 *
 * The image of an image search is sent once: the page token stands for it.
 */
export async function* iteratePages<Call extends PagedCall>(
  call: Call,
  request: Parameters<Call>[0],
  options?: CallOptions,
): AsyncGenerator<Awaited<ReturnType<Call>>, void, undefined> {
  let nextRequest = request;
  for (;;) {
    const page = await call(nextRequest, options);
    yield page as Awaited<ReturnType<Call>>;
    if (!page.nextPageToken) return;
    nextRequest = { ...request, pageToken: page.nextPageToken };
    // The token replaces the number of the page and the image.
    if (request.page) nextRequest.page = 0;
    if (request.imageSource?.case === "image") nextRequest.imageSource = { case: undefined };
  }
}
