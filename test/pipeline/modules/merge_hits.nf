// The hits of two buckets become neighbours.

include { MERGE_HITS } from '../../../modules/merge_hits/main.nf'
include { show } from './show.nf'

workflow TEST_MERGE_HITS {
    MERGE_HITS(
        [file("${params.data}/proteins_a.fasta"), file("${params.data}/proteins_b.fasta")],
        [],
        10,
        'plain',
        false,
        '',
        'worker',
    )
    show([
        'merge_hits.neighbours': MERGE_HITS.out.neighbours,
        'merge_hits.csv': MERGE_HITS.out.csv,
        'merge_hits.report': MERGE_HITS.out.report,
    ])
}
