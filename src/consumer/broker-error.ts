import { EdgeDistillError, errorMessage } from "../base/index.js";

/** The outcome of one QoS 1 publish: taken, refused for good, or to be tried again on another connection. */
export type PublishOutcome = { kind: "taken" } | { kind: "refused" | "retry"; reason: string };

/** CONNACK: unsupported version, in 3.1.1 and 5. */
const VERSION_REFUSED = [1, 132];
/** CONNACK: client id, credentials, authorization, banned, in 3.1.1 and 5. */
const IDENTITY_REFUSED = [2, 4, 5, 133, 134, 135, 138, 140];
/** PUBACK: not authorized, topic name invalid, packet too large, retain or QoS not supported, payload format invalid. */
const PUBLISH_REFUSED = [135, 144, 149, 153, 154, 155];

/** Whether a failed connection failed for the MQTT version alone. */
export function isVersionRefused(error: unknown): boolean {
  return (
    error instanceof EdgeDistillError &&
    VERSION_REFUSED.includes(Number(error.details["reasonCode"]))
  );
}

/** Turns what mqtt.js or the socket said into ours, naming the broker and the cure. */
export function connectionError(
  cause: unknown,
  shownUrl: string,
  clientId: string,
): EdgeDistillError {
  const code = codeOf(cause);
  const details = {
    url: shownUrl,
    clientId,
    ...(typeof code === "number"
      ? { reasonCode: code }
      : code === undefined
        ? {}
        : { systemCode: code }),
  };
  if (typeof code === "number" && IDENTITY_REFUSED.includes(code))
    return new EdgeDistillError(
      "STREAM_REFUSED",
      `The broker ${shownUrl} refuses the client "${clientId}": ${errorMessage(cause)}`,
      { hint: "Check user name, password and client id against the broker's.", details, cause },
    );
  return new EdgeDistillError(
    "STREAM_UNREACHABLE",
    `No MQTT connection to ${shownUrl}: ${reasonText(cause, code)}`,
    { hint: cure(code), details, cause },
  );
}

/** What a negative PUBACK means for the message. */
export function rejectedPublish(error: Error): PublishOutcome {
  const code = codeOf(error);
  return {
    kind: typeof code === "number" && PUBLISH_REFUSED.includes(code) ? "refused" : "retry",
    reason: errorMessage(error),
  };
}

function reasonText(cause: unknown, code: string | number | undefined): string {
  const text = errorMessage(cause);
  if (text !== "") return text;
  return code === undefined ? "unknown reason" : String(code);
}

function cure(code: string | number | undefined): string {
  if (code === "ECONNREFUSED") return "Start the broker, or check host and port.";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "Check the host's name and the name server.";
  if (typeof code === "string" && /CERT|TLS|SSL|SIGNATURE|EPROTO/.test(code))
    return "Give the broker's CA certificate as tls.ca, and dial the TLS port.";
  return "Check host, port and protocol (mqtt:// or mqtts://), and that no firewall is between.";
}

function codeOf(cause: unknown): string | number | undefined {
  if (typeof cause !== "object" || cause === null || !("code" in cause)) return undefined;
  return typeof cause.code === "string" || typeof cause.code === "number" ? cause.code : undefined;
}
