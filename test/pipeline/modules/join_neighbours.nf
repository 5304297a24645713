// Parts that were aligned are joined.

include { JOIN_NEIGHBOURS } from '../../../modules/join_neighbours/main.nf'
include { show } from './show.nf'

workflow TEST_JOIN_NEIGHBOURS {
    JOIN_NEIGHBOURS(
        channel.of([file("${params.data}/queries.fasta"), file("${params.data}/proteins_1.fasta")]),
        'description',
        true,
        'plain',
        false,
        'worker',
    )
    show([
        'join_neighbours.neighbours': JOIN_NEIGHBOURS.out.neighbours,
        'join_neighbours.csv': JOIN_NEIGHBOURS.out.csv,
        'join_neighbours.fasta': JOIN_NEIGHBOURS.out.fasta,
        'join_neighbours.report': JOIN_NEIGHBOURS.out.report,
    ])
}
