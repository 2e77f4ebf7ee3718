import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser, type From, type Instruction } from 'dockerfile-ast';
import { describe, expect, it } from 'vitest';
import { parseLnmuxdArgs } from '../../src/daemon/cli/lnmuxdArgs.ts';
import { valuesWith } from './helm/chart.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Stage {
  readonly name: string;
  readonly image: string;
  readonly instructions: readonly Instruction[];
}

const dockerfile = DockerfileParser.parse(read('Dockerfile'));
const stages: Stage[] = [];
for (const instruction of dockerfile.getInstructions()) {
  if (instruction.getKeyword() === 'FROM') {
    const from = instruction as From;
    stages.push({ name: from.getBuildStage() ?? '', image: from.getImage() ?? '', instructions: [] });
  }
  (stages.at(-1)?.instructions as Instruction[] | undefined)?.push(instruction);
}

const textsOf = (stage: Stage, keyword: string): string[] =>
  stage.instructions
    .filter((each) => each.getKeyword() === keyword)
    .map((each) =>
      each
        .getArguments()
        .map((argument) => argument.getValue())
        .join(' '),
    );
const listOf = (stage: Stage, keyword: string): string[] =>
  JSON.parse(textsOf(stage, keyword).join('')) as string[];
const stage = (name: string) => stages.find((each) => each.name === name)!;
const FINAL = ['alpine', 'debian'];

describe('the Dockerfile', () => {
  it('builds two targets; Debian is the default', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build-alpine', 'alpine', 'build-debian', 'debian']);
    expect(stage('debian').image).toMatch(/^debian:.*-slim$/);
    expect(stage('alpine').image).toMatch(/^alpine:/);
  });

  it('has a Node that lnmux runs on, the one that it is tested with', () => {
    const [, version] = /ARG NODE_VERSION=(\S+)/.exec(read('Dockerfile'))!;
    expect(version).toBe(JSON.parse(read('package.json')).devDependencies.node);
  });

  it('copies what is there, and everything that a running lnmuxd reads', () => {
    for (const name of ['build-debian', 'build-alpine']) {
      const sources = textsOf(stage(name), 'COPY').flatMap((text) => text.split(' ').slice(0, -1));
      expect(sources.filter((source) => !existsSync(join(ROOT, source)))).toEqual([]);
      expect(sources).toEqual(expect.arrayContaining(['package-lock.json', 'bin', 'src', 'migrations']));
      const ignored = read('.dockerignore').split('\n');
      expect(sources.filter((source) => !ignored.includes(`!${source}`))).toEqual([]);
    }
  });

  it('copies from a stage before what that stage made', () => {
    for (const name of FINAL) {
      const build = stage(`build-${name}`);
      const made = [textsOf(build, 'WORKDIR')[0]!, '/usr/local/bin/node'];
      for (const copy of stage(name).instructions.filter((each) => each.getKeyword() === 'COPY')) {
        const [from, source] = [copy.getTextContent(), copy.getArguments().at(-2)!.getValue()];
        expect(from).toContain(`--from=${build.name}`);
        expect(made).toContain(source);
      }
    }
  });

  it('installs what the lock file says, without tools and without a PostgreSQL, and insists on the native curve', () => {
    for (const name of ['build-debian', 'build-alpine']) {
      expect(textsOf(stage(name), 'RUN').join('\n')).toContain(
        `npm ci --omit=dev --omit=optional && node -e "require('secp256k1/bindings')"`,
      );
    }
  });

  it.each(FINAL)('%s: runs as a user that is not root, the one of the chart', (name) => {
    const user = textsOf(stage(name), 'USER').at(-1)!;
    expect(user).toBe('10001:10001');
    expect(textsOf(stage(name), 'RUN').join()).toMatch(/-(u|-uid) 10001/);
    const helpers = read('deploy/helm/lnmux/templates/_helpers.tpl');
    expect(helpers).toContain('runAsUser: 10001');
    expect(helpers).toContain('runAsGroup: 10001');
  });

  it.each(FINAL)('%s: signals reach lnmuxd, which is started as in the image of the Go program', (name) => {
    expect(listOf(stage(name), 'ENTRYPOINT')).toEqual(['/usr/bin/tini', '--']);
    expect(textsOf(stage(name), 'RUN').join()).toMatch(/tini/);
    expect(listOf(stage(name), 'CMD')).toEqual(['lnmuxd']);
    expect(textsOf(stage(name), 'STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(textsOf(stage(name), 'WORKDIR')).toEqual(['/app']);
    expect(textsOf(stage(name), 'RUN').join()).toContain('/usr/lib/lnmux/bin/lnmuxd.js /usr/bin/lnmuxd');
  });

  it.each(FINAL)('%s: is tried while it is built, with words that lnmuxd knows', (name) => {
    const [, word] = /&& lnmuxd (\S+)/.exec(textsOf(stage(name), 'RUN').join('\n'))!;
    expect(parseLnmuxdArgs([word!])).toMatchObject({ ok: true, command: { command: 'version' } });
  });

  it.each(FINAL)('%s: says whether it is healthy, by the address of the defaults', (name) => {
    expect(textsOf(stage(name), 'HEALTHCHECK').join()).toContain('process.env.LNMUX_HEALTH_URL');
    expect(textsOf(stage(name), 'ENV').join()).toContain('http://127.0.0.1:2112/healthz');
    expect(read('lnmux.yml.example')).toMatch(/#healthAddress: localhost:2112/);
    const { metrics, api } = valuesWith({}) as { metrics: { port: number }; api: { port: number } };
    expect(textsOf(stage(name), 'EXPOSE')).toEqual([`${api.port} ${metrics.port}`]);
  });
});
