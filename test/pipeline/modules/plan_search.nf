// One query set is divided into parts.

include { PLAN_SEARCH } from '../../../modules/plan_search/main.nf'
include { show } from './show.nf'

workflow TEST_PLAN_SEARCH {
    PLAN_SEARCH(
        [file("${params.data}/queries.fasta")],
        [['bucket_00001', 'fingerprint']],
        'db',
        [queries_per_task: 10, search: 'auto', nprobes: null],
        'worker',
    )
    show(['plan_search.parts': PLAN_SEARCH.out.parts, 'plan_search.report': PLAN_SEARCH.out.report])
}
