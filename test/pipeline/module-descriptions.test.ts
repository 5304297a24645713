import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../support/run.ts';

/** Descriptions of channel elements by name; a list of them describes a tuple. */
type Elements = Record<string, { type: string; description: string }>;
interface Description {
  name: string;
  input: readonly (Elements | readonly Elements[])[];
  output: Record<string, readonly (Elements | readonly Elements[])[]>;
}

const nameOf = (element: Elements) => Object.keys(element).join();

/** Lists the names of the inputs, those of a tuple together. */
function inputsOf(script: string): (string | string[])[] {
  const text = /input:\n(.*?)\n {4}output:/s.exec(script)![1]!;
  return Array.from(text.matchAll(/^ {4}(tuple|val|path) (.*)$/gm), ([, kind, rest]) =>
    kind === 'tuple' ? Array.from(rest!.matchAll(/(?:val|path)\((\w+)/g), ([, name]) => name!) : /^\w+/.exec(rest!)![0],
  );
}

test.each(await readdir(join(ROOT, 'modules')))('meta.yml describes the inputs and outputs of %s', async (module) => {
  const [script, text] = await Promise.all(
    ['main.nf', 'meta.yml'].map((name) => readFile(join(ROOT, 'modules', module, name), 'utf8')),
  );
  const description = parse(text!) as Description;
  expect(description.name).toBe(module);
  const described = description.input.map((each) =>
    Array.isArray(each) ? each.map(nameOf) : nameOf(each as Elements),
  );
  expect(described).toEqual(inputsOf(script!));
  const emitted = Array.from(script!.matchAll(/emit: (\w+)/g), ([, name]) => name!);
  expect(Object.keys(description.output)).toEqual(emitted);
  const elements = [description.input, Object.values(description.output)].flat(Number.POSITIVE_INFINITY) as Elements[];
  for (const element of elements)
    for (const { type, description } of Object.values(element)) expect([type, description]).not.toContain(undefined);
});
