// Neighbours get columns, and their targets become FASTA.

include { FETCH_COLUMNS } from '../../../modules/fetch_columns/main.nf'
include { show } from './show.nf'

workflow TEST_FETCH_COLUMNS {
    FETCH_COLUMNS(
        channel.of(file("${params.data}/queries.fasta")),
        [['bucket_00001', 'fingerprint']],
        'db',
        'description',
        true,
        'plain',
        false,
        'worker',
    )
    show([
        'fetch_columns.neighbours': FETCH_COLUMNS.out.neighbours,
        'fetch_columns.csv': FETCH_COLUMNS.out.csv,
        'fetch_columns.fasta': FETCH_COLUMNS.out.fasta,
        'fetch_columns.report': FETCH_COLUMNS.out.report,
    ])
}
