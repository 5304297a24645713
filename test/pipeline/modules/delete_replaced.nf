// Earlier versions of changed files are deleted.

include { DELETE_REPLACED } from '../../../modules/delete_replaced/main.nf'
include { show } from './show.nf'

workflow TEST_DELETE_REPLACED {
    DELETE_REPLACED(
        file("${params.data}/queries.fasta"),
        ['fingerprint'],
        [file("${params.data}/queries.fasta"), file(params.data)],
        [[0, '', 'in/a.fasta'], [1, '1.description', 'in/b.h5']],
        'db',
        'worker',
    )
    show(['delete_replaced.report': DELETE_REPLACED.out.report])
}
