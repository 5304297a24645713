/**
 * Checksums that S3 accepts, on one core: CRC-64/NVME (workers/src/base/wasm/crc64.ts), zlib's CRC-32, OpenSSL's SHA-256. Over 1 GiB
 * in memory, and over blocks of the sizes of uploads and downloads, which fit the processor's cache.
 *
 *   npm run bench -- checksum [--rounds 5] [--save]
 *
 * The three alternate. Prints one JSON object: gigabytes (1e9) per CPU-second.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';
import { crc64 } from '../workers/src/base/wasm/crc64.ts';
import { spread } from './support/run.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });

const METHODS: Record<string, (content: Uint8Array) => unknown> = {
  crc64nvme: (content) => crc64(content),
  crc32: (content) => crc32(content),
  sha256: (content) => createHash('sha256').update(content).digest(),
};
const content = randomFillSync(Buffer.alloc(2 ** 30));
const sizes = { 'in memory': content.length, 'parts of 16 MiB': 2 ** 24, 'blocks of 512 KiB': 2 ** 19 };

const rates: Record<string, number[]> = {};
for (let round = 0; round < Number(values.rounds); round++)
  for (const [method, checksum] of Object.entries(METHODS))
    for (const [name, bytes] of Object.entries(sizes)) {
      const block = content.subarray(0, bytes);
      const before = process.cpuUsage();
      for (let done = 0; done < content.length; done += bytes) checksum(block);
      const { user, system } = process.cpuUsage(before);
      const key = `${method}, ${name}`;
      rates[key] = [...(rates[key] ?? []), content.length / 1000 / (user + system)];
    }
const result = Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, spread(values)]));
process.stdout.write(`${JSON.stringify({ gigabytesPerCpuSecond: result }, null, 2)}\n`);
