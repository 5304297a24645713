// Neighbours and two reports of workers become a page.

include { RENDER_REPORT } from '../../../modules/render_report/main.nf'
include { show } from './show.nf'

workflow TEST_RENDER_REPORT {
    RENDER_REPORT(
        file("${params.data}/queries.fasta"),
        [file("${params.data}/proteins_a.fasta"), file("${params.data}/proteins_b.fasta")],
        [],
        'https://example.org/{id}',
        'worker',
    )
    show(['render_report.report': RENDER_REPORT.out.report, 'render_report.outcome': RENDER_REPORT.out.outcome])
}
