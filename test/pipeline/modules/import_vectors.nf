// A file of vectors becomes a shard with its description.

include { IMPORT_VECTORS } from '../../../modules/import_vectors/main.nf'
include { show } from './show.nf'

workflow TEST_IMPORT_VECTORS {
    IMPORT_VECTORS(
        channel.of(['in/a b.npy', file("${params.data}/queries.fasta"), []]),
        [h5_embedding: 'x'],
        'worker',
    )
    show([
        'import_vectors.shard': IMPORT_VECTORS.out.shard,
        'import_vectors.description': IMPORT_VECTORS.out.description,
        'import_vectors.report': IMPORT_VECTORS.out.report,
    ])
}
