// The page's address as its state: ?tab=inference&model=toon_faces_64&example=3&point=... Every widget
// reads and writes its own part. What comes from there may be anything: whoever reads it checks it.

const LONGEST = 2000; // letters of a part that is written; some servers and chat programs cut more

// What the address says of it, or "".
/** @type {(name: string) => string} */
const stated = (name) => new URLSearchParams(location.search).get(name) || "";

// Writes parts of the address, null for none. anew: as a step of its own, to which Back returns.
/** @type {(parts: { [name: string]: string | null }, anew?: boolean) => void} */
function state(parts, anew = false) {
  const query = new URLSearchParams(location.search);
  for (const [name, text] of Object.entries(parts)) {
    if (text === null) query.delete(name);
    else query.set(name, text);
  }
  const before = new URLSearchParams(location.search).toString();
  if (query.toString() === before) return;
  const next = `${location.pathname}?${query}${location.hash}`;
  try {
    if (anew) history.pushState(history.state, "", next);
    else history.replaceState(history.state, "", next);
  } catch {
    // Denied, or asked for too often: the address stays behind until the next change.
  }
}
