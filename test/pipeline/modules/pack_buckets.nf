// A description and a folder of descriptions become a bucket plan.

include { PACK_BUCKETS } from '../../../modules/pack_buckets/main.nf'
include { show } from './show.nf'

workflow TEST_PACK_BUCKETS {
    PACK_BUCKETS(
        [file("${params.data}/queries.fasta"), file(params.data)],
        [[0, '', 'in/a.fasta'], [1, '1.description', 'in/b.h5']],
        [],
        'db',
        [bucket_size: 1000, check_ids: false],
        'worker',
    )
    show(['pack_buckets.plan': PACK_BUCKETS.out.plan, 'pack_buckets.report': PACK_BUCKETS.out.report])
}
