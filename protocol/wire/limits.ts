/** Limits of the wire: every length is bounded here before anything is allocated. */
export const limits = {
  /** Largest control frame: a round start for a group of 128 with its sealed shares fits ten times over. */
  frame: 1 << 20,
  /** Frames of one end of a link, and their bytes, that are kept until the peer has them; a link that needs more ends. */
  keptFrames: 4_096,
  keptBytes: 16 << 20,
  /** Largest plan in canonical bytes. */
  plan: 1 << 18,
  /** Members of a roster. */
  roster: 10_000,
  /** Characters of a site's name. */
  name: 63,
  /** Characters in which a site says what it runs on. */
  agent: 64,
  /** Characters of a reason shown to a person. */
  reason: 2_000,
  /** Largest blob of the bulk plane: a masked vector, a sum or a model state. */
  blob: 1 << 30,
} as const
