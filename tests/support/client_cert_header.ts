/** A certificate as a proxy passes it on (RFC 9440), and what the connect hook tells of it. */
export const CLIENT_CERT = {
  header: `:${
    [
      "MIIBmDCCAT2gAwIBAgIDChssMAoGCCqGSM49BAMCMCoxFjAUBgNVBAoMDUV4YW1wbGUsIEluYy4xEDAOBgNVBAMM",
      "B1NOLTA4MTUwIBcNMjYxMTI4MTE0OTQ2WhgPMjEyNjExMDQxMTQ5NDZaMCoxFjAUBgNVBAoMDUV4YW1wbGUsIElu",
      "Yy4xEDAOBgNVBAMMB1NOLTA4MTUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARuo3McI/7TGfRMRe59PZeBJh5C",
      "C0aqCw0r7VgNlzKUI1Wg3ej6taZLVJjDRllMpLEsCbVIoaj44CaTaJBmekV+o1AwTjAdBgNVHQ4EFgQUUW/adjWP",
      "RxT3S8uvNn1Iv9pQMEkwHwYDVR0jBBgwFoAUUW/adjWPRxT3S8uvNn1Iv9pQMEkwDAYDVR0TAQH/BAIwADAKBggq",
      "hkjOPQQDAgNJADBGAiEAlCXlfvAAJMoqB0HiQos/HhoLco0a8NI1c76tkUbJ0NkCIQCZz4N5Vr5D7ZwH+LcYtLNU",
      "vcSNCkZFSO3uUZJ5s91Xag==",
    ].join("")
  }:`,
  told: {
    subject: { CN: "SN-0815", O: "Example, Inc." },
    serialNumber: "0A1B2C",
    fingerprint256:
      "F7:5E:1E:68:64:DF:BC:77:FB:59:38:3D:1A:52:0A:FA:89:31:2F:C6:54:31:BA:FE:86:66:9E:C6:0A:40:F7:0C",
  },
} as const;
