import type { Target } from '../engine/target.ts';
import { args } from './args.ts';
import { bolt11 } from './bolt11.ts';
import { config } from './config.ts';
import { dsn } from './dsn.ts';
import { failure } from './failure.ts';
import { finalPayload } from './finalPayload.ts';
import { grpcMessages } from './grpcMessages.ts';
import { grpcServer } from './grpcServer.ts';
import { linkSequence } from './linkSequence.ts';
import { offerCodec } from './offerCodec.ts';
import { onion } from './onion.ts';
import { paymentAddr } from './paymentAddr.ts';
import { tlvStream } from './tlvStream.ts';

/** Everything that takes input from outside, the fastest first. */
export const TARGETS: readonly Target[] = [
  paymentAddr,
  tlvStream,
  finalPayload,
  dsn,
  args,
  offerCodec,
  failure,
  ...grpcMessages,
  onion,
  bolt11,
  linkSequence,
  config,
  grpcServer,
];
