// Sizes of two files become a plan.

include { PLAN_RUN } from '../../../modules/plan_run/main.nf'
include { show } from './show.nf'

workflow TEST_PLAN_RUN {
    PLAN_RUN(
        '[{"path": "/in/a b.fasta", "kind": "fasta", "bytes": 100}]',
        '[]',
        [],
        [file("${params.data}/queries.fasta")],
        [file("${params.data}/proteins_a.fasta"), file("${params.data}/proteins_b.fasta")],
        [['bucket_00001', 'fingerprint']],
        's3://bucket/db',
        [k: 10, model: 'kmer', machine: null],
        'worker',
    )
    show(['plan_run.plan': PLAN_RUN.out.plan, 'plan_run.table': PLAN_RUN.out.table])
}
