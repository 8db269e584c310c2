import { EdgeDistillError } from "../base/index.js";

const PROTOCOLS = ["mqtt:", "mqtts:", "ws:", "wss:"];

export interface BrokerUrl {
  /** Without user name and password: fit for messages and logs. */
  shown: string;
  /** What is dialled: without credentials too, they travel beside it. */
  href: string;
  username?: string;
  password?: string;
}

/**
 * Reads the URL of a broker and parts it from the credentials it may carry.
 * @throws CONFIG_INVALID when it is none, without repeating what may hold a password
 */
export function parseBrokerUrl(url: string): BrokerUrl {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !PROTOCOLS.includes(parsed.protocol) || parsed.hostname === "")
    throw new EdgeDistillError(
      "CONFIG_INVALID",
      `The broker's URL ${JSON.stringify(withoutUserInfo(url))} is not one of mqtt://, mqtts://, ws:// or wss:// HOST[:PORT]`,
      { hint: "Give it as mqtt://HOST:1883, or mqtts://HOST:8883 with TLS." },
    );
  const username = decode(parsed.username);
  const password = decode(parsed.password);
  parsed.username = "";
  parsed.password = "";
  // A query may carry a token (WebSocket brokers behind a gateway do that).
  const shown = `${parsed.protocol}//${parsed.host}${parsed.protocol.startsWith("ws") ? parsed.pathname : ""}`;
  return {
    shown,
    href: parsed.href,
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
  };
}

/** The URL without user name, password and query, for messages and logs; never throws. */
export function redactUrl(url: string): string {
  try {
    return parseBrokerUrl(url).shown;
  } catch {
    return withoutUserInfo(url);
  }
}

function withoutUserInfo(url: string): string {
  return url
    .slice(0, 300)
    .replace(/^([a-z0-9+.-]*:\/\/)?.*@/is, "$1")
    .replace(/[?#].*$/s, "");
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
