import * as z from 'zod/mini';
import { DataError } from '../../base/errors.ts';
import {
  checkDocument,
  checkSeal,
  isRecord,
  type JsonRecord,
  parseVersion1,
  textThat,
} from '../../base/text/document.ts';
import type { TableFile } from '../../lance/table-files.ts';
import { CATALOG_ENTRY, type CatalogEntry, fingerprint, INGEST_RECORD, type IngestRecord } from './catalog-entry.ts';
import { contradictionOfEntry, contradictionOfTable } from './catalog-rules.ts';

/** Parses the catalog entry of a bucket. @throws DataError naming where it came from, and the field that is wrong */
export function parseCatalogEntry(text: string, bucket: string, where: string): CatalogEntry {
  const fail = damaged(where, 'catalog entry');
  const record = openRecord(text, bucket, where, 'catalog entry');
  const entry = checkDocument(CATALOG_ENTRY, current(record), fail);
  const wrong = contradictionOfEntry(entry);
  if (wrong !== undefined) throw fail(wrong);
  // Of the files as they were written: earlier versions named the checksums otherwise.
  const { bucket: name, rows, metric, tableVersion } = entry;
  const written = { bucket: name, rows, metric, tableVersion, files: record.files as TableFile[] };
  if (fingerprint(written) !== entry.fingerprint)
    throw fail('"fingerprint" is not that of its bucket, rows, metric, tableVersion and files');
  checkSeal(record, fail);
  return entry;
}

/** Parses the ingest record of a bucket. @throws DataError naming where it came from, and the field that is wrong */
export function parseIngestRecord(text: string, bucket: string, where: string): IngestRecord {
  const fail = damaged(where, 'ingest record');
  const raw = openRecord(text, bucket, where, 'ingest record');
  const record = checkDocument(INGEST_RECORD, current(raw), fail);
  const wrong = record.table && contradictionOfTable(record.table, record.sources, 'table.');
  if (wrong !== undefined) throw fail(wrong);
  checkSeal(raw, fail);
  return record;
}

function damaged(where: string, what: string): (problem: string) => DataError {
  return (problem) =>
    new DataError(`${where}: the ${what} is damaged: ${problem}. Remove this file and build the bucket again.`);
}

/**
 * A bucket's name becomes part of paths that are written and removed, so it must be the name of the file that it was read
 * from.
 */
function openRecord(text: string, bucket: string, where: string, what: string): JsonRecord {
  const fail = damaged(where, what);
  const record = parseVersion1(text, where, what, fail);
  checkDocument(z.object({ bucket: textThat((name) => name === bucket, 'the name of the file') }), record, fail);
  return record;
}

/** A record as it is written now: earlier versions wrote CRC-32 under that name, and null for an attribute that is NaN. */
function current(value: JsonRecord): JsonRecord {
  const one = (file: unknown) => {
    if (!isRecord(file) || typeof file.crc32 !== 'string') return file;
    const { crc32, ...rest } = file;
    return { ...rest, checksum: `crc32:${crc32}` };
  };
  const all = (files: unknown) => (Array.isArray(files) ? files.map(one) : one(files));
  const record = { ...value };
  for (const field of ['files', 'fragments', 'partitions'])
    if (record[field] !== undefined) record[field] = all(record[field]);
  if (isRecord(record.model)) record.model = withoutNulls(record.model);
  if (isRecord(record.table)) record.table = current(record.table);
  return record;
}

/** Attributes that say nothing are left out, but for those that name the model. */
function withoutNulls(attributes: JsonRecord): JsonRecord {
  const kept = Object.entries(attributes).filter(([name, value]) => value !== null || /^model(_hash)?$/.test(name));
  return Object.fromEntries(kept);
}
