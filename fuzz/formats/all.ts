import type { Format } from '../engine/case.ts';
import { DESCRIPTIONS, PLANS, RECORDS } from './build.ts';
import { CHECKPOINTS } from './checkpoints.ts';
import { ENTRIES, TABLES } from './database.ts';
import { FASTA } from './fasta.ts';
import { PARQUET, REPORTS } from './hits.ts';
import { IDS } from './ids.ts';
import { CACHES, MODEL_FILES, PARAMS } from './models.ts';
import { SHARDS } from './shards.ts';

/** All formats that the commands read. */
export const FORMATS: readonly Format[] = [
  ...FASTA,
  ...[SHARDS, DESCRIPTIONS, PLANS, RECORDS, ENTRIES, TABLES],
  ...[PARQUET, REPORTS, IDS, MODEL_FILES, CACHES, CHECKPOINTS, PARAMS],
];
