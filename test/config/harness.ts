import { type ConfigResult, decodeConfig, formatProblem } from '../../src/daemon/config/load.ts';

export const KEY = '81b637d8fcd2c6da6859e6963113a1170de793e4b725b84d1e0b4cf99ec58ce9';
export const NODE_A = '020723c6f2203f1072336bd0e71bf4d11e367ab0b3010ce60c080abef0d4770db8';
export const NODE_B = '026ff75cb2ff49b864833aa3c93970069070231a9ad64819252e190406dd0a6976';
export const GOOD = `lnd:
  network: regtest
  nodes:
    - pubKey: ${NODE_A}
      lndUrl: localhost:10009
      macaroonPath: a.macaroon
      tlsCertPath: a.cert
identityKey: ${KEY}
`;

export function decode(text: string, env: NodeJS.ProcessEnv = {}, strict = true): ConfigResult {
  return decodeConfig(text, { path: '/etc/lnmux/lnmux.yml', strict, env });
}

export function good(text: string, env: NodeJS.ProcessEnv = {}) {
  const result = decode(text, env);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result;
}

export function problems(text: string, env: NodeJS.ProcessEnv = {}, strict = true): string[] {
  const result = decode(text, env, strict);
  return result.ok ? [] : result.problems.map((problem) => formatProblem(problem).replace('/etc/lnmux/', ''));
}
