import { describe, expect, it, test } from 'vitest';
import { knownLink, linkOfTargets } from '../../../workers/src/report/targets/target-link.ts';

const UNIPROT = 'https://www.uniprot.org';
const NCBI = 'https://www.ncbi.nlm.nih.gov/protein';

describe('knownLink', () => {
  test.each([
    ['sp|P69905|HBA_HUMAN', `${UNIPROT}/uniprotkb/P69905/entry`],
    ['tr|A0A023GPI8|A0A023GPI8_CANAL', `${UNIPROT}/uniprotkb/A0A023GPI8/entry`],
    ['sp|P05067-4|A4_HUMAN', `${UNIPROT}/uniprotkb/P05067/entry`],
    ['P69905', `${UNIPROT}/uniprotkb/P69905/entry`],
    ['Q9H0H5-2', `${UNIPROT}/uniprotkb/Q9H0H5/entry`],
    ['UniRef50_P69905', `${UNIPROT}/uniref/UniRef50_P69905`],
    ['UPI000002DB1C', `${UNIPROT}/uniparc/UPI000002DB1C`],
    ['WP_000123456.1', `${NCBI}/WP_000123456.1`],
    ['NP_000549', `${NCBI}/NP_000549`],
    ['ref|XP_024303.2|', `${NCBI}/XP_024303.2`],
    ['gi|4504347|ref|NP_000549.1|', `${NCBI}/NP_000549.1`],
    ['AAA12345.1', `${NCBI}/AAA12345.1`],
  ])('of %s', (id, address) => {
    expect(knownLink(id)).toBe(address);
  });

  test.each([
    ...[
      '',
      'protein_1',
      'P6990',
      'p69905',
      'P69905 ',
      'sp|P69905',
      'xx|P69905|HBA',
      'ABC12345',
      'WP_1',
      'javascript:alert(1)',
    ],
    ...['sp|P69905"onclick=|x', 'UniRef50_<b>', 'P69905\n'],
  ])('is unknown for %j', (id) => {
    expect(knownLink(id)).toBeUndefined();
  });
});

describe('linkOfTargets', () => {
  it('encodes any id', () => {
    const linkOf = linkOfTargets('https://example.org/p/{id}?x=1');
    expect(linkOf('a/../b?c#d "e" <f>&\ud800')).toBe(
      'https://example.org/p/a%2F..%2Fb%3Fc%23d%20%22e%22%20%3Cf%3E%26%EF%BF%BD?x=1',
    );
  });

  test.each([
    ...[
      '',
      '{id}',
      'javascript:alert({id})',
      'ftp://x/{id}',
      'https://x/',
      'https://{id}/',
      'https://{id}.org/x',
      'https://x.org{id}',
    ],
    ...[
      'https://x/{id}/{id}',
      'https://x/{id}"onclick="y',
      "https://x/'{id}",
      'https://x/ {id}',
      'https://x/{id}\n',
      'https://u:p@x/{id}',
    ],
    ...['//x/{id}', 'data:text/html,{id}'],
  ])('refuses %j', (template) => {
    expect(() => linkOfTargets(template)).toThrow('--link-template');
  });
});
