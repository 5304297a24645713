import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusalHere } from '../support/refusal.ts';
import { missingPython, ROOT, sharedFolder, temporaryFolder } from '../support/run.ts';
import { h5py } from '../support/shards.ts';

const skip = missingPython();

const LANCEFLOW = join(ROOT, 'bin/lanceflow');
/** Bytes of a heap's header, and of an object's. */
const HEADER_BYTES = 16;

describe.skipIf(skip)('shards whose ids are damaged', () => {
  let whole = Buffer.alloc(0);
  let heap = 0;
  beforeAll(async () => {
    const folder = await sharedFolder();
    await h5py(folder, `shard('ids.h5', np.ones((40, 4), 'f4'), [f'protein_{i}' for i in range(40)])`);
    whole = await readFile(join(folder, 'ids.h5'));
    heap = whole.indexOf('GCOL');
  });

  /** Changes the first objects of the heap of ids: a size of `size` bytes. */
  const damage = async (change: (bytes: Buffer) => void) => {
    const folder = await temporaryFolder();
    const bytes = Buffer.from(whole);
    change(bytes);
    const path = join(folder, 'damaged.h5');
    await writeFile(path, bytes);
    return { folder, argv: ['describe-shard', '--input', path, '--output', join(folder, 'x.description')] };
  };
  /** The free space behind the last object is followed by an object without a size, where the library stays for ever. */
  const LOOP = (bytes: Buffer) => {
    let at = heap + HEADER_BYTES;
    while (bytes.readUInt16LE(at) !== 0) at += HEADER_BYTES + Math.ceil(bytes.readUInt32LE(at + 8) / 8) * 8;
    bytes.writeBigUInt64LE(0x98n, at + 8);
  };

  const start = (argv: readonly string[], seconds: string) => {
    const child = spawn(LANCEFLOW, argv, { env: { ...process.env, LANCEFLOW_STALL_SECONDS: seconds } });
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => {
      stderr += text.toString();
    });
    return { child, ended: once(child, 'close').then(([code, signal]) => ({ code, signal, stderr })) };
  };

  it('end with a message after a limit of CPU time where the library loops', async () => {
    const { folder, argv } = await damage(LOOP);
    const { code, stderr } = await start(argv, '0.5').ended;
    expect(stderr).toMatch(
      /damaged\.h5: HDF5 did not come back from reading rows 0 to 39 of "id" and "embedding"; the file is damaged\./,
    );
    expect(code).toBe(65);
    expect(await readdir(folder)).toEqual(['damaged.h5']);
  });

  it('end by SIGTERM at once where the library loops, and leave nothing', async () => {
    const { folder, argv } = await damage(LOOP);
    const { child, ended } = start(argv, '1000');
    const temporary = async () => (await readdir(folder)).length > 1;
    while (!(await temporary())) await new Promise((resolve) => setTimeout(resolve, 50));
    // It has begun to read.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 143, stderr: expect.stringContaining('Stopped by SIGTERM') });
    expect(await readdir(folder)).toEqual(['damaged.h5']);
  });

  it('are refused within the memory of good ones, however long an id says that it is', async () => {
    const before = process.resourceUsage().maxRSS;
    const references = whole.indexOf(Buffer.concat([Buffer.from([9, 0, 0, 0]), addressOf(heap)]));
    expect(references).toBeGreaterThan(0);
    for (const length of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 28]) {
      const { argv } = await damage((bytes) => bytes.writeUInt32LE(length, references));
      await expectRefusalHere(argv, 65, /damaged\.h5: /);
      const { argv: both } = await damage((bytes) => {
        bytes.writeUInt32LE(length, references);
        bytes.writeBigUInt64LE(BigInt(length), heap + HEADER_BYTES + 8);
        bytes.writeBigUInt64LE(BigInt(length) + 100n, heap + 8);
      });
      await expectRefusalHere(both, 65, /damaged\.h5: /);
    }
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(256);
  });
});

function addressOf(place: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(place));
  return bytes;
}
