// Keeps the page and the studio of one mind on whether the page listens. The framework answers the
// orders of a page by one stream of events, which the studio closes after the last answer. An order
// that is taken in that very moment would wait for ever, since the page believes that it still
// listens; and so would every order after a stream that broke off. Therefore a page is told that an
// order was taken only when it knows that the stream before has ended, and one that breaks off ends
// in due form. See Listeners in listeners.py.

(() => {
  const plain = window.fetch;
  const LONGEST = 15_000; // milliseconds for which the answer to an order is held back at most
  const LATE = 100; // milliseconds within which the page has read what has come
  const ENDING = [
    { msg: "broken_connection", message: "Connection errored out. " },
    { msg: "close_stream" },
  ]
    .map((told) => `data: ${JSON.stringify(told)}\n\n`)
    .join("");
  let session = ""; // the framework's word for this page
  let ended = Promise.resolve(); // when the page knows that the stream has ended
  /** @type {(milliseconds: number) => Promise<void>} */
  const pause = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));

  /** @type {(request: Request) => Promise<Response>} */
  async function listen(request) {
    session = new URL(request.url).searchParams.get("session_hash") ?? "";
    /** @type {(value: void) => void} */
    let tell = () => {};
    ended = new Promise((resolve) => {
      tell = resolve;
    });
    request.signal.addEventListener("abort", () => tell());
    const reply = await plain(request).catch(() => new Response());
    const reader = reply.body?.getReader();
    /** @returns {ReadableStreamReadResult<any>} */
    const broken = () => ({ done: true, value: undefined });
    return new Response(
      new ReadableStream({
        async pull(controller) {
          const read = reader && (await reader.read().catch(broken));
          if (read?.value) {
            controller.enqueue(read.value);
            return;
          }
          await pause(LATE); // it may not have come to what was sent last
          if (!request.signal.aborted) controller.enqueue(new TextEncoder().encode(ENDING));
          controller.close();
          await pause(LATE);
          tell(); // a browser may have forgotten whose signal this one follows
        },
        cancel: () => reader?.cancel(),
      }),
    );
  }

  /** @type {(url: RequestInfo | URL, order: RequestInit) => Promise<Response>} */
  async function ask(url, order) {
    const headers = new Headers(order.headers);
    headers.set("x-listener", session);
    const before = ended; // what a later stream says is heard in any case
    const reply = await plain(url, { ...order, headers });
    if (reply.headers.get("x-listens") === "no") await Promise.race([before, pause(LONGEST)]);
    return reply;
  }

  window.fetch = (asked, more) => {
    const url = new URL(asked instanceof Request ? asked.url : asked, document.baseURI);
    if (url.pathname.endsWith("/queue/data")) return listen(new Request(asked, more));
    if (session && more && url.pathname.endsWith("/queue/join")) return ask(asked, more);
    return plain(asked, more);
  };
})();
