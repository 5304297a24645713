import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCsv } from '../../workers/src/hits/csv/csv-file.ts';
import { type ExtraField, type ExtraValue, extraFrom, withExtra } from '../../workers/src/hits/extra-column.ts';
import { createHits } from '../../workers/src/hits/parquet/hits-writer.ts';
import { createNeighbours } from '../../workers/src/hits/parquet/neighbours-writer.ts';
import { type Hit, naiveMerge, packedHits, sortedHits } from '../support/hits.ts';
import { lanceflowJson, missingPython, python, temporaryFolder } from '../support/run.ts';

/** Usual and unusual ids. */
const NAMES = [
  'sp|P69905|HBA',
  'a,"b"',
  'line\nbreak',
  'crlf\r\n',
  "'; DROP TABLE x",
  'é',
  '\uffff',
  '😀',
  ' lead',
  'NA',
  'z'.repeat(10_000),
];

const HITS: Hit[] = ['bucket_00001', 'bucket_00002'].flatMap((bucket) =>
  Array.from({ length: 600 }, (_, i) => ({
    query: `${NAMES[i % NAMES.length]}${Math.floor(i / 40)}`,
    target: `${NAMES[(i * 7) % NAMES.length]}#${i}`,
    distance: Math.fround(((i * 37) % 101) / 100),
    bucket,
  })),
);

const PANDAS = `
import sys, json, pandas as pd
p = pd.read_parquet(sys.argv[1])
c = pd.read_csv(sys.argv[2], keep_default_na=False, dtype={"distance": "float32"})
print(json.dumps({"parquet": p.to_dict("records"), "csv": c.to_dict("records"), "columns": list(p.columns),
  "types": {n: str(t) for n, t in p.dtypes.items()}}))`;

const DUCKDB = `
import sys, json, duckdb
columns = "{'query_id': 'VARCHAR', 'rank': 'INTEGER', 'target_id': 'VARCHAR', 'distance': 'FLOAT', 'bucket': 'VARCHAR'}"
duckdb.sql(f"create table c as from read_csv('{sys.argv[2]}', header=true, columns={columns}, parallel=false, max_line_size=100000)")
both = lambda a, b: duckdb.sql(f"select count(*) from (from {a} except all from {b})").fetchall()[0][0]
p = f"'{sys.argv[1]}'"
print(json.dumps({"missing": both(p, "c"), "extra": both("c", p),
  "rows": duckdb.sql(f"select count(*) from {p}").fetchall()[0][0]}))`;

const ONE_QUERY = `
import sys, json, pyarrow.parquet as pq, pyarrow.compute as pc
f = pq.ParquetFile(sys.argv[1])
groups = [f.metadata.row_group(i) for i in range(f.num_row_groups)]
column = {groups[0].column(i).path_in_schema: i for i in range(groups[0].num_columns)}
stats = [g.column(column["query_id"]).statistics for g in groups]
inside = [s.min <= sys.argv[2] <= s.max for s in stats]
rows = pq.read_table(sys.argv[1], filters=pc.field("query_id") == sys.argv[2]).num_rows
print(json.dumps({"groups": len(groups), "inside": sum(inside), "rows": rows,
  "sorted": all(a.max <= b.min for a, b in zip(stats, stats[1:]))}))`;

/** Returns the rows that DuckDB reads for one query. */
const SCANNED = `
import sys, json, duckdb
c = duckdb.connect()
c.execute("pragma enable_profiling='json'")
c.execute("pragma profiling_output='" + sys.argv[1] + ".json'")
rows = len(c.execute("select * from read_parquet($1) where query_id = $2", [sys.argv[1], sys.argv[2]]).fetchall())
c.execute("pragma disable_profiling")
query = json.load(open(sys.argv[1] + ".json"))["query"]
print(json.dumps({"rows": rows, "scanned": query["total_row_groups_scanned"], "groups": query["total_row_groups_to_scan"]}))`;

describe.skipIf(missingPython())('neighbours', () => {
  const expected = naiveMerge(HITS, 20);
  const merge = async (where: string) => {
    const inputs = ['bucket_00001', 'bucket_00002'].map((bucket) => join(where, `${bucket}.parquet`));
    for (const [i, input] of inputs.entries()) {
      const writer = await createHits(input);
      const bucket = `bucket_0000${i + 1}`;
      await writer.append({ ...packedHits(sortedHits(HITS.filter((hit) => hit.bucket === bucket))), bucket });
      await writer.finish();
    }
    const [parquet, csv] = [join(where, 'n.parquet'), join(where, 'n.csv')];
    await lanceflowJson(['merge-hits', '--input', ...inputs, '--k', '20', '--output', parquet, '--csv', csv]);
    return [parquet, csv] as const;
  };

  it('read the same in pandas, from Parquet and from CSV', async () => {
    const [parquet, csv] = await merge(await temporaryFolder());
    const rows = expected.map(({ query, rank, target, distance, bucket }) => ({
      query_id: query,
      rank,
      target_id: target,
      distance,
      bucket,
    }));
    const read = await python<Record<string, unknown>>(PANDAS, parquet, csv);
    expect(read.columns).toEqual(['query_id', 'rank', 'target_id', 'distance', 'bucket']);
    expect(read.types).toEqual({
      query_id: 'str',
      rank: 'int32',
      target_id: 'str',
      distance: 'float32',
      bucket: 'str',
    });
    expect(read.parquet).toEqual(rows);
    expect(read.csv).toEqual(rows);
  });

  it('read the same in DuckDB, from Parquet and from CSV', async () => {
    const [parquet, csv] = await merge(await temporaryFolder());
    expect(await python(DUCKDB, parquet, csv)).toEqual({ missing: 0, extra: 0, rows: expected.length });
    expect((await readFile(csv, 'utf8')).startsWith('query_id,rank,')).toBe(true);
  });
});

/** Reads extra columns in pandas, pyarrow and DuckDB, from Parquet and CSV. */
const EXTRA = `
import sys, json, duckdb, pandas as pd, pyarrow.parquet as pq
names = ["description", "length", "identity", "evalue"]
clean = lambda rows: [[None if v is None or v != v else v for v in (r[n] for n in names)] for r in rows]
arrow = pq.read_table(sys.argv[1])
csv = pd.read_csv(sys.argv[2], keep_default_na=False, na_values={n: [""] for n in names[1:]},
  dtype={"length": "Int64", "identity": "float32"})
csv = csv.astype(object).where(csv.notna(), None)
duck = lambda source: [dict(zip(names, r)) for r in duckdb.sql(f"select {','.join(names)} from {source} order by rank").fetchall()]
types = "{'description': 'VARCHAR', 'length': 'BIGINT', 'identity': 'FLOAT', 'evalue': 'DOUBLE'}"
print(json.dumps({"arrow": clean(arrow.to_pylist()), "types": [str(arrow.schema.field(n).type) for n in names],
  "pandas": clean(pd.read_parquet(sys.argv[1], dtype_backend="pyarrow").astype(object).to_dict("records")),
  "pandasCsv": clean(csv.to_dict("records")), "duckdb": clean(duck(f"'{sys.argv[1]}'")),
  "duckdbCsv": clean(duck(f"read_csv('{sys.argv[2]}', header=true, types={types}, allow_quoted_nulls=false)"))}, default=str))`;

describe.skipIf(missingPython())('extra columns', () => {
  it('read the same in pandas, pyarrow and DuckDB, from Parquet and from CSV', async () => {
    const folder = await temporaryFolder();
    const [parquet, csv] = [join(folder, 'n.parquet'), join(folder, 'n.csv')];
    const fields: ExtraField[] = [
      { name: 'description', type: 'utf8' },
      { name: 'length', type: 'int64' },
      { name: 'identity', type: 'float32' },
      { name: 'evalue', type: 'float64' },
    ];
    const rows: ExtraValue[][] = [
      ['Hemoglobin, "alpha"', 142, 0.5, 1e-180],
      [null, null, null, null],
      ['=HYPERLINK("http://x")', 0, 1, 0],
      ['<img src=x onerror=alert(1)>', 2 ** 40, 0.25, 0.1],
      ['', -1, 0, 1e300],
    ];
    const hits = rows.map((_, i) => ({ query: 'q', target: `t${i}`, distance: 0.5, bucket: 'b' }));
    const batch = withExtra(
      { ...packedHits(hits), ranks: Int32Array.from(hits, (_, i) => i + 1) },
      fields.map(({ type }, i) =>
        extraFrom(
          type,
          rows.map((row) => row[i]!),
        ),
      ),
    );
    const writers = [await createNeighbours(parquet, 'zstd', {}, fields), await createCsv(csv, 'none', false, fields)];
    for (const writer of writers) {
      await writer.append(batch);
      await writer.finish();
    }
    const read = await python<Record<string, unknown>>(EXTRA, parquet, csv);
    expect(read.types).toEqual(['string', 'int64', 'float', 'double']);
    for (const reader of ['arrow', 'pandas', 'duckdb']) expect(read[reader], reader).toEqual(rows);
    // Text that a spreadsheet would evaluate begins with an apostrophe. pandas reads null and an empty text alike.
    const inCsv = rows.with(2, ['\'=HYPERLINK("http://x")', ...rows[2]!.slice(1)]);
    expect(read.duckdbCsv).toEqual(inCsv);
    expect(read.pandasCsv).toEqual(inCsv.with(1, ['', null, null, null]));
  });
});

describe.skipIf(missingPython())('statistics', () => {
  /** 100 rows a query. */
  const batches = (rows: number) =>
    Array.from({ length: rows / 20_000 }, (_, batch) =>
      Array.from({ length: 20_000 }, (_, i) => ({
        query: `query_${String(((batch * 20_000 + i) / 100) | 0).padStart(6, '0')}`,
        target: `t${i}`,
        distance: i % 100,
        bucket: 'b',
      })),
    );

  it('lead a reader to the row groups of one query', async () => {
    const path = join(await temporaryFolder(), 'hits.parquet');
    const writer = await createHits(path);
    for (const hits of batches(300_000)) await writer.append({ ...packedHits(hits), bucket: 'b' });
    await writer.finish();
    expect(await python(ONE_QUERY, path, 'query_001500')).toEqual({ groups: 10, inside: 1, rows: 100, sorted: true });
  });

  it('lead DuckDB to the neighbours of one query, without reading more', async () => {
    const path = join(await temporaryFolder(), 'neighbours.parquet');
    const writer = await createNeighbours(path, 'zstd');
    for (const hits of batches(300_000))
      await writer.append({ ...packedHits(hits), ranks: Int32Array.from(hits, (_, i) => (i % 100) + 1) });
    await writer.finish();
    expect(await python(ONE_QUERY, path, 'query_002000')).toEqual({ groups: 3, inside: 1, rows: 100, sorted: true });
    expect(await python(SCANNED, path, 'query_002000')).toEqual({ rows: 100, scanned: 1, groups: 3 });
  });
});
