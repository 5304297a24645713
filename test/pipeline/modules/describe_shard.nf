// A batch of two shards: their descriptions lie in one folder.

include { DESCRIBE_SHARD } from '../../../modules/describe_shard/main.nf'
include { show } from './show.nf'

workflow TEST_DESCRIBE_SHARD {
    DESCRIBE_SHARD(
        channel.of([['in/a.h5', 'in/b.h5'], [file("${params.data}/proteins_a.fasta"), file("${params.data}/proteins_b.fasta")]]),
        [:],
        'worker',
    )
    show(['describe_shard.description': DESCRIBE_SHARD.out.description, 'describe_shard.report': DESCRIBE_SHARD.out.report])
}
