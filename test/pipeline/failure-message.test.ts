import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/run.ts';
import { check, failure } from './support/checks.ts';

/** Command lines of a run, and what a command with other parameters keeps of each. */
const STARTS: Record<string, string> = {
  'run main.nf --input in': 'run main.nf',
  '-c my.config -q run /x/main.nf -profile slurm,big --k 5 -resume':
    '-c my.config -q run /x/main.nf -profile slurm,big',
  'run -profile docker main.nf -c=a.config --max_distance -1 -w s3://b/w':
    'run main.nf -profile docker -c=a.config -w s3://b/w',
  'run lanceflow -r v1 -params-file p.yml --csv-safe -stub-run -work-dir w':
    'run lanceflow -r v1 -params-file p.yml -work-dir w',
  'run -resume main.nf --queries run -with-report r.html -with-docker': 'run main.nf -with-docker',
  'run -resume happy_curie main.nf -name run -ansi-log false -offline': 'run main.nf -offline',
  '-log x.log -C only.config run main.nf -c': '-log x.log -C only.config run main.nf -c',
};

test('a failure has the message of the worker, with the names of the user', async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const task = at('work/2d/cd4e8f');
  for (const name of ['one', 'two', 'work/2d/cd4e8f/queries/1']) await mkdir(at(name), { recursive: true });
  for (const name of ['one/q.h5', 'two/q.h5', 'my queries.h5', 'a b.fa']) await writeFile(at(name), name);
  await symlink(at('two/q.h5'), join(task, 'queries/1/q.h5'));
  const files = ['one/q.h5', 'two/q.h5', 'my queries.h5', 'a b.fa'].map((name) => ({
    source: at(name),
    kind: name.endsWith('.h5') ? 'shard' : 'fasta',
    path: at(name),
  }));
  const failed = (message: string, workDir = task, cause = 'Process `A` terminated with an error exit status (137)') =>
    failure(
      {
        errorMessage: message,
        errorReport: `Error executing\n\nCaused by:\n  ${cause}\n\nCommand error:\n  ${message}\n\nWork dir:\n  ${workDir}\n\nTip: x`,
      },
      files,
    );
  const starts = Object.entries(STARTS);
  const answers = await check(
    {
      starts: { check: 'start', lines: starts.map(([words]) => words.split(' ')) },
      spaces: failed(
        'embedding: 1 of 2 rows\nlanceflow search-bucket: queries/1/my queries.h5: query vectors of 5\n  more',
      ),
      same: failed('lanceflow x: "queries/1/q.h5" is damaged'),
      made: failed('lanceflow x: shards/3/a_b.fa.h5: no model'),
      unknown: failed('lanceflow x: shards/3/other.h5: no model'),
      colored: failed('\x1b[1m\x1b[31mlanceflow x:\x1b[39m\x1b[22m no model'),
      silent: failed(''),
      onS3: failed('lanceflow x: queries/1/q.h5: no model', 's3://bucket/work/ab/cdef'),
      stopped: failure({ errorMessage: 'SIGINT', errorReport: null }, []),
    },
    folder,
  );
  const log = `cat ${task}/.command.log`;
  expect(Object.fromEntries(Object.entries(answers).map(([name, { value, error }]) => [name, error ?? value]))).toEqual(
    {
      starts: starts.map(([, kept]) => kept.split(' ')),
      spaces: [`lanceflow search-bucket: ${at('my queries.h5')}: query vectors of 5\nmore`, log],
      same: [`lanceflow x: "${at('two/q.h5')}" is damaged`, log],
      made: [`lanceflow x: ${at('a b.fa')}: no model`, log],
      unknown: ['lanceflow x: shards/3/other.h5: no model', log],
      colored: ['lanceflow x: no model', log],
      silent: ['Process `A` terminated with an error exit status (137)', log],
      onS3: ['lanceflow x: queries/1/q.h5: no model', 'aws s3 cp s3://bucket/work/ab/cdef/.command.log -'],
      stopped: ['The run was stopped by SIGINT.', null],
    },
  );
});
