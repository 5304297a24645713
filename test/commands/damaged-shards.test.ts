import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusalHere } from '../support/refusal.ts';
import { missingPython, ROOT, sharedFolder, temporaryFolder } from '../support/run.ts';
import { h5py } from '../support/shards.ts';
import { waitUntil } from '../support/wait.ts';

const skip = missingPython();

const LANCEFLOW = join(ROOT, 'bin/lanceflow');
/** Bytes of a heap's header, and of an object's. */
const HEADER_BYTES = 16;

describe.skipIf(skip)('shards whose ids are damaged', () => {
  let [whole, short] = [Buffer.alloc(0), Buffer.alloc(0)];
  beforeAll(async () => {
    const folder = await sharedFolder();
    await h5py(
      folder,
      `
ids = [f'protein_{i}' for i in range(40)]
shard('ids.h5', np.ones((40, 4), 'f4'), ids)
sizes = h5py.h5p.create(h5py.h5p.FILE_CREATE); sizes.set_sizes(8, 4)
with h5py.File(h5py.h5f.create(b'short.h5', h5py.h5f.ACC_TRUNC, sizes)) as f:
    f['embedding'] = np.ones((40, 4), 'f4'); f.create_dataset('id', data=ids, dtype=text)`,
    );
    whole = await readFile(join(folder, 'ids.h5'));
    short = await readFile(join(folder, 'short.h5'));
  });

  /** Copies a shard with a changed heap of ids. @returns the command that must refuse it */
  const damage = async (shard: Buffer, change: (bytes: Buffer, heap: number) => void) => {
    const folder = await temporaryFolder();
    const bytes = Buffer.from(shard);
    change(bytes, bytes.indexOf('GCOL'));
    const path = join(folder, 'damaged.h5');
    await writeFile(path, bytes);
    return { folder, argv: ['describe-shard', '--input', path, '--output', join(folder, 'x.description')] };
  };
  /** Finds the size field of the free space behind the last object of a heap. */
  const freeSizeAt = (bytes: Buffer, heap: number) => {
    let at = heap + HEADER_BYTES;
    while (bytes.readUInt16LE(at) !== 0) at += HEADER_BYTES + Math.ceil(bytes.readUInt32LE(at + 8) / 8) * 8;
    return at + 8;
  };
  /** Puts an object without a size behind the free space, where the library loops. */
  const loop = (bytes: Buffer, heap: number) => bytes.writeUInt32LE(0x98, freeSizeAt(bytes, heap));

  const start = (argv: readonly string[], seconds: string) => {
    const child = spawn(LANCEFLOW, argv, { env: { ...process.env, LANCEFLOW_STALL_SECONDS: seconds } });
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => {
      stderr += text.toString();
    });
    return { child, ended: once(child, 'close').then(([code, signal]) => ({ code, signal, stderr })) };
  };

  it('are refused after a limit of CPU time if the HDF5 library loops', async () => {
    const { folder, argv } = await damage(short, loop);
    const { code, stderr } = await start(argv, '0.5').ended;
    expect(stderr).toMatch(
      /damaged\.h5: HDF5 did not finish reading rows 0 to 39 of "id" and "embedding"; the file is damaged\./,
    );
    expect(code).toBe(65);
    expect(await readdir(folder)).toEqual(['damaged.h5']);
  });

  it('do not block SIGTERM if the HDF5 library loops, and leave no file', async () => {
    const { folder, argv } = await damage(short, loop);
    const { child, ended } = start(argv, '1000');
    await waitUntil('a file is being written', async () => (await readdir(folder)).length > 1, { during: child });
    // The command is reading.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 143, stderr: expect.stringContaining('Stopped by SIGTERM') });
    expect(await readdir(folder)).toEqual(['damaged.h5']);
  });

  it('are refused at once if a size exceeds 32 bits, is zero, or exceeds the heap', async () => {
    for (const size of [0n, 0x98n, 2n ** 32n, 0x7000000000098n, 2n ** 63n, 2n ** 64n - 16n, 5000n]) {
      const { argv } = await damage(whole, (bytes, heap) => bytes.writeBigUInt64LE(size, freeSizeAt(bytes, heap)));
      await expectRefusalHere(argv, 65, /damaged\.h5: a heap of texts has a wrong object; the file is damaged/);
    }
    for (const size of [0n, 8n, 2n ** 31n, 2n ** 40n, 2n ** 64n - 1n]) {
      const { argv } = await damage(whole, (bytes, heap) => bytes.writeBigUInt64LE(size, heap + 8));
      await expectRefusalHere(argv, 65, /damaged\.h5: .*damaged/);
    }
  });

  it('are refused within the memory that good shards need, for any claimed length of an id', async () => {
    const before = process.resourceUsage().maxRSS;
    const references = whole.indexOf(Buffer.concat([Buffer.from([9, 0, 0, 0]), addressOf(whole.indexOf('GCOL'))]));
    expect(references).toBeGreaterThan(0);
    for (const length of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 28]) {
      const { argv } = await damage(whole, (bytes) => bytes.writeUInt32LE(length, references));
      await expectRefusalHere(argv, 65, /damaged\.h5: /);
      const { argv: both } = await damage(short, (bytes, heap) => {
        bytes.writeUInt32LE(length, bytes.indexOf(Buffer.concat([Buffer.from([9, 0, 0, 0]), addressOf(heap)])));
        bytes.writeUInt32LE(length, heap + HEADER_BYTES + 8);
        bytes.writeUInt32LE(length - 16, heap + 8);
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
