import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import { openShard } from '../../workers/src/shard/shard-reader.ts';
import { missingPython, sharedFolder } from '../support/run.ts';
import { h5py } from '../support/shards.ts';

const MAKE = `
from h5py import h5a, h5s, h5t
X = np.ones((3, 4), 'f4')
def with_attributes(name, own={}, root={}, **options):
    with h5py.File(name, 'w', **options) as f:
        d = f.create_dataset('embedding', data=X); f.create_dataset('id', data=['a', 'b', 'c'], dtype=text)
        for at, attributes in ((d, own), (f, root)):
            for key, value in attributes.items():
                if callable(value): value(at, key)
                elif isinstance(value, tuple): at.attrs.create(key, value[0], dtype=value[1])
                else: at.attrs[key] = value
def low(t, value, shape=()):
    def write(at, key):
        a = h5a.create(at.id, key.encode(), t, h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR))
        a.write(np.asarray(value))
    return write
def padded(value, size, pad):
    t = h5t.C_S1.copy(); t.set_size(size); t.set_strpad(pad)
    return low(t, np.asarray(value, dtype=f'S{size}'))
def sequence(values):
    array = np.empty(1, object); array[0] = np.array(values, 'i4')
    return (array, h5py.vlen_dtype('i4'))
def array(values):
    return lambda at, key: at.attrs.create(key, np.array(values, 'i4'), dtype=np.dtype(('i4', (len(values),))))
bf16 = h5t.IEEE_F32LE.copy(); bf16.set_fields(15, 7, 8, 0, 7); bf16.set_precision(16); bf16.set_size(2)
kept = {
    'text': 'é😀', 'bytes': np.bytes_(b'abc'), 'list_text': ['one'], 'nested': np.array([['deep']], dtype=object), 'list_bytes': np.array([b'xy']),
    'int': 7, 'list_int': np.array([33], 'i4'), 'nested_int': np.array([[5]], 'i8'), 'unsigned': np.uint8(200), 'negative': np.int16(-3),
    'wide': np.int64(2**40), 'hash': np.uint64(2**63 + 1), 'big': np.array([258], '>i4'), 'double': .5, 'single': np.float32(.25),
    'list_double': np.array([.125]), 'big_double': np.array(.75, '>f8'), 'true': np.bool_(True), 'empty_text': '',
    'space': padded(b'abc   ', 6, h5t.STR_SPACEPAD), 'terminated': padded(b'ab', 6, h5t.STR_NULLTERM), 'sequence': sequence([9]),
    'array_type': array([4]), 'proto__': 'x', '__proto__': 'y', 'constructor': 'z',
}
left_out = {
    'half': np.float16(.5), 'list_half': np.array([.5], 'f2'), 'brain': low(bf16, np.float32(.5)), 'long_double': np.longdouble(.5), 'complex': 1j,
    'nan': float('nan'), 'inf': float('inf'), 'minus_inf': np.float32('-inf'), 'list_nan': np.array([np.nan]), 'two': [1, 2], 'texts': ['a', 'b'], 'none': np.zeros(0),
    'null': h5py.Empty('f4'), 'null_text': h5py.Empty(text), 'opaque': np.void(b'abc'), 'compound': np.array((1, 2.), dtype=[('a', 'i4'), ('b', 'f8')]),
    'array': array([4, 5]), 'sequences': sequence([1, 2, 3]),
    'latin': np.bytes_(b'caf\\xe9'), 'long_text': 'x' * 65_537,
}
with_attributes('kept.h5', kept); with_attributes('kept-latest.h5', kept, libver='latest')
with_attributes('left-out.h5', left_out | {'model': 'm'}, libver='latest')
with h5py.File('left-out.h5', 'a') as f:
    d = f['embedding']
    d.attrs['reference'] = d.ref; d.attrs['region'] = d.regionref[:2]; d.attrs['references'] = np.array([d.ref], dtype=h5py.ref_dtype)
    d.attrs['huge'] = np.zeros(100_000); d.attrs['enum'] = np.array(3, dtype=h5py.enum_dtype({'A': 3}, 'i2'))
with_attributes('dense.h5', {f'a{i}': i for i in range(100)} | {'model': ['m'], 'text': 'x' * 65_000}, libver='latest')
with_attributes('many.h5', {f'a{i}': 'x' * 60_000 for i in range(40)} | {'model': 'm', 'model_hash': 'h'}, libver='latest')
with_attributes('root.h5', {'dimension': 4}, {'model': 'm', 'model_hash': np.array(['h'], dtype=object), 'title': 't'})
with_attributes('root-half.h5', {'model': 'm'}, {'model_hash': 'h'})
with_attributes('root-same.h5', {'model': 'm'}, {'model': np.bytes_(b'm')})
with_attributes('bad-root.h5', {'model': 'm'}, {'model': 'n'})
with_attributes('bad-root-type.h5', {}, {'model': ['m', 'n']})
for name, value in dict(nan=float('nan'), two=['a', 'b'], half=np.float16(1), null=h5py.Empty(text), opaque=np.void(b'a'), latin=np.bytes_(b'\\xe9')).items():
    with_attributes(f'bad-model-{name}.h5', {'model': value}); with_attributes(f'bad-hash-{name}.h5', {'model': 'm', 'model_hash': value})
names = {'kept': [*kept], 'leftOut': [*left_out]}
print(json.dumps(names))
`;

const skip = missingPython();

describe.skipIf(skip)('attributes', () => {
  let folder = '';
  let names: { kept: string[]; leftOut: string[] } = { kept: [], leftOut: [] };
  const attributesOf = async (name: string) => {
    const shard = await openShard(join(folder, `${name}.h5`));
    shard.close();
    return shard.attributes;
  };

  beforeAll(async () => {
    folder = await sharedFolder();
    names = await h5py(folder, MAKE);
  });

  it.each(['kept', 'kept-latest'])('reads texts and numbers, also as arrays of one element: %s', async (name) => {
    const attributes = await attributesOf(name);
    expect(Object.keys(attributes).sort()).toEqual(names.kept.sort());
    expect(Object.getOwnPropertyDescriptor(attributes, '__proto__')?.value).toBe('y');
    expect(attributes).toMatchObject({
      ...{ text: 'é😀', bytes: 'abc', list_text: 'one', nested: 'deep', list_bytes: 'xy', empty_text: '' },
      ...{ int: 7, list_int: 33, nested_int: 5, unsigned: 200, negative: -3, wide: 2 ** 40, big: 258, true: 1 },
      ...{ double: 0.5, single: 0.25, list_double: 0.125, big_double: 0.75, sequence: 9, array_type: 4 },
      ...{ space: 'abc', terminated: 'ab', hash: '9223372036854775809' },
    });
  });

  it('ignores attributes that are neither one text nor one number', async () => {
    expect(await attributesOf('left-out')).toEqual({ model: 'm', enum: 3 });
    expect(names.leftOut.length).toBeGreaterThan(15);
  });

  it('reads attributes that are stored outside the header, and limits their total size', async () => {
    const dense = await attributesOf('dense');
    expect(dense).toMatchObject({ model: 'm', a0: 0, a99: 99, text: 'x'.repeat(65_000) });
    const many = await attributesOf('many');
    expect(many).toMatchObject({ model: 'm', model_hash: 'h', a0: 'x'.repeat(60_000) });
    expect(JSON.stringify(many).length).toBeLessThan(2 ** 19);
  });

  it('takes the model from the file if the dataset names none', async () => {
    expect(await attributesOf('root')).toEqual({ dimension: 4, model: 'm', model_hash: 'h' });
    expect(await attributesOf('root-half')).toEqual({ model: 'm', model_hash: 'h' });
    expect(await attributesOf('root-same')).toEqual({ model: 'm' });
  });

  it('refuses a model that cannot be compared, and two different ones', async () => {
    const refused = async (name: string, match: RegExp) => {
      const error: unknown = await attributesOf(name).catch((thrown: unknown) => thrown);
      expect(error, name).toBeInstanceOf(DataError);
      expect((error as Error).message).toMatch(match);
    };
    await refused('bad-root', /bad-root\.h5: "model" is "m" on "embedding" and "n" on the file/);
    await refused('bad-root-type', /attribute "model" of the file is neither one text nor one number/);
    for (const kind of ['nan', 'two', 'half', 'null', 'opaque', 'latin']) {
      await refused(`bad-model-${kind}`, /attribute "model" of "embedding" is neither/);
      await refused(`bad-hash-${kind}`, /attribute "model_hash" of "embedding" is neither/);
    }
  });
});
