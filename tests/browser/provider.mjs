// A stand-in for a place where people sign in elsewhere: an OpenID provider over real HTTP, with a
// page where somebody says yes or no (OpenID Connect Core 1.0, RFC 7636). It refuses what a
// provider has to refuse, and keeps every complaint for the test to ask.

import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/** A running provider: it asks for no password, the test says who sits in front of it. */
export class Provider {
  complaints = [];
  /** @type {{ sub: string, email: string, name: string } | undefined} */
  person;
  #codes = new Map();
  #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

  static async open() {
    const provider = new Provider();
    provider.server = createServer((request, response) => provider.#answer(request, response));
    await once(provider.server.listen(0, "127.0.0.1"), "listening");
    const { port } = provider.server.address();
    // Browsers meet another site, whose cookies are not the platform's.
    provider.page = `http://localhost:${port}`;
    provider.issuer = `http://127.0.0.1:${port}`;
    return provider;
  }

  /** The variables with which a platform finds it. */
  get variables() {
    return {
      google_client_id: CLIENT_ID,
      google_client_secret: CLIENT_SECRET,
      google_authorization_url: `${this.page}/authorize`,
      google_token_url: `${this.issuer}/token`,
      google_host: this.issuer,
      google_issuer: this.issuer,
    };
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  async #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.issuer);
    try {
      if (request.method === "GET" && pathname === "/authorize") {
        return html(response, this.#consent(searchParams));
      }
      if (request.method === "POST" && pathname === "/token") {
        const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
        return json(response, 200, this.#token(form, request.headers.authorization));
      }
      if (pathname === "/jwks") {
        const key = this.#keys.publicKey.export({ format: "jwk" });
        return json(response, 200, { keys: [{ ...key, kid: "1", alg: "RS256", use: "sig" }] });
      }
      // What browsers ask of any site.
      if (pathname === "/favicon.ico") return json(response, 404, {});
      throw new Error(`${request.method} ${pathname} is nothing here`);
    } catch (complaint) {
      this.complaints.push(complaint.message);
      json(response, 400, { error: "invalid_request", error_description: complaint.message });
    }
  }

  /** Who is it, and may the platform know? */
  #consent(query) {
    const wish = Object.fromEntries(query);
    expect(wish.client_id === CLIENT_ID, `client_id ${wish.client_id}`);
    expect(wish.response_type === "code", `response_type ${wish.response_type}`);
    expect(wish.redirect_uri?.endsWith(CALLBACK), `redirect_uri ${wish.redirect_uri}`);
    expect(wish.state?.length >= SECRET_MIN_CHARS, "state is missing or short");
    expect(wish.nonce?.length >= SECRET_MIN_CHARS, "nonce is missing or short");
    expect(wish.code_challenge_method === "S256", "PKCE is not S256");
    expect(/^[\w-]{43}$/.test(wish.code_challenge), `code_challenge ${wish.code_challenge}`);
    const scopes = (wish.scope ?? "").split(" ");
    expect(scopes.includes("openid") && scopes.includes("email"), `scope ${wish.scope}`);
    const code = randomUUID();
    this.#codes.set(code, { wish, person: this.person });
    const back = (answer) => {
      const pairs = new URLSearchParams({ ...answer, state: wish.state });
      return `${wish.redirect_uri}?${pairs}`.replaceAll("&", "&amp;");
    };
    const [yes, no] = [back({ code }), back({ error: "access_denied" })];
    return `<title>Provider</title><a href="${yes}">Yes</a> <a href="${no}">No</a>`;
  }

  /** Code, secret and verifier for an ID token; a code works once. */
  #token(form, authorization) {
    const sent = Object.fromEntries(form);
    const [id, secret] = basic(authorization) ?? [sent.client_id, sent.client_secret];
    expect(id === CLIENT_ID && secret === CLIENT_SECRET, `wrong client ${id}`);
    expect(sent.grant_type === "authorization_code", `grant_type ${sent.grant_type}`);
    const grant = this.#codes.get(sent.code);
    expect(grant, `unknown code, or one used twice: ${sent.code}`);
    this.#codes.delete(sent.code);
    const { wish, person } = grant;
    expect(sent.redirect_uri === wish.redirect_uri, `redirect_uri ${sent.redirect_uri}`);
    expect(/^[\w.~-]{43,128}$/.test(sent.code_verifier), `verifier ${sent.code_verifier}`);
    const challenge = createHash("sha256").update(sent.code_verifier).digest("base64url");
    expect(challenge === wish.code_challenge, "the verifier is not that of the challenge");
    const now = Math.floor(Date.now() / 1_000);
    const claims = { ...person, email_verified: true, nonce: wish.nonce, iat: now };
    const about = { iss: this.issuer, aud: CLIENT_ID, azp: CLIENT_ID, exp: now + 3_600 };
    const id_token = this.#signed({ ...claims, ...about });
    return { access_token: randomUUID(), token_type: "Bearer", expires_in: 3_600, id_token };
  }

  #signed(claims) {
    const parts = [{ alg: "RS256", kid: "1", typ: "JWT" }, claims];
    const text = parts.map((it) => Buffer.from(JSON.stringify(it)).toString("base64url")).join(".");
    const signature = createSign("RSA-SHA256").update(text).sign(this.#keys.privateKey);
    return `${text}.${signature.toString("base64url")}`;
  }
}

function expect(holds, complaint) {
  if (!holds) throw new Error(complaint);
}

/** Id and secret; both are percent-encoded before they are joined (RFC 6749, 2.3.1). */
function basic(authorization) {
  if (!authorization?.startsWith("Basic ")) return undefined;
  const joined = Buffer.from(authorization.slice("Basic ".length), "base64").toString();
  return joined.split(":").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
}

function html(response, body) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  response.end(`<!doctype html><html lang="en">${body}`);
}

function json(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

const CLIENT_ID = "ecomauction-test";
const CLIENT_SECRET = "a secret, not told & =in the open";
const CALLBACK = "/v1/oauth/google/callback";
/** 128 bits in base64url. */
const SECRET_MIN_CHARS = 22;
