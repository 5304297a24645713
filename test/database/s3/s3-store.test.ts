import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { s3Store } from '../../../workers/src/database/s3/s3-store.ts';
import { openS3 } from '../../../workers/src/s3/client.ts';
import { listObjects, listSubfolders, removeObjects } from '../../../workers/src/s3/objects.ts';
import { ROOT, run } from '../../support/run.ts';
import { missingServer, useS3, withS3Server } from '../../support/s3.ts';

describe.each(['moto', 'versitygw'] as const)('s3Store on %s', (kind) => {
  const skip = missingServer(kind);
  const held = skip ? undefined : withS3Server(kind);

  async function open(prefix: string) {
    useS3(held!.server.env);
    const s3 = await openS3(`s3://lance/${prefix}`);
    return { s3, store: s3Store(s3) };
  }

  it.skipIf(skip)('lists, reads, writes and removes objects', async () => {
    const { store } = await open('objects/db');
    expect(await store.list('none')).toEqual([]);
    expect(await store.read('none/x')).toBeUndefined();
    await store.write('f/b', '1');
    await store.write('f/a', 'é😀');
    await store.write('f/b', '2');
    await store.write('f/deeper/c', '3');
    await store.write('fg/d', '4');
    expect(await store.list('f')).toEqual(['a', 'b']);
    expect([await store.read('f/a'), await store.read('f/b')]).toEqual(['é😀', '2']);
    await store.remove('f/a');
    await store.remove('f/a');
    expect(await store.list('f')).toEqual(['b']);
  });

  it.skipIf(skip)('creates an object once for any number of writers', async () => {
    const { store } = await open('create');
    const made = await Promise.all(Array.from({ length: 8 }, (_, i) => store.create('f/x', `${i}`)));
    expect(made.filter(Boolean).length).toBe(1);
    expect(await store.read('f/x')).toBe(`${made.indexOf(true)}`);
  });

  it.skipIf(skip)('replaces an object only where it is unchanged', async () => {
    const { store } = await open('lease');
    const etag = await store.createTagged('lock', 'mine');
    expect(await store.readTagged('lock')).toEqual({ text: 'mine', etag });
    const next = await store.replaceTagged('lock', 'mine still', etag!);
    expect(next).toBeDefined();
    expect(await store.replaceTagged('lock', 'yours', etag!)).toBeUndefined();
    expect(await store.readTagged('lock')).toEqual({ text: 'mine still', etag: next });
    await store.remove('lock');
    expect(await store.replaceTagged('lock', 'yours', next!)).toBeUndefined();
    expect(await store.read('lock')).toBeUndefined();
  });

  it.skipIf(skip)('lists the objects and folders below a prefix, and removes objects', async () => {
    const { s3, store } = await open('many');
    const paths = ['t.lance/data/0', 't.lance/data/1', 't.lance/data/a b+ü&=', 't.lance/x'];
    for (const path of [...paths, 'u.lance/x']) await store.write(path, 'xyz');
    const found = await Array.fromAsync(listObjects(s3, 't.lance/'));
    expect(found.map(({ path }) => path)).toEqual(paths);
    expect(found.every(({ bytes, etag, modified }) => bytes === 3 && etag !== '' && modified.getTime() > 0)).toBe(true);
    expect(await listSubfolders(s3, '')).toEqual(['t.lance', 'u.lance']);
    await removeObjects(s3, [...paths, 'never/was']);
    expect((await Array.fromAsync(listObjects(s3, ''))).map(({ path }) => path)).toEqual(['u.lance/x']);
  });
});

describe('more objects than S3 lists at once', () => {
  const skip = missingServer('versitygw');
  const held = skip ? undefined : withS3Server('versitygw');

  it.skipIf(skip)('are all listed and removed', async () => {
    // Written as files of the server, because 2,100 requests take ten seconds.
    const folder = join(held!.server.data!, 'lance', 'many/t.lance/data');
    await mkdir(folder, { recursive: true });
    const names = Array.from({ length: 2100 }, (_, i) => String(i).padStart(4, '0'));
    for (const name of names) await writeFile(join(folder, name), 'x');
    useS3(held!.server.env);
    const s3 = await openS3('s3://lance/many');
    expect(await s3Store(s3).list('t.lance/data')).toEqual(names);
    const paths = (await Array.fromAsync(listObjects(s3, ''))).map(({ path }) => path);
    expect(paths).toEqual(names.map((name) => `t.lance/data/${name}`));
    await removeObjects(s3, paths);
    expect(await Array.fromAsync(listObjects(s3, ''))).toEqual([]);
  });
});

test('the SDK is loaded when an address on S3 is opened, not before', async () => {
  const hooks = `
    import { registerHooks } from 'node:module';
    const seen = [];
    registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
    for (const name of ['s3/client', 'database/s3/s3-store', 's3/transfer/upload', 's3/transfer/download', 's3/ranges/range', 's3/ranges/signed-object'])
      await import('${ROOT}/workers/src/' + name + '.ts');
    console.log(JSON.stringify(seen.filter((url) => /aws-sdk|smithy/.test(url))));`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', hooks]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([]);
});
