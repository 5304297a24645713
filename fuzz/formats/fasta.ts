import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { Dice } from '../dice.ts';
import type { Case, Format, RunFacts } from '../engine/case.ts';
import { type FastaRecord, readFastaPlainly } from '../oracle/fasta.ts';
import { readWrittenShard } from '../oracle/outputs.ts';

const LETTERS = 'ACDEFGHIKLMNPQRSTVWYX';
const PACKINGS = {
  fasta: { pack: (text: Buffer) => text, unpack: (bytes: Buffer) => bytes },
  'fasta.gz': { pack: (text: Buffer) => gzipSync(text), unpack: (bytes: Buffer) => gunzipSync(bytes) },
  'fasta.zst': { pack: (text: Buffer) => zstdCompressSync(text), unpack: (bytes: Buffer) => zstdDecompressSync(bytes) },
} as const;

/** Sequences, plain and compressed: the embedded sequences must be those of a plain reader of the fuzzer's own. */
export const FASTA: Format[] = Object.entries(PACKINGS).map(([ending, { pack, unpack }]) => ({
  name: ending,
  describe: 'embed-sequences and split-sequences on changed sequences',
  weight: ending === 'fasta' ? 3 : 1,
  async prepare(folder) {
    const texts = { lines: fastaText(60, '\n'), crlf: fastaText(0, '\r\n'), wide: fastaText(0, '\n') };
    const cases: Case[] = [];
    for (const [name, text] of Object.entries(texts)) {
      const template = join(folder, name);
      await mkdir(template, { recursive: true });
      const target = `x.${ending}`;
      await writeFile(join(template, target), pack(Buffer.from(text)));
      const partners = Object.keys(texts).map((other) => join(folder, other, target));
      const base = { template, target, anatomy: ending === 'fasta' ? 'text' : 'bytes', partners } as const;
      const embed = ['embed-sequences', '--model', 'kmer', '--input', target, '--output', 'x.h5'];
      const split = ['split-sequences', '--input', target, '--part-residues', '300', '--output', 'parts'];
      cases.push(
        { ...base, name: `${name}, embedded`, steps: [embed], outputs: ['x.h5'], ...embedded(unpack) },
        { ...base, name: `${name}, split`, steps: [split], outputs: [], writes: ['parts'], ...divided(unpack) },
      );
    }
    return cases;
  },
}));

function fastaText(width: number, newline: string): string {
  const dice = new Dice('fasta', width);
  return Array.from({ length: 12 }, (_, i) => {
    const letters = Array.from({ length: 20 + dice.below(120) }, () => LETTERS[dice.below(LETTERS.length)]).join('');
    const lines = width > 0 ? (letters.match(new RegExp(`.{1,${width}}`, 'g')) ?? []) : [letters];
    return [`>protein_${i} some text`, ...lines, ''].join(newline);
  }).join('');
}

type Unpack = (bytes: Buffer) => Buffer;
type Judged = Pick<Case, 'answer' | 'explain'>;

/** Returns the records that the commands must read; an Error where they must refuse the file. */
function recordsOf(bytes: Buffer, unpack: Unpack): FastaRecord[] | Error {
  try {
    return readFastaPlainly(unpack(bytes));
  } catch (error) {
    return error as Error;
  }
}

function embedded(unpack: Unpack): Judged {
  const vectorOf = new Map<string, string>();
  return {
    async answer({ folder, valid, mutated }) {
      const rows = await readWrittenShard(join(folder, 'x.h5'));
      const records = recordsOf(valid, unpack);
      if (valid.equals(mutated) && !(records instanceof Error))
        for (const [i, { sequence }] of records.entries()) vectorOf.set(sequence, rows[i]!.vector);
      return rows.map(({ id, vector }) => `${JSON.stringify(id)} ${vector}`).join('\n');
    },
    async explain({ folder, mutated, report }) {
      const records = recordsOf(mutated, unpack);
      if (records instanceof Error) return `embedded, although: ${records.message}`;
      const rows = await readWrittenShard(join(folder, 'x.h5'));
      if (rows.length !== records.length) return `${rows.length} vectors of ${records.length} sequences`;
      const residues = records.reduce((sum, { sequence }) => sum + sequence.length, 0);
      if (report(0).residues !== residues) return `${report(0).residues} residues, not ${residues}`;
      for (const [i, { id, sequence }] of records.entries()) {
        if (rows[i]!.id !== id) return `id ${JSON.stringify(rows[i]!.id)}, not ${JSON.stringify(id)}`;
        const known = vectorOf.get(sequence);
        if (known !== undefined && known !== rows[i]!.vector)
          return `another vector for the sequence of ${JSON.stringify(id)}`;
      }
      return undefined;
    },
  };
}

function divided(unpack: Unpack): Judged {
  const records = async ({ folder }: RunFacts) => {
    const names = (await readdir(join(folder, 'parts'))).sort();
    const parts = await Promise.all(names.map((name) => readFile(join(folder, 'parts', name))));
    return parts.map((part) => readFastaPlainly(part));
  };
  const text = (parts: Awaited<ReturnType<typeof records>>) =>
    parts
      .flatMap((part) => (part instanceof Error ? [part.message] : part.map((one) => JSON.stringify(one))))
      .join('\n');
  return {
    answer: async (facts) => text(await records(facts)),
    async explain(facts, answer) {
      const read = recordsOf(facts.mutated, unpack);
      // Duplicated ids are detected where the parts are embedded or packed.
      if (read instanceof Error)
        return read.message.includes('twice') ? undefined : `divided, although: ${read.message}`;
      return answer === text([read]) ? undefined : 'the parts together are not the file';
    },
  };
}
