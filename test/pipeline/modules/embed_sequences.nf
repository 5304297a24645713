// One FASTA file, embedded by kmer, becomes a shard with its description.

include { EMBED_SEQUENCES } from '../../../modules/embed_sequences/main.nf'
include { show } from './show.nf'

workflow TEST_EMBED_SEQUENCES {
    EMBED_SEQUENCES(
        channel.of(['in/a b.fasta', 'key', file("${params.data}/queries.fasta")]),
        [],
        [model: 'kmer', vector_type: 'float32'],
        '',
        'worker',
    )
    show(['embed_sequences.embedded': EMBED_SEQUENCES.out.embedded])
}
