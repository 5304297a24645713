// The database is evaluated.

include { EVALUATE } from '../../../modules/evaluate/main.nf'
include { show } from './show.nf'

workflow TEST_EVALUATE {
    EVALUATE([['bucket_00001', 'fingerprint']], 1000, 'db', [k: 10, stream: false], 'worker')
    show(['evaluate.evaluation': EVALUATE.out.evaluation, 'evaluate.page': EVALUATE.out.page, 'evaluate.report': EVALUATE.out.report])
}
