// One bucket and one part of the queries, with the ground truth of the evaluation sample.

include { SEARCH_BUCKET } from '../../../modules/search_bucket/main.nf'
include { show } from './show.nf'

workflow TEST_SEARCH_BUCKET {
    SEARCH_BUCKET(
        channel.of(['bucket_00001', 'fingerprint', 320, '.part_00001', '0:10']),
        [file("${params.data}/queries.fasta")],
        'db',
        '',
        'always',
        [k: 10, search: 'auto', stream: false],
        'worker',
    )
    show([
        'search_bucket.hits': SEARCH_BUCKET.out.hits,
        'search_bucket.ground_truth': SEARCH_BUCKET.out.ground_truth,
        'search_bucket.report': SEARCH_BUCKET.out.report,
    ])
}
