// A language model that follows a script, behind OpenAI's interface: it answers at once, or not before it is let.
import { createServer } from "node:http";

const KEY = "key-of-the-test";
const MODELS = ["small-writer", "large-writer"];

/**
 * Writes two examples of each passage, whose room number it finds in the request; of room 7 it can only tell in prose.
 * `holdAfter(n)` answers n more requests and lets the others wait for `release()`.
 */
export async function startModel() {
  const waiting = [];
  let left = Infinity;
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const answer = (status, body) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      };
      if (request.headers.authorization !== `Bearer ${KEY}`) return answer(401, { error: { message: "wrong key" } });
      if (request.url === "/v1/models") return answer(200, { data: MODELS.map((id) => ({ id })) });
      const { messages, model } = JSON.parse(Buffer.concat(chunks).toString());
      const reply = () => answer(200, completion(model, messages.at(-1).content));
      if (left > 0) {
        left -= 1;
        reply();
      } else waiting.push(reply);
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    key: KEY,
    address: `http://127.0.0.1:${server.address().port}/v1`,
    holdAfter: (count) => {
      left = count;
    },
    release: () => {
      left = Infinity;
      for (const reply of waiting.splice(0)) reply();
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function completion(model, prompt) {
  const room = Number(/room number (\d+)/.exec(prompt)?.[1] ?? 0);
  const examples = [
    { user: `What is kept in room number ${room}?`, assistant: `In room number ${room} there are ${room * 10} chairs.` },
    { user: `Which room has ${room * 10} chairs?`, assistant: `Room number ${room} has them, says Mrs Invented.` },
  ];
  const content = room === 7 ? `I would rather tell you about room number ${room} in my own words.` : JSON.stringify({ examples });
  return {
    model,
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
    usage: { prompt_tokens: 400, completion_tokens: 60 },
  };
}

/** A document with a passage for each room. */
export function roomsDocument(rooms) {
  const words = "The room is swept on Mondays, and its windows are opened every morning before the first visitors come to see it. ";
  const section = (room) => `# Room ${room}\n\nThis is room number ${room} of the house. It keeps ${room * 10} chairs. ${words.repeat(8)}\n`;
  return Array.from({ length: rooms }, (_, index) => section(index + 1)).join("\n");
}
