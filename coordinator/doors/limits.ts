/** How much anybody who has proved nothing may cost: connections, requests and frames. */
export const doorLimits = {
  /** Open TCP connections in all, and from one address; a hospital's sites may share one. */
  connections: 10_000,
  connectionsPerAddress: 2_048,
  /** Milliseconds without a byte after which a connection that is no WebSocket ends. */
  idle: 30_000,
  /** Milliseconds for the headers of a request, and for the body of one that is no upload. */
  headers: 10_000,
  body: 20_000,
  /** Bytes of a request's headers. */
  headerBytes: 16 * 1024,
  /** Requests a minute from one address, where no site has proved its key: the API, enrolment. */
  apiPerMinute: 600,
  enrolmentPerMinute: 120,
  /** Control frames of one peer, in bytes: a burst, then so many a second; a small frame counts as `frameBytes`. */
  burstBytes: 8 << 20,
  bytesPerSecond: 1 << 20,
  frameBytes: 4 << 10,
  /** Frames that wait to be read, before and after the peer has proved its key. */
  waitingStranger: 8,
  waitingMember: 1_000,
} as const
