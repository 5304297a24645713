// One bucket of two shards becomes a table.

include { INGEST_BUCKET } from '../../../modules/ingest_bucket/main.nf'
include { show } from './show.nf'

workflow TEST_INGEST_BUCKET {
    INGEST_BUCKET(
        channel.of([
            'bucket_00001',
            [rows: 10, dimension: 8, shard_bytes: 320],
            file("${params.data}/queries.fasta"),
            [file("${params.data}/proteins_a.fasta"), file("${params.data}/proteins_b.fasta")],
        ]),
        'db',
        [metric: 'cosine', vector_type: 'float32', order: 'partition'],
        'worker',
    )
    show(['ingest_bucket.manifest': INGEST_BUCKET.out.manifest, 'ingest_bucket.report': INGEST_BUCKET.out.report])
}
