/**
 * A configuration with every key that the Go program knows, in the order and with the values of the example that it
 * shipped, `lnd.timeout` included.
 */
export const GO_EXAMPLE = `lnd:
  nodes:
    - pubKey: 020723c6f2203f1072336bd0e71bf4d11e367ab0b3010ce60c080abef0d4770db8
      macaroonPath: testdata/alice.macaroon
      tlsCertPath: testdata/alice.cert
      lndUrl: localhost:10009
      priority: 1
    - pubKey: 026ff75cb2ff49b864833aa3c93970069070231a9ad64819252e190406dd0a6976
      macaroonPath: testdata/bob.macaroon
      tlsCertPath: testdata/bob.cert
      lndUrl: localhost:10010
      priority: 2

  timeout: 5s
  network: regtest

db:
  dsn: postgres://bottle:bottle@localhost:45432/lnmux?sslmode=disable
  poolSize: 0
  minIdleConns: 0
  maxConnAge: 0
  poolTimeout: 0s
  idleTimeout: 300000000000

identityKey: 0a02030405060708010203040506070801020304050607080102030405060708

autoSettle: false
listenAddress: localhost:19090
instrumentationAddress: localhost:2112

logging:
  level: DEBUG
  format: ""
  withCaller: false
  grpcLogging: false
  grpcPayloadLogging: false

distributedLock:
  namespace: ""
  name: ""
  id: ""
  devKubeConfig: ""

routingPolicy:
  cltvDelta: 40
  feeBaseMsat: 0
  feeRatePpm: 0
`;
