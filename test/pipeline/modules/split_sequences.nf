// A FASTA file becomes parts.

include { SPLIT_SEQUENCES } from '../../../modules/split_sequences/main.nf'
include { show } from './show.nf'

workflow TEST_SPLIT_SEQUENCES {
    SPLIT_SEQUENCES(
        channel.of(['in/a b.fasta', file("${params.data}/queries.fasta")]),
        1000,
        [strict: true],
        'worker',
    )
    show([
        'split_sequences.parts': SPLIT_SEQUENCES.out.parts,
        'split_sequences.skipped': SPLIT_SEQUENCES.out.skipped,
        'split_sequences.report': SPLIT_SEQUENCES.out.report,
    ])
}
