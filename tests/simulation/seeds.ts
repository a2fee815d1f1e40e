/**
 * Seeds that once failed. Each is run again with every test, so that what it found stays mended.
 *
 * A seed stands for the same run as long as nothing draws random numbers in another order: after a change
 * of the simulator or of the program an old one may show something else than it did, and is kept for what
 * it shows now.
 *
 * @module
 */

/**
 * With each what it found. Those that are newer draw all that there is; the older ones nothing that came
 * after them: clients that are held back, what is kept in JetStream.
 */
export const SEEDS: readonly (readonly [seed: number, found: string, isNewer?: true])[] = [
  [48, "an instance that gave up CALLs during a cut was never told that another one reported them"],
  [154, "the same"],
  [323, "the same"],
  [1103, "the same"],
  [77, "GET /call said for ever that the outcome of a CALL waits which another instance had lost"],
  [109, "the same"],
  [64, "an outcome was dropped for one that its acceptor had not reported when it left"],
  [61, "an instance kept what it had given up of one that was gone for good, and a timer"],
  [76, "the same"],
  [187, "of two questions that crossed the second one took away the reminder of the first"],
  [415, "an outcome was reported by both instances when its CALL ended long after a cut"],
  [427, "a key was not known after a restart while the outcome of its CALL waited in the outbox"],
  [705, "none: of what was parked before its first try the rules knew nothing"],
  [
    1023679,
    "none: the rules took what was parked for what had been told of an earlier CALL with its id",
  ],
  [
    1020159,
    "none: an instance that knew only one that had left was taken for one that knew the other",
  ],
  [1021082, "the same"],
  [1024471, "the same"],
  [1030074, "the same"],
  [1033313, "the same"],
  [2000739, "an answer whose connection to NATS had gone was logged as a message not taken"],
  [
    20,
    "an owner whose heir had delivered all took itself for the owner again when it came back",
    true,
  ],
  [152, "the same", true],
  [
    31,
    "reports were kept under a name that had never said that it is there",
    true,
  ],
  [
    619,
    "an heir delivered in the order of the stream, where a write that was repeated is late",
    true,
  ],
  [4, "an entry whose first write came late was never removed", true],
  [1025, "the same", true],
  [477, "in place of an entry an older one was removed, which a replica had given", true],
  [2846, "an owner whose heir had not come to an entry yet removed its outcome", true],
  [5679, "an owner that was not certain of it wrote what its heir had delivered and removed", true],
  [
    7002,
    "an owner that was not certain of it wrote a report when its heir was done with all",
    true,
  ],
  [
    11567,
    "an heir was taken for gone of which nothing was heard, and all was inherited once more",
    true,
  ],
  [11906, "the same", true],
  [10555, "what arrived when an heir was done with all else waited for a quarter of an hour", true],
  [
    21167,
    "what was delivered and came to be once more, by a late write, was inherited again",
    true,
  ],
  [
    24321,
    "an heir that left while it looked for late entries left two signs of life for good",
    true,
  ],
  [21111, "none: an instance that inherits what it had lost tries it again", true],
  [
    52102,
    "an heir's estates were taken over before it was itself: it came back, and both had them",
    true,
  ],
  [
    4607,
    "none: the model of a backend that is away knew nothing of a CALL that was sent again",
    true,
  ],
  [26532, "the same", true],
  [
    100078,
    "what a backend had asked for in Retry-After was forgotten with a report that was lost",
    true,
  ],
  [104012, "none: until an heir takes over nobody knows the keys of one that has ended", true],
  [108172, "the same", true],
  [110261, "none: an instance that inherits what it had told itself tells it in another way", true],
  [116399, "none: what was refused by one that left was written a moment later", true],
  [117991, "none: of a CALL that is asked for again when its key is forgotten", true],
  [119388, "none: the sign of one that had an heir stayed when the heir had left", true],
  [122468, "none: an instance inherited a CALL whose client had brought it along before", true],
  [123918, "the same", true],
  [125347, "none: first writes without an answer were written again, and inherited later", true],
  [131445, "none: what one left was inherited after its farewell, a moment before its end", true],
  [
    141731,
    "an owner that lost all while it looked for late entries removed its heir's outcomes",
    true,
  ],
  [
    161816,
    "an heir that had stood still took over once more what was its own heir's by then",
    true,
  ],
];
