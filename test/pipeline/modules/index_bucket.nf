// One bucket gets its index and its catalog entry.

include { INDEX_BUCKET } from '../../../modules/index_bucket/main.nf'
include { show } from './show.nf'

workflow TEST_INDEX_BUCKET {
    INDEX_BUCKET(
        channel.of(['bucket_00001', [rows: 10, dimension: 8, shard_bytes: 320], file("${params.data}/queries.fasta")]),
        'db',
        'ivf-rq',
        'worker',
    )
    show(['index_bucket.entry': INDEX_BUCKET.out.entry, 'index_bucket.report': INDEX_BUCKET.out.report])
}
