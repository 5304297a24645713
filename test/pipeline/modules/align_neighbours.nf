// Neighbours are aligned with their queries.

include { ALIGN_NEIGHBOURS } from '../../../modules/align_neighbours/main.nf'
include { show } from './show.nf'

workflow TEST_ALIGN_NEIGHBOURS {
    ALIGN_NEIGHBOURS(
        channel.of(['', '', file("${params.data}/queries.fasta")]),
        channel.value([file("${params.data}/queries.fasta")]),
        'db',
        [candidates: 100, rank: 'alignment', k: 10],
        'description',
        'description,sequence',
        true,
        'plain',
        false,
        'worker',
    )
    show([
        'align_neighbours.neighbours': ALIGN_NEIGHBOURS.out.neighbours,
        'align_neighbours.csv': ALIGN_NEIGHBOURS.out.csv,
        'align_neighbours.fasta': ALIGN_NEIGHBOURS.out.fasta,
        'align_neighbours.report': ALIGN_NEIGHBOURS.out.report,
    ])
}
