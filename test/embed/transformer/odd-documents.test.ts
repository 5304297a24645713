import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { toUserError, UserError } from '../../../workers/src/base/errors.ts';
import { loadModelFolder } from '../../../workers/src/embed/transformer/model-folder.ts';
import { type Family, randomCheckpoint, testConfig } from '../../models/support/checkpoint.ts';
import { CHECKPOINTS } from '../../models/support/published.ts';
import { sharedFolder, temporaryFolder } from '../../support/run.ts';

type Json = unknown;
type Place = (string | number)[];

/** Values of each JSON type, and numbers and texts that programs trip over; `undefined`: the value is omitted. */
const ODD: Json[] = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  1e-50,
  2 ** 53,
  '',
  'x',
  '\0',
  'x'.repeat(5000),
  [],
  [1],
  {},
  { a: 1 },
];
const LENGTH_BYTES = 8;

function placesIn(value: Json, place: Place = []): Place[] {
  const below = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [place, ...below.flatMap(([key, inner]) => placesIn(inner, [...place, key]))];
}

/** The document with another value at a place. */
function replaced(document: Json, [key, ...rest]: Place, value: Json): Json {
  if (key === undefined) return value;
  if (Array.isArray(document))
    return document.map((item, i) => (i === Number(key) ? replaced(item, rest, value) : item));
  const copy = { ...(document as Record<string, Json>) };
  copy[key] = replaced(copy[key], rest, value);
  return copy;
}

/** Splits a safetensors file. */
function split(file: Buffer): { header: Json; data: Buffer } {
  const end = LENGTH_BYTES + Number(file.readBigUInt64LE());
  return { header: JSON.parse(file.subarray(LENGTH_BYTES, end).toString()), data: file.subarray(end) };
}

function join8(header: Json, data: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify(header) ?? '');
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

async function folderInstead(path: string): Promise<void> {
  await rm(path);
  await mkdir(path);
}

/** Loads and uses a model. @returns success or a UserError; other errors are thrown */
async function outcome(folder: string): Promise<string> {
  try {
    const model = await loadModelFolder(folder, { threads: 1 });
    await model.embed(['MKTA']).finally(() => model.close());
    return 'is used';
  } catch (thrown) {
    const error = toUserError(thrown);
    if (!(error instanceof UserError)) throw thrown;
    expect(error.message.length).toBeLessThan(1000);
    expect(error.message).not.toContain('\n');
    return error.message;
  }
}

const INDEX = 'model.safetensors.index.json';
/** Folders of models, and their JSON documents. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  amplify: ['config.json', 'tokenizer.json', 'model.safetensors'],
  esm2: ['config.json', 'model.safetensors'],
  esmc: ['config.json', 'tokenizer.json', INDEX],
  prostt5: ['config.json', 'added_tokens.json', 'tokenizer_config.json', 'model.safetensors'],
  ankh: ['config.json', 'tokenizer.json', INDEX],
};

async function goodFolder(name: string): Promise<string> {
  if (name !== 'amplify' && name !== 'esm2') return join(CHECKPOINTS, name);
  const folder = join(await sharedFolder(), name);
  await randomCheckpoint(folder, name);
  return folder;
}

describe.each(Object.entries(FOLDERS))('a folder of %s', (family, names) => {
  test('with an odd value at any position of its documents is used, or refused with file and field', async () => {
    const good = await goodFolder(family);
    const folder = join(await temporaryFolder(), 'model');
    await cp(good, folder, { recursive: true });
    const isWeights = (name: string) => name === 'model.safetensors';
    const weights = names.some(isWeights) ? split(await readFile(join(good, 'model.safetensors'))) : undefined;
    const documents = await Promise.all(
      names.map(
        async (name): Promise<[string, Json]> => [
          name,
          isWeights(name) ? weights!.header : JSON.parse(await readFile(join(good, name), 'utf8')),
        ],
      ),
    );
    const cases = documents.map(([name, document]) =>
      fc.tuple(
        fc.constant(name),
        fc.constant(document),
        fc.constantFrom(...placesIn(document)),
        fc.constantFrom(...ODD),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(...cases), async ([name, document, place, value]) => {
        const odd = replaced(document, place, value);
        await writeFile(join(folder, name), isWeights(name) ? join8(odd, weights!.data) : (JSON.stringify(odd) ?? ''));
        const said = await outcome(folder);
        await cp(join(good, name), join(folder, name));
        if (said !== 'is used') expect(said).toContain(folder);
      }),
      { numRuns: 40 },
    );
  });
});

test.each<[Family, object, RegExp]>([
  ['amplify', { norm_eps: 1e308 }, /"norm_eps" is 1e\+308; it must be a number above 0 that float32 can hold\.$/],
  ['amplify', { norm_eps: 1e-50 }, /"norm_eps" is 1e-50; it must be a number above 0 that float32 can hold\.$/],
  ['esm2', { layer_norm_eps: 3.5e38 }, /"layer_norm_eps" is 3\.5e\+38; it must be a number above 0 that float32/],
  ['esm2', { rope_theta: 1e300 }, /"rope_theta" is 1e\+300; it must be a number above 0 that float32/],
  ['esm2', { pad_token_id: 1.5 }, /"pad_token_id" is 1\.5; it must be a whole number from 0\.$/],
  ['esm2', { hidden_size: 4e15 }, /is \[33, 40\], but config\.json requires \[33, 4000000000000000\]/],
  ['amplify', { hidden_size: 3e15 }, /is \[27, 48\], but config\.json requires \[27, 3000000000000000\]/],
])('a number of config.json that no graph can have: %s %j', async (family, fields, message) => {
  const folder = await temporaryFolder();
  await randomCheckpoint(folder, family);
  await writeFile(join(folder, 'config.json'), JSON.stringify(testConfig(family, fields)));
  expect(await outcome(folder)).toMatch(message);
});

describe('a document of another kind', () => {
  let good = '';
  beforeAll(async () => {
    good = join(await sharedFolder(), 'amplify');
    await randomCheckpoint(good, 'amplify');
  });

  async function refusal(change: (folder: string) => Promise<unknown>): Promise<string> {
    const folder = join(await temporaryFolder(), 'model');
    await cp(good, folder, { recursive: true });
    await change(folder);
    return outcome(folder);
  }
  const tokenizer = (place: Place, value: Json) =>
    refusal(async (folder) => {
      const path = join(folder, 'tokenizer.json');
      await writeFile(path, JSON.stringify(replaced(JSON.parse(await readFile(path, 'utf8')), place, value)));
    });

  test.each<[Place, Json, RegExp]>([
    [['added_tokens'], 5, /tokenizer\.json: .*"added_tokens" is 5; it must be a list\.$/],
    [['added_tokens', 1], 'x', /"added_tokens\[1\]" is "x"; it must be an object\.$|"added_tokens\.1" is "x"/],
    [['added_tokens', 0, 'id'], '0', /"added_tokens\[0\]\.id" is "0"; it must be a whole number from 0\.$/],
    [['model', 'vocab', 'L'], null, /"model\.vocab\.L" is null; it must be a whole number from 0\.$/],
    [['model', 'vocab', 'L'], 7, /tokens "L" and "A" have the same id, 7; ids must be unique\.$/],
    [['post_processor', 'single'], 'x', /"post_processor\.single" is "x"; it must be a list\.$/],
    [
      ['post_processor', 'single', 0, 'SpecialToken'],
      [],
      /"post_processor\.single\[0\]\.SpecialToken\.id"|SpecialToken/,
    ],
    [[], [1], /tokenizer\.json: .*the document is \[1\]; it must be an object\.$/],
  ])('tokenizer.json: %j is %j', async (place, value, message) => {
    expect(await tokenizer(place, value)).toMatch(message);
  });

  test.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    ['a folder', (f) => folderInstead(join(f, 'config.json')), /config\.json: is a folder/],
    [
      'Latin-1',
      (f) => writeFile(join(f, 'config.json'), Buffer.from('{"a":"\xe9"}', 'latin1')),
      /config\.json: is not UTF-8/,
    ],
    ['too deep', (f) => writeFile(join(f, 'config.json'), '['.repeat(1e6)), /config\.json: not valid JSON/],
    [
      'an index that names a NUL',
      async (f) => {
        await rm(join(f, 'model.safetensors'));
        await writeFile(join(f, 'model.safetensors.index.json'), '{"weight_map":{"x":"a\\u0000"}}');
      },
      /"a\\u0000" is not the name of a file/,
    ],
    [
      'an index that names the folder',
      async (f) => {
        await rm(join(f, 'model.safetensors'));
        await writeFile(join(f, 'model.safetensors.index.json'), '{"weight_map":{"x":""}}');
      },
      /"" is not the name of a file/,
    ],
    [
      'an index that names what no file system can',
      async (f) => {
        await rm(join(f, 'model.safetensors'));
        await writeFile(join(f, INDEX), JSON.stringify({ weight_map: { x: 'x'.repeat(5000) } }));
      },
      /index\.json: "x+[^ ]* is not the name of a file in this folder\.$/,
    ],
    [
      'weights that are a folder',
      (f) => folderInstead(join(f, 'model.safetensors')),
      /model\.safetensors: not a safetensors file/,
    ],
  ])('%s', async (_name, change, message) => {
    expect(await refusal(change)).toMatch(message);
  });
});
