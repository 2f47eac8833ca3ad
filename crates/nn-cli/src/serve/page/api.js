// Talking to the server that the page came from.

const token = document.querySelector('meta[name="token"]').content;
const listeners = new Map();
let source = null;

/** Asks for something that changes nothing. */
export async function get(path) {
  return answerOf(await fetch(path));
}

/** Has something done; the answer, or an Error with the server's words. */
export async function post(path, body) {
  const headers = { "content-type": "application/json", "nn-token": token };
  return answerOf(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answerOf(response) {
  const answer = await response.json();
  if (response.ok) return answer;
  const error = new Error(answer.error);
  error.help = answer.help;
  throw error;
}

/** Calls `listener` with every event of this name: session, progress, pictures. */
export function listen(name, listener) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(listener);
}

/** Starts to watch. A page that nobody sees lets go of its connection. */
export function watch() {
  document.addEventListener("visibilitychange", connect);
  connect();
}

function connect() {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source) {
    source = new EventSource("/api/events");
    for (const [name, all] of listeners) {
      source.addEventListener(name, (event) => {
        const value = JSON.parse(event.data);
        all.forEach((listener) => listener(value));
      });
    }
  }
}
