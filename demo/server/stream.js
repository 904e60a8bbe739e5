// Keeps the page and the studio of one mind on whether the page listens. The framework answers the
// orders of a page by one stream of events after another, and closes each after the last answer. An
// order that is taken in that very moment would wait for ever, since the page believes that it still
// listens; and so would every order after a stream that broke off. Therefore the page numbers its
// streams, the studio says with each order which of them had ended by then, and the page is told
// that the order was taken only when it knows of that end itself. One that breaks off ends in due
// form. See Listeners in listeners.py.

{
  const plain = window.fetch;
  const LONGEST = 15_000; // milliseconds for which the answer to an order is held back at most
  const LATE = 100; // milliseconds within which the page has read what has come
  const CLOSING = '{"msg":"close_stream"';
  const ENDING = [
    { msg: "broken_connection", message: "Connection errored out. " },
    { msg: "close_stream" },
  ]
    .map((told) => `data: ${JSON.stringify(told)}\n\n`)
    .join("");
  let begun = 0; // streams
  /** @type {Map<number, Promise<void>>} */
  const ends = new Map(); // of streams of which the page may still believe that they go on
  /** @type {(milliseconds: number) => Promise<void>} */
  const pause = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));

  /**
   * The same stream, which ends in due form. tell: is called when the page knows of its end.
   * @type {(body: ReadableStream | null, signal: AbortSignal, tell: () => void) => ReadableStream}
   */
  const finish = (body, signal, tell) => {
    const reader = body?.getReader();
    const words = new TextDecoder();
    let last = ""; // of what came
    /** @returns {ReadableStreamReadResult<any>} */
    const broken = () => ({ done: true, value: undefined });
    signal.addEventListener("abort", tell);
    return new ReadableStream({
      async pull(controller) {
        const read = reader && (await reader.read().catch(broken));
        if (read?.value) {
          last = (last + words.decode(read.value, { stream: true })).slice(-4 * CLOSING.length);
          controller.enqueue(read.value);
          return;
        }
        await pause(LATE); // it may not have come to what was sent last
        const closed = signal.aborted || last.includes(CLOSING);
        if (!closed) controller.enqueue(new TextEncoder().encode(ENDING));
        controller.close();
        await pause(LATE);
        tell(); // a browser may have forgotten whose signal this one follows
      },
      cancel: () => {
        tell();
        return reader?.cancel();
      },
    });
  };

  /** @type {(request: Request) => Promise<Response>} */
  const listen = async (request) => {
    begun += 1;
    const number = begun;
    /** @type {() => void} */
    let tell = () => {};
    ends.set(number, new Promise((resolve) => (tell = resolve)));
    request.headers.set("x-stream", `${number}`);
    const reply = await plain(request).catch(() => new Response());
    return new Response(
      finish(reply.body, request.signal, () => {
        ends.delete(number);
        tell();
      }),
    );
  };

  /** @type {(url: RequestInfo | URL, order: RequestInit & { body: string }) => Promise<Response>} */
  const ask = async (url, order) => {
    const headers = new Headers(order.headers);
    headers.set("x-listener", JSON.parse(order.body).session_hash);
    const reply = await plain(url, { ...order, headers });
    const end = ends.get(Number(reply.headers.get("x-ended")));
    await Promise.race([end, pause(LONGEST)]);
    return reply;
  };

  window.fetch = (asked, more) => {
    const url = new URL(asked instanceof Request ? asked.url : asked, document.baseURI);
    if (url.pathname.endsWith("/queue/data")) return listen(new Request(asked, more));
    const body = more?.body;
    if (typeof body === "string" && url.pathname.endsWith("/queue/join"))
      return ask(asked, { ...more, body });
    return plain(asked, more);
  };
}
