import * as z from 'zod/mini';
import { DataError } from '../../base/errors.ts';
import {
  checkDocument,
  checkSeal,
  isRecord,
  type JsonRecord,
  parseVersion1,
  textWhere,
} from '../../base/text/document.ts';
import type { TableFile } from '../../lance/table-files.ts';
import type { NullDistances } from '../../vectors/significance/null-distances.ts';
import { damagedRecord } from '../database-messages.ts';
import { CATALOG_ENTRY, type CatalogEntry, fingerprint, INGEST_RECORD, type IngestRecord } from './catalog-entry.ts';
import { contradictionOfEntry, contradictionOfTable } from './catalog-rules.ts';

/** Parses the catalog entry of a bucket. @param where its path, for errors @throws DataError that names the path and the wrong field */
export function parseCatalogEntry(text: string, bucket: string, where: string): CatalogEntry {
  const fail = damaged(where, 'catalog entry');
  const record = openRecord(text, bucket, where, 'catalog entry');
  const entry = checkDocument(CATALOG_ENTRY, withCurrentFields(record), fail);
  const wrong = contradictionOfEntry(entry);
  if (wrong !== undefined) throw fail(wrong);
  // The fingerprint covers the fields as they were written, before their conversion.
  const { bucket: name, rows, metric, tableVersion } = entry;
  const nullDistances = record.nullDistances as NullDistances | undefined;
  const written = { bucket: name, rows, metric, tableVersion, files: record.files as TableFile[], nullDistances };
  if (fingerprint(written) !== entry.fingerprint)
    throw fail('"fingerprint" does not match its bucket, rows, metric, tableVersion, files and nullDistances');
  checkSeal(record, fail);
  return entry;
}

/** Parses the ingest record of a bucket. @param where its path, for errors @throws DataError that names the path and the wrong field */
export function parseIngestRecord(text: string, bucket: string, where: string): IngestRecord {
  const fail = damaged(where, 'ingest record');
  const raw = openRecord(text, bucket, where, 'ingest record');
  const record = checkDocument(INGEST_RECORD, withCurrentFields(raw), fail);
  const wrong = record.table && contradictionOfTable(record.table, record.sources, 'table.');
  if (wrong !== undefined) throw fail(wrong);
  checkSeal(raw, fail);
  return record;
}

function damaged(where: string, kind: string): (problem: string) => DataError {
  return (problem) => new DataError(damagedRecord(where, kind, problem));
}

/** Parses a record, whose bucket must be the name of its file, because the name becomes part of paths that are written and removed. */
function openRecord(text: string, bucket: string, where: string, kind: string): JsonRecord {
  const fail = damaged(where, kind);
  const record = parseVersion1(text, where, kind, fail);
  checkDocument(z.object({ bucket: textWhere((name) => name === bucket, 'the name of the file') }), record, fail);
  return record;
}

/**
 * Converts a record to the current fields: earlier versions wrote `crc32`, null for an attribute that is NaN, and null distributions whose
 * tail had no shape. index-bucket measures these again.
 */
function withCurrentFields(value: JsonRecord): JsonRecord {
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
  if (isRecord(record.table)) record.table = withCurrentFields(record.table);
  if (isRecord(record.nullDistances) && !hasShape(record.nullDistances)) delete record.nullDistances;
  return record;
}

const hasShape = ({ tail }: JsonRecord) => !isRecord(tail) || 'shape' in tail;

/** Removes attributes without a value, except those that name the model. */
function withoutNulls(attributes: JsonRecord): JsonRecord {
  const kept = Object.entries(attributes).filter(([name, value]) => value !== null || /^model(_hash)?$/.test(name));
  return Object.fromEntries(kept);
}
