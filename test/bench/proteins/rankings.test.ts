import { expect, it } from 'vitest';
import { parseNeighbours, parsePeerTable } from '../../../bench/proteins/rankings.ts';

it('reads tables of MMseqs2 and DIAMOND in their order, each pair once, without the query itself', () => {
  const table = 'q1\tq1\t1e-99\nq1\tb\t6.121E-57\nq1\ta\t3e-5\nq1\tb\t0.5\nq2\ta\t0\n';
  expect(parsePeerTable(table)).toEqual(
    new Map([
      [
        'q1',
        [
          { target: 'b', evalue: 6.121e-57 },
          { target: 'a', evalue: 3e-5 },
        ],
      ],
      ['q2', [{ target: 'a', evalue: 0 }]],
    ]),
  );
  expect(parsePeerTable('').size).toBe(0);
});

it('reads neighbours without and with E-values', () => {
  const plain = 'query_id,rank,target_id,distance,bucket\nq1,1,a,0.25,b\nq1,2,c,0.5,b\n';
  expect(parseNeighbours(plain)).toEqual(
    new Map([
      [
        'q1',
        [
          { target: 'a', distance: 0.25 },
          { target: 'c', distance: 0.5 },
        ],
      ],
    ]),
  );
  const both =
    'query_id,rank,target_id,distance,bucket,evalue,identity,alignment_evalue\nq1,1,a,0.25,b,0.1,0.9,1e-9\nq1,2,c,0.5,b,,,\n';
  expect(parseNeighbours(both).get('q1')).toEqual([
    { target: 'a', distance: 0.25, evalue: 0.1 },
    { target: 'c', distance: 0.5 },
  ]);
  expect(parseNeighbours(both, 'alignment_evalue').get('q1')![0]!.evalue).toBe(1e-9);
});

it('refuses a table that is none of neighbours', () => {
  expect(() => parseNeighbours('query,target\nq1,a\n')).toThrow('the columns are query,target');
});
