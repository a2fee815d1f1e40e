/**
 * A name that no machine has, and that no name server is asked for: a label has 63 characters at the
 * most (RFC 1035 §2.3.4), so the system itself says that there is none, at once and always.
 */
export const NO_NAME = `nowhere-${"x".repeat(60)}.invalid`;
