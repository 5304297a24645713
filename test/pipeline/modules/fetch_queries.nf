// A list of ids becomes a query set.

include { FETCH_QUERIES } from '../../../modules/fetch_queries/main.nf'
include { show } from './show.nf'

workflow TEST_FETCH_QUERIES {
    FETCH_QUERIES(
        channel.of(file("${params.data}/queries.fasta")),
        [['bucket_00001', 'fingerprint']],
        'db',
        'worker',
    )
    show(['fetch_queries.shard': FETCH_QUERIES.out.shard, 'fetch_queries.report': FETCH_QUERIES.out.report])
}
