import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TransientError } from '../../../workers/src/base/errors.ts';
import { processName } from '../../../workers/src/base/files/process-name.ts';
import { s3Locks } from '../../../workers/src/database/s3/lease.ts';
import { s3Store } from '../../../workers/src/database/s3/s3-store.ts';
import { missingServer } from '../../support/s3.ts';
import { at, withDatabases } from '../../support/s3-database.ts';

const KEY = '_pending/bucket_00001.lock';
const BUCKET = 'bucket_00001';
const unexpected = (error: Error) => {
  throw error;
};

describe.skipIf(missingServer('moto'))('the lock of a bucket on S3', () => {
  withDatabases();
  const storeOf = async (prefix: string) => s3Store(await at(prefix));

  it('is held by one of many processes at a time', async () => {
    const store = await storeOf('one');
    let holders = 0;
    let turns = 0;
    const turn = async () => {
      const release = await s3Locks(store).acquire(BUCKET, unexpected);
      expect(++holders).toBe(1);
      await sleep(20);
      holders--;
      turns++;
      await release();
    };
    await Promise.all([turn(), turn(), turn()]);
    expect(turns).toBe(3);
    expect(await store.read(KEY)).toBeUndefined();
  });

  it('is renewed while its holder works', async () => {
    const store = await storeOf('renewed');
    const release = await s3Locks(store, { leaseMs: 2000, renewMs: 100 }).acquire(BUCKET, unexpected);
    let taken = false;
    const other = s3Locks(store).acquire(BUCKET, unexpected);
    void other.then(() => {
      taken = true;
    });
    await sleep(2500);
    expect(taken).toBe(false);
    await release();
    await (await other)();
  });

  it.each([
    ['of a process that has ended', { owner: deadOwner(), leaseMs: 600_000 }],
    ['that nobody renews', { owner: 'elsewhere.1', leaseMs: 500 }],
  ])('%s is taken over', async (name, lease) => {
    const store = await storeOf(name.replaceAll(' ', '-'));
    await store.write(KEY, JSON.stringify(lease));
    await (await s3Locks(store).acquire(BUCKET, unexpected))();
    expect(await store.read(KEY)).toBeUndefined();
  });

  it('whose object cannot be parsed is respected until it expires', async () => {
    const store = await storeOf('unreadable');
    await store.write(KEY, 'no JSON');
    const acquired = s3Locks(store).acquire(BUCKET, unexpected);
    expect(await Promise.race([acquired, sleep(1500)])).toBeUndefined();
    await store.remove(KEY);
    await (await acquired)();
  });

  it.each(['replaced', 'removed'])(
    'that is %s by somebody else is lost, and the build fails as a passing fault',
    async (how) => {
      const store = await storeOf(how);
      const lost = Promise.withResolvers<Error>();
      const release = await s3Locks(store, { leaseMs: 5000, renewMs: 50 }).acquire(BUCKET, lost.resolve);
      if (how === 'removed') await store.remove(KEY);
      else await store.write(KEY, JSON.stringify({ owner: 'x.1', host: 'other-host', leaseMs: 1000 }));
      const error = await lost.promise;
      expect(error).toBeInstanceOf(TransientError);
      expect(error.message).toMatch(how === 'removed' ? /being deleted/ : /other-host has it/);
      expect(release).toBeTypeOf('function');
    },
  );

  it('of an ended process is removed with its bucket', async () => {
    const store = await storeOf('ended');
    await store.write(KEY, JSON.stringify({ owner: deadOwner() }));
    await s3Locks(store).removeEnded(BUCKET);
    expect(await store.read(KEY)).toBeUndefined();
    await store.write(KEY, JSON.stringify({ owner: processName() }));
    await s3Locks(store).removeEnded(BUCKET);
    expect(await store.read(KEY)).toBeDefined();
  });
});

/** The name of a process of this machine that does not exist: pids end at 2^22. */
function deadOwner(): string {
  return `${processName().split('.')[0]}.4194305`;
}
