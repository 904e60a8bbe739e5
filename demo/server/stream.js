// Keeps the page and the studio of one mind on whether the page listens. The framework answers the
// orders of a page by one stream of events, which the studio closes after the last answer. An order
// that is taken in that very moment would wait for ever, since the page believes that it still
// listens; and so would every order after a stream that broke off. Therefore a page is told that an
// order was taken only when it knows that the stream before has ended, and one that breaks off ends
// in due form. Where the studio has not yet heard of a stream that the page has just asked for, it
// is enough that this begins. See Listeners in listeners.py.

(() => {
  const plain = window.fetch;
  const LONGEST = 15_000; // milliseconds for which the answer to an order is held back at most
  const CLOSING = 200; // milliseconds within which one that began and was closed at once has ended
  const ENDING = [
    { msg: "broken_connection", message: "Connection errored out. " },
    { msg: "close_stream" },
  ]
    .map((told) => `data: ${JSON.stringify(told)}\n\n`)
    .join("");
  let session = ""; // the framework's word for this page
  // The last stream: when the page knows that the studio has begun it, whether it has, and when the
  // page knows that it has ended.
  let stream = { begins: Promise.resolve(), begun: true, ended: Promise.resolve() };
  /** @type {(milliseconds: number) => Promise<void>} */
  const pause = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));

  /** @type {(request: Request) => Promise<Response>} */
  async function listen(request) {
    session = new URL(request.url).searchParams.get("session_hash") ?? "";
    const taken = plain(request).catch(() => new Response());
    const mine = {
      begins: taken.then(() => {
        mine.begun = true;
      }),
      begun: false,
      ended: new Promise((/** @type {(value: void) => void} */ tell) => {
        request.signal.addEventListener("abort", () => tell());
      }),
    };
    stream = mine;
    const reply = await taken;
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
          await pause(100); // it may not have come to what was sent last
          if (!request.signal.aborted) controller.enqueue(new TextEncoder().encode(ENDING));
          controller.close();
        },
        cancel: () => reader?.cancel(),
      }),
    );
  }

  /** @type {(url: RequestInfo | URL, order: RequestInit) => Promise<Response>} */
  async function ask(url, order) {
    const headers = new Headers(order.headers);
    headers.set("x-listener", session);
    const reply = await plain(url, { ...order, headers });
    if (reply.headers.get("x-listens") !== "no") return reply;
    const { begins, begun, ended } = stream;
    const longest = pause(LONGEST);
    if (!begun) await Promise.race([begins, longest]);
    await Promise.race([ended, begun ? longest : pause(CLOSING)]);
    return reply;
  }

  window.fetch = (asked, more) => {
    const url = new URL(asked instanceof Request ? asked.url : asked, document.baseURI);
    if (url.pathname.endsWith("/queue/data")) return listen(new Request(asked, more));
    if (session && more && url.pathname.endsWith("/queue/join")) return ask(asked, more);
    return plain(asked, more);
  };
})();
