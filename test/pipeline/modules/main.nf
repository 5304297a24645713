// Runs each process alone, in one stub run: no channel leads from one to another. test/pipeline/modules.test.ts starts it.

include { TEST_ALIGN_NEIGHBOURS } from './align_neighbours.nf'
include { TEST_DELETE_REPLACED } from './delete_replaced.nf'
include { TEST_DESCRIBE_SHARD } from './describe_shard.nf'
include { TEST_EMBED_SEQUENCES } from './embed_sequences.nf'
include { TEST_EVALUATE } from './evaluate.nf'
include { TEST_FETCH_COLUMNS } from './fetch_columns.nf'
include { TEST_FETCH_QUERIES } from './fetch_queries.nf'
include { TEST_IMPORT_VECTORS } from './import_vectors.nf'
include { TEST_INDEX_BUCKET } from './index_bucket.nf'
include { TEST_INGEST_BUCKET } from './ingest_bucket.nf'
include { TEST_JOIN_NEIGHBOURS } from './join_neighbours.nf'
include { TEST_MERGE_HITS } from './merge_hits.nf'
include { TEST_PACK_BUCKETS } from './pack_buckets.nf'
include { TEST_PLAN_RUN } from './plan_run.nf'
include { TEST_PLAN_SEARCH } from './plan_search.nf'
include { TEST_RENDER_REPORT } from './render_report.nf'
include { TEST_SEARCH_BUCKET } from './search_bucket.nf'
include { TEST_SPLIT_SEQUENCES } from './split_sequences.nf'

workflow {
    TEST_ALIGN_NEIGHBOURS()
    TEST_DELETE_REPLACED()
    TEST_DESCRIBE_SHARD()
    TEST_EMBED_SEQUENCES()
    TEST_EVALUATE()
    TEST_FETCH_COLUMNS()
    TEST_FETCH_QUERIES()
    TEST_IMPORT_VECTORS()
    TEST_INDEX_BUCKET()
    TEST_INGEST_BUCKET()
    TEST_JOIN_NEIGHBOURS()
    TEST_MERGE_HITS()
    TEST_PACK_BUCKETS()
    TEST_PLAN_RUN()
    TEST_PLAN_SEARCH()
    TEST_RENDER_REPORT()
    TEST_SEARCH_BUCKET()
    TEST_SPLIT_SEQUENCES()
}
