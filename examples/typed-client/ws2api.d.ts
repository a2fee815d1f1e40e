// Made by openapi-typescript from the gateway's GET /openapi.json; README.md says how.
// deno-lint-ignore-file
export interface paths {
  "/call/{action}/{clientId}/{messageId}": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description One segment, percent-encoded once. */
        action: components["parameters"]["Action"];
        /** @description One segment, percent-encoded once. */
        clientId: components["parameters"]["ClientId"];
        /** @description The caller's to choose; use each one once. */
        messageId: components["parameters"]["MessageId"];
      };
      cookie?: never;
    };
    /** How far a CALL has got */
    get: operations["callState"];
    put?: never;
    /**
     * Sends a CALL to a client
     * @description Its outcome comes as one of the webhooks `result` and `error`, or, with `Prefer: wait`, as the response.
     */
    post: operations["call"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/send/{action}/{clientId}/{messageId}": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description One segment, percent-encoded once. */
        action: components["parameters"]["Action"];
        /** @description One segment, percent-encoded once. */
        clientId: components["parameters"]["ClientId"];
        /** @description The caller's to choose; use each one once. */
        messageId: components["parameters"]["MessageId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Sends a SEND to a client (ocpp2.1) */
    post: operations["send"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/clients": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Who is connected
     * @description With `sort=-ends` also who is not, but was: those that come and go, 1,000 of each thread at most, and 100 on a page.
     */
    get: operations["listClients"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/clients/{clientId}": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description One segment, percent-encoded once. */
        clientId: components["parameters"]["ClientId"];
      };
      cookie?: never;
    };
    /** One client */
    get: operations["showClient"];
    put?: never;
    post?: never;
    /**
     * Closes a client's connection
     * @description With 1000 `closed by the operator`. What the connect hook's answer said may be remembered is forgotten, connected or not.
     */
    delete: operations["disconnect"];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/outbox": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Reports that wait for the backend, or were parked */
    get: operations["listReports"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/outbox/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["ReportId"];
      };
      cookie?: never;
    };
    /** One report */
    get: operations["showReport"];
    put?: never;
    post?: never;
    /** Gives a report up: the backend is not told */
    delete: operations["removeReport"];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/outbox/{id}/retry": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["ReportId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Tries a report again, now */
    post: operations["retryReport"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/outbox/retry": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Tries again what was parked */
    post: operations["retryParked"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/recordings": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What is recorded of clients */
    get: operations["listRecordings"];
    put?: never;
    /** Records all that a client sends and gets for an hour */
    post: operations["startRecording"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/recordings/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["RecordingId"];
      };
      cookie?: never;
    };
    /** What has been recorded so far */
    get: operations["downloadRecording"];
    put?: never;
    post?: never;
    /** Ends a recording and forgets it */
    delete: operations["removeRecording"];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/recordings/{id}/end": {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["RecordingId"];
      };
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Ends a recording before its time; it is kept for another hour */
    post: operations["endRecording"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/metrics": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** All that is counted, for Prometheus */
    get: operations["metrics"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** A few counters, a line each; the status page for a browser */
    get: operations["counters"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/healthz": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** It lives */
    get: operations["healthz"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/readyz": {
    parameters: {
      query?: {
        /** @description 503 also while NATS is away (`/readyz?strict`). */
        strict?: components["parameters"]["Strict"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** It takes requests */
    get: operations["readyz"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/openapi.json": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** This document */
    get: operations["openapi"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export interface webhooks {
  call: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * A client's CALL
     * @description `POST <backend>/call/{action}/{clientId}/{messageId}`, each segment percent-encoded once.
     */
    post: {
      parameters: {
        query?: never;
        header: {
          /** @description The connection: a UUIDv7. */
          "X-Ws2api-Connection": string;
          /** @description The client's address. */
          "X-Forwarded-For": string;
          /** @description The subprotocol; absent without one. */
          "X-Ws2api-Protocol"?: string;
          /** @description W3C Trace Context, where there is a trace. */
          traceparent?: string;
          /** @description The same in every try. */
          "Webhook-Id"?: string;
          /** @description Seconds since 1970, with `--sign-key-file`. */
          "Webhook-Timestamp"?: string;
          /** @description `v1,<base64>`, with `--sign-key-file`. */
          "Webhook-Signature"?: string;
          /** @description `t=<unix seconds>,v1=<hex>`, with `--sign-key-file`. */
          "X-Ws2api-Signature"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["Payload"];
        };
      };
      responses: {
        /** @description The payload of the CALLRESULT; an empty body is `{}`. */
        "2XX": {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Payload"];
          };
        };
        /** @description A CALLERROR: this one, or, without a `code`, the one for the status. */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              code: string;
              description?: string;
              details?: components["schemas"]["Payload"];
            };
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  result: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * The CALLRESULT of a CALL
     * @description `POST <backend>/result/{action}/{clientId}/{messageId}`, each segment percent-encoded once.
     */
    post: {
      parameters: {
        query?: never;
        header: {
          /** @description The connection: a UUIDv7. */
          "X-Ws2api-Connection": string;
          /** @description The client's address. */
          "X-Forwarded-For": string;
          /** @description The subprotocol; absent without one. */
          "X-Ws2api-Protocol"?: string;
          /** @description W3C Trace Context, where there is a trace. */
          traceparent?: string;
          /** @description The same in every try. */
          "Webhook-Id": string;
          /** @description Seconds since 1970, with `--sign-key-file`. */
          "Webhook-Timestamp"?: string;
          /** @description `v1,<base64>`, with `--sign-key-file`. */
          "Webhook-Signature"?: string;
          /** @description `t=<unix seconds>,v1=<hex>`, with `--sign-key-file`. */
          "X-Ws2api-Signature"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["Payload"];
        };
      };
      responses: {
        /** @description Taken. */
        "2XX": {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Not taken: what is tried again, and when, docs/backend.md says. */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  error: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * The CALLERROR of a CALL
     * @description `POST <backend>/error/{action}/{clientId}/{messageId}`, each segment percent-encoded once.
     */
    post: {
      parameters: {
        query?: never;
        header: {
          /** @description The connection: a UUIDv7. */
          "X-Ws2api-Connection": string;
          /** @description The client's address. */
          "X-Forwarded-For": string;
          /** @description The subprotocol; absent without one. */
          "X-Ws2api-Protocol"?: string;
          /** @description W3C Trace Context, where there is a trace. */
          traceparent?: string;
          /** @description The same in every try. */
          "Webhook-Id": string;
          /** @description Seconds since 1970, with `--sign-key-file`. */
          "Webhook-Timestamp"?: string;
          /** @description `v1,<base64>`, with `--sign-key-file`. */
          "Webhook-Signature"?: string;
          /** @description `t=<unix seconds>,v1=<hex>`, with `--sign-key-file`. */
          "X-Ws2api-Signature"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["CallError"];
        };
      };
      responses: {
        /** @description Taken. */
        "2XX": {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Not taken: what is tried again, and when, docs/backend.md says. */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  resulterror: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * A client cannot use a CALLRESULT (ocpp2.1)
     * @description `POST <backend>/resulterror/{action}/{clientId}/{messageId}`, each segment percent-encoded once.
     */
    post: {
      parameters: {
        query?: never;
        header: {
          /** @description The connection: a UUIDv7. */
          "X-Ws2api-Connection": string;
          /** @description The client's address. */
          "X-Forwarded-For": string;
          /** @description The subprotocol; absent without one. */
          "X-Ws2api-Protocol"?: string;
          /** @description W3C Trace Context, where there is a trace. */
          traceparent?: string;
          /** @description The same in every try. */
          "Webhook-Id": string;
          /** @description Seconds since 1970, with `--sign-key-file`. */
          "Webhook-Timestamp"?: string;
          /** @description `v1,<base64>`, with `--sign-key-file`. */
          "Webhook-Signature"?: string;
          /** @description `t=<unix seconds>,v1=<hex>`, with `--sign-key-file`. */
          "X-Ws2api-Signature"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["CallError"];
        };
      };
      responses: {
        /** @description Taken. */
        "2XX": {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Not taken: what is tried again, and when, docs/backend.md says. */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  send: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * A client's SEND (ocpp2.1)
     * @description `POST <backend>/send/{action}/{clientId}/{messageId}`, each segment percent-encoded once.
     */
    post: {
      parameters: {
        query?: never;
        header: {
          /** @description The connection: a UUIDv7. */
          "X-Ws2api-Connection": string;
          /** @description The client's address. */
          "X-Forwarded-For": string;
          /** @description The subprotocol; absent without one. */
          "X-Ws2api-Protocol"?: string;
          /** @description W3C Trace Context, where there is a trace. */
          traceparent?: string;
          /** @description The same in every try. */
          "Webhook-Id"?: string;
          /** @description Seconds since 1970, with `--sign-key-file`. */
          "Webhook-Timestamp"?: string;
          /** @description `v1,<base64>`, with `--sign-key-file`. */
          "Webhook-Signature"?: string;
          /** @description `t=<unix seconds>,v1=<hex>`, with `--sign-key-file`. */
          "X-Ws2api-Signature"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["Payload"];
        };
      };
      responses: {
        /** @description Taken. */
        "2XX": {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Not taken: what is tried again, and when, docs/backend.md says. */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  connect: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Whether a client may connect, with `--connect-hook`
     * @description `POST <backend>/connect/{clientId}`, each segment percent-encoded once.
     */
    post: {
      parameters: {
        query?: never;
        header: {
          /** @description The connection: a UUIDv7. */
          "X-Ws2api-Connection": string;
          /** @description The client's address. */
          "X-Forwarded-For": string;
          /** @description The subprotocol; absent without one. */
          "X-Ws2api-Protocol"?: string;
          /** @description W3C Trace Context, where there is a trace. */
          traceparent?: string;
          /** @description The same in every try. */
          "Webhook-Id"?: string;
          /** @description Seconds since 1970, with `--sign-key-file`. */
          "Webhook-Timestamp"?: string;
          /** @description `v1,<base64>`, with `--sign-key-file`. */
          "Webhook-Signature"?: string;
          /** @description `t=<unix seconds>,v1=<hex>`, with `--sign-key-file`. */
          "X-Ws2api-Signature"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["Connect"];
        };
      };
      responses: {
        /** @description It may not; passed on with `WWW-Authenticate`. */
        401: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description It may not; passed on. */
        403: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Nobody knows it; passed on. */
        404: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description It may. `Cache-Control: max-age` lets this be remembered. */
        "2XX": {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description It gets 503, and tries again. */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  disconnect: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * A connection has ended, with `--disconnect-hook`
     * @description `POST <backend>/disconnect/{clientId}`, each segment percent-encoded once.
     */
    post: {
      parameters: {
        query?: never;
        header: {
          /** @description The connection: a UUIDv7. */
          "X-Ws2api-Connection": string;
          /** @description The client's address. */
          "X-Forwarded-For": string;
          /** @description The subprotocol; absent without one. */
          "X-Ws2api-Protocol"?: string;
          /** @description W3C Trace Context, where there is a trace. */
          traceparent?: string;
          /** @description The same in every try. */
          "Webhook-Id": string;
          /** @description Seconds since 1970, with `--sign-key-file`. */
          "Webhook-Timestamp"?: string;
          /** @description `v1,<base64>`, with `--sign-key-file`. */
          "Webhook-Signature"?: string;
          /** @description `t=<unix seconds>,v1=<hex>`, with `--sign-key-file`. */
          "X-Ws2api-Signature"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["Disconnect"];
        };
      };
      responses: {
        /** @description Taken. */
        "2XX": {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
        /** @description Not taken: what is tried again, and when, docs/backend.md says. */
        default: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export interface components {
  schemas: {
    /** @description The payload of a message; it passes byte for byte. */
    Payload: {
      [key: string]: unknown;
    };
    CallError: {
      code: string;
      description: string;
      details: {
        [key: string]: unknown;
      };
    };
    /** @description RFC 9457. */
    Problem: {
      type: string;
      title: string;
      status: number;
      /** @description What is wrong with this request. */
      detail: string;
      /** @description Where a payload is not as its schema says. */
      errors?: {
        /** @description A JSON pointer (RFC 6901). */
        pointer: string;
        detail: string;
      }[];
    };
    Client: {
      /** @description The ClientId. */
      id: string;
      /** @description The subprotocol, null without one. */
      protocol: string | null;
      remoteAddress: string;
      /** Format: date-time */
      connectedAt: string;
      /**
       * Format: uuid
       * @description A UUIDv7.
       */
      connection: string;
    };
    ClientState: {
      /** @description The ClientId. */
      id: string;
      /** @description The subprotocol, null without one. */
      protocol: string | null;
      remoteAddress: string;
      /** Format: date-time */
      connectedAt: string;
      /**
       * Format: uuid
       * @description A UUIDv7.
       */
      connection: string;
      /** Format: date-time */
      lastActivityAt: string;
      /** @description When its last valid frame came, null before the first. An instance of an older version does not tell it, nor `errors`. */
      heardAt?: string | null;
      framesIn: number;
      framesOut: number;
      waiting: number;
      outstanding: number;
      /** @description CALLERRORs and CALLRESULTERRORs that passed, either way, and texts that were no frame. */
      errors?: number;
    };
    /** @description The state comes with `sort` and `filter`, for clients that are connected. */
    ListedClient: {
      /** @description The ClientId. */
      id: string;
      /** @description The subprotocol, null without one. */
      protocol: string | null;
      remoteAddress: string;
      /** Format: date-time */
      connectedAt: string;
      /**
       * Format: uuid
       * @description A UUIDv7.
       */
      connection: string;
      /** Format: date-time */
      lastActivityAt?: string;
      /** @description When its last valid frame came, null before the first. An instance of an older version does not tell it, nor `errors`. */
      heardAt?: string | null;
      framesIn?: number;
      framesOut?: number;
      waiting?: number;
      outstanding?: number;
      /** @description CALLERRORs and CALLRESULTERRORs that passed, either way, and texts that were no frame. */
      errors?: number;
      /** @description With `--nats`: the name of the instance that holds it. */
      instance?: string;
      /** @description With `sort=messages`: measured over some seconds. */
      messagesPerSecond?: number;
      /** @description With `sort=-ends`: connections that ended in the last hour. */
      ends?: number;
      /**
       * Format: date-time
       * @description With `sort=-ends`: it is not connected since then.
       */
      endedAt?: string;
    };
    ClientPage: {
      /** @description Clients in all that the query finds. */
      total: number;
      clients: components["schemas"]["ListedClient"][];
      /** @description For `after`; null when this was the last page. */
      next: string | null;
      /**
       * @description Not all instances have answered, or not all threads; there may be more clients.
       * @constant
       */
      incomplete?: true;
    };
    /** @description What is null is not known any more, or not for this token. */
    CallOutcome: {
      /** @constant */
      kind: "result";
      payload: {
        [key: string]: unknown;
      } | null;
    } | {
      /** @constant */
      kind: "error";
      code: string | null;
      description: string | null;
      details: {
        [key: string]: unknown;
      } | null;
    };
    CallState: {
      /** @enum {string} */
      state: "queued" | "sent" | "ended";
      outcome: components["schemas"]["CallOutcome"] | null;
      /** @description Of the outcome to the backend; null before, and with `Prefer: wait`. */
      delivery: ("waiting" | "delivered" | "parked") | null;
      /** Format: date-time */
      acceptedAt: string;
      sentAt: string | null;
      endedAt: string | null;
      deliveredAt: string | null;
      /** @description That of its report's `Webhook-Id`, null without one. */
      id: string | null;
    };
    Report: {
      /**
       * Format: uuid
       * @description That of its `Webhook-Id`.
       */
      id: string;
      /** @enum {string} */
      state: "waiting" | "parked";
      /** @enum {string} */
      kind: "result" | "error" | "resulterror" | "disconnect";
      client: string;
      action: string | null;
      messageId: string | null;
      /** @description Null: too large to be told by another instance. */
      body: {
        [key: string]: unknown;
      } | null;
      /** Format: date-time */
      since: string;
      tries: number;
      lastFailure: string | null;
    };
    Retried: {
      retried: number;
    };
    ReportPage: {
      total: number;
      reports: components["schemas"]["Report"][];
      /** @description For `after`; null when this was the last page. */
      next: string | null;
    };
    Recording: {
      /** Format: uuid */
      id: string;
      client: string;
      /** Format: date-time */
      startedAt: string;
      /**
       * Format: date-time
       * @description When it ends by itself.
       */
      endsAt: string;
      /** @description Null while it goes on. */
      endedAt: string | null;
      lines: number;
      /** @description What it holds in memory, about. */
      bytes: number;
      /** @description Lines at its beginning that made room for later ones. */
      dropped: number;
    };
    RecordingList: {
      recordings: components["schemas"]["Recording"][];
      /**
       * @description Some instances cannot be asked.
       * @constant
       */
      incomplete?: true;
    };
    Connect: {
      protocols: string[];
      remoteAddress: string;
      authorization: string | null;
      tls: boolean;
      clientCertificate: {
        subject: {
          CN: string | null;
          O: string | null;
        };
        serialNumber: string;
        fingerprint256: string;
      } | null;
    };
    Disconnect: {
      code: number;
      reason: string;
    };
  };
  responses: never;
  parameters: {
    /** @description One segment, percent-encoded once. */
    Action: string;
    /** @description One segment, percent-encoded once. */
    ClientId: string;
    /** @description The caller's to choose; use each one once. */
    MessageId: string;
    /** @description A UUID. */
    ReportId: string;
    /** @description A UUID. */
    RecordingId: string;
    /** @description `wait=SECONDS`, 1 to 3600: the client's answer is the response. */
    Prefer: string;
    /** @description The same key with the same request within `--outcome-retention` gives the same answer, and nothing is sent again. */
    IdempotencyKey: string;
    /** @description W3C Trace Context. */
    Traceparent: string;
    /** @description The most of one page. */
    Limit: number;
    /** @description Goes on behind this one: `next` of the page before. */
    After: string;
    /** @description Goes on behind this one: `next` of the page before. */
    AfterReport: string;
    /** @description 503 also while NATS is away (`/readyz?strict`). */
    Strict: string;
    /** @description What it is sorted by, the least first; with `-` before it the greatest. `activity`: when the last frame came or went; `messages`: a second; `connected`: since when; `-ends`: connections that ended in the last hour. */
    Sort: string;
    /** @description A list, separated by commas: `protocol:NAME` (`none` for clients without one), `address:BEGINNING`, `instance:NAME`, `silent:DURATION` (no valid frame came for so long: `90s`, `10m`, `2h`), `errors` (more than none). All of it has to fit. NAME and BEGINNING are percent-encoded. */
    Filter: string;
    /** @description A part of the ClientId, in upper or lower case. */
    Search: string;
  };
  requestBodies: never;
  headers: {
    /** @description How far the CALL or SEND got. `not-sent`: it never reached the client, and may be sent again. */
    "Ws2api-Outcome": "queued" | "not-sent" | "sent" | "answered";
    /** @description Seconds. */
    "Retry-After": number;
    /** @description `wait=SECONDS` */
    "Preference-Applied": string;
    /** @description Its own path: `GET` tells how far it got. */
    Location: string;
    /** @description `true`: the answer to an earlier request with this `Idempotency-Key`; nothing was sent. */
    "Idempotency-Replayed": "true";
    /** @description `Bearer` */
    "WWW-Authenticate": string;
  };
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  callState: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description One segment, percent-encoded once. */
        action: components["parameters"]["Action"];
        /** @description One segment, percent-encoded once. */
        clientId: components["parameters"]["ClientId"];
        /** @description The caller's to choose; use each one once. */
        messageId: components["parameters"]["MessageId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Known. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["CallState"];
        };
      };
      /** @description A name is not valid. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description No such CALL is known, or no longer (`--outcome-retention`). */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: it cannot be known elsewhere. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  call: {
    parameters: {
      query?: never;
      header?: {
        /** @description `wait=SECONDS`, 1 to 3600: the client's answer is the response. */
        Prefer?: components["parameters"]["Prefer"];
        /** @description The same key with the same request within `--outcome-retention` gives the same answer, and nothing is sent again. */
        "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
        /** @description W3C Trace Context. */
        traceparent?: components["parameters"]["Traceparent"];
      };
      path: {
        /** @description One segment, percent-encoded once. */
        action: components["parameters"]["Action"];
        /** @description One segment, percent-encoded once. */
        clientId: components["parameters"]["ClientId"];
        /** @description The caller's to choose; use each one once. */
        messageId: components["parameters"]["MessageId"];
      };
      cookie?: never;
    };
    requestBody?: {
      content: {
        "application/json": components["schemas"]["Payload"];
      };
    };
    responses: {
      /** @description `Prefer: wait`: the client's CALLRESULT. */
      200: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "Preference-Applied": components["headers"]["Preference-Applied"];
          "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Payload"];
        };
      };
      /** @description Taken: `result` or `error` follows. */
      202: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          Location: components["headers"]["Location"];
          "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description A name is not valid, or the body is no JSON object. */
      400: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description No such client is connected. */
      404: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description A CALL with this MessageId to this client has not ended; or, with `Retry-After`, the first request with this `Idempotency-Key` has not been answered. */
      409: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          /** @description Seconds. */
          "Retry-After"?: number;
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `Prefer: wait`: the client went before it answered. */
      410: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "Preference-Applied": components["headers"]["Preference-Applied"];
          "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The body is longer than `--max-message`. */
      413: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `Prefer: wait`: the client's CALLERROR. Or, as a problem: the payload is not as `--validate strict` wants it, or another request had this `Idempotency-Key`. */
      422: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
          /** @description `wait=SECONDS` */
          "Preference-Applied"?: string;
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["CallError"];
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The client's queue is full, or the gateway's. */
      429: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description A fault of the gateway's own. */
      500: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The gateway is shutting down, or who holds the client cannot be asked; no room for one more report or `Idempotency-Key`; the outbox cannot be written. With `Idempotency-Replayed`: the answer is too large to be told by another instance. */
      503: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "Retry-After": components["headers"]["Retry-After"];
          "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `Prefer: wait`: no answer in time. It stays outstanding; a late answer is dropped. */
      504: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "Preference-Applied": components["headers"]["Preference-Applied"];
          "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  send: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description One segment, percent-encoded once. */
        action: components["parameters"]["Action"];
        /** @description One segment, percent-encoded once. */
        clientId: components["parameters"]["ClientId"];
        /** @description The caller's to choose; use each one once. */
        messageId: components["parameters"]["MessageId"];
      };
      cookie?: never;
    };
    requestBody?: {
      content: {
        "application/json": components["schemas"]["Payload"];
      };
    };
    responses: {
      /** @description Written to the client. */
      202: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description A name is not valid, or the body is no JSON object. */
      400: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description No such client is connected. */
      404: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The client does not speak ocpp2.1. */
      409: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The body is longer than `--max-message`. */
      413: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The payload is not as its schema says. */
      422: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The client's queue is full, or the gateway's. */
      429: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description A fault of the gateway's own. */
      500: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The gateway is shutting down, or who holds the client cannot be asked. */
      503: {
        headers: {
          "Ws2api-Outcome": components["headers"]["Ws2api-Outcome"];
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  listClients: {
    parameters: {
      query?: {
        /** @description What it is sorted by, the least first; with `-` before it the greatest. `activity`: when the last frame came or went; `messages`: a second; `connected`: since when; `-ends`: connections that ended in the last hour. */
        sort?: components["parameters"]["Sort"];
        /** @description A list, separated by commas: `protocol:NAME` (`none` for clients without one), `address:BEGINNING`, `instance:NAME`, `silent:DURATION` (no valid frame came for so long: `90s`, `10m`, `2h`), `errors` (more than none). All of it has to fit. NAME and BEGINNING are percent-encoded. */
        filter?: components["parameters"]["Filter"];
        /** @description A part of the ClientId, in upper or lower case. */
        search?: components["parameters"]["Search"];
        /** @description The most of one page. */
        limit?: components["parameters"]["Limit"];
        /** @description Goes on behind this one: `next` of the page before. */
        after?: components["parameters"]["After"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A page, sorted by id in UTF-16 code units, or as `sort` says and then by id; with `--nats` of those instances that can be asked. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ClientPage"];
        };
      };
      /** @description The query is not valid. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  showClient: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description One segment, percent-encoded once. */
        clientId: components["parameters"]["ClientId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is connected. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ClientState"];
        };
      };
      /** @description The path holds no ClientId. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description No such client is connected. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: it cannot be known elsewhere. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  disconnect: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description One segment, percent-encoded once. */
        clientId: components["parameters"]["ClientId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Closed. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description The path holds no ClientId. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description No such client is connected. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: it cannot be known elsewhere. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  listReports: {
    parameters: {
      query?: {
        state?: "waiting" | "parked";
        /** @description A ClientId. */
        client?: string;
        /** @description The most of one page. */
        limit?: components["parameters"]["Limit"];
        /** @description Goes on behind this one: `next` of the page before. */
        after?: components["parameters"]["AfterReport"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A page, the oldest first; with `--nats` of those instances that can be asked. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["ReportPage"];
        };
      };
      /** @description The query is not valid. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  showReport: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["ReportId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is there. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Report"];
        };
      };
      /** @description Nothing may stand in the query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description No such report waits or is parked. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: it cannot be known elsewhere. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  removeReport: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["ReportId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Removed. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Nothing may stand in the query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description No such report waits or is parked. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: it cannot be known elsewhere. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  retryReport: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["ReportId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It will be tried. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Nothing may stand in the query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description No such report waits or is parked. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: it cannot be known elsewhere. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  retryParked: {
    parameters: {
      query: {
        state: "parked";
        /** @description Only those that came to be then or later, RFC 3339. */
        since?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description So many will be tried; the rest, if any, had no place and stays parked. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Retried"];
        };
      };
      /** @description The query is not valid. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: so many will be tried, and some instances cannot be asked. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": {
            retried?: number;
          } & components["schemas"]["Problem"];
        };
      };
    };
  };
  listRecordings: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The oldest first; with `--nats` of those instances that can be asked. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["RecordingList"];
        };
      };
      /** @description Nothing may stand in the query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  startRecording: {
    parameters: {
      query: {
        /** @description A ClientId, connected or not. */
        client: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description From now on, wherever it connects. */
      202: {
        headers: {
          Location: components["headers"]["Location"];
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Recording"];
        };
      };
      /** @description The query is not valid. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description It is being recorded already. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description There are as many as there may be. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  downloadRecording: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["RecordingId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A JSON object in each line. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/x-ndjson": string;
        };
      };
      /** @description Nothing may stand in the query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description There is no such recording. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: it cannot be known elsewhere. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  removeRecording: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["RecordingId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Removed. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Nothing may stand in the query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description There is no such recording. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: it cannot be known elsewhere. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  endRecording: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description A UUID. */
        id: components["parameters"]["RecordingId"];
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It has ended. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description Nothing may stand in the query. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description There is no such recording. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description With `--nats`: it cannot be known elsewhere. */
      503: {
        headers: {
          "Retry-After": components["headers"]["Retry-After"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  metrics: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Text. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  counters: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Text. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
        };
      };
      /** @description The token is missing or wrong. */
      401: {
        headers: {
          "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description The token may not, or a page of another origin asks. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  healthz: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Text. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
        };
      };
    };
  };
  readyz: {
    parameters: {
      query?: {
        /** @description 503 also while NATS is away (`/readyz?strict`). */
        strict?: components["parameters"]["Strict"];
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Text. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
        };
      };
      /** @description It does not, at the moment. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "text/plain": string;
        };
      };
    };
  };
  openapi: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OpenAPI 3.1. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": Record<string, never>;
        };
      };
    };
  };
}
