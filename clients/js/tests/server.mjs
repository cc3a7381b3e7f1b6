// A server of sockets as small as a test needs it: texts of any length out, short texts in.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Calls `onSocket(socket, request)` for each upgrade and `onRequest` for everything else. */
export async function serve({ onSocket, onRequest }) {
  const connections = new Set();
  const server = createServer(onRequest ?? ((_, answer) => answer.writeHead(404).end()));
  server.on("connection", (connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
    connection.on("error", () => {});
  });
  if (onSocket) {
    server.on("upgrade", (request, connection) => {
      const key = request.headers["sec-websocket-key"];
      const accept = createHash("sha1").update(key + GUID).digest("base64");
      connection.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ecomauction.v1\r\n\r\n`,
      );
      onSocket(new Socket(connection), request);
    });
  }
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    connections.forEach((connection) => connection.destroy());
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

class Socket {
  constructor(connection) {
    this.connection = connection;
    this.onText = () => {};
    let rest = Buffer.alloc(0);
    connection.on("data", (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let frame = parse(rest); frame; frame = parse(rest)) {
        rest = rest.subarray(frame.length);
        if (frame.kind === 1) this.onText(JSON.parse(frame.payload.toString()));
        if (frame.kind === 8) connection.end();
      }
    });
  }

  say(value) {
    this.#frame(1, Buffer.from(JSON.stringify(value)));
  }

  close(code) {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#frame(8, payload);
  }

  #frame(kind, payload) {
    const { length } = payload;
    const size = length < 126 ? [length] : [126, length >> 8, length & 255];
    this.connection.write(Buffer.concat([Buffer.from([0x80 | kind, ...size]), payload]));
  }
}

/** The first frame, if it is whole. */
function parse(bytes) {
  if (bytes.length < 6) return undefined;
  const short = bytes[1] & 127;
  const from = short === 126 ? 4 : 2;
  const length = short === 126 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < from + 4 + length) return undefined;
  const mask = bytes.subarray(from, from + 4);
  const payload = Buffer.from(bytes.subarray(from + 4, from + 4 + length));
  payload.forEach((byte, at) => (payload[at] = byte ^ mask[at % 4]));
  return { kind: bytes[0] & 15, payload, length: from + 4 + length };
}
