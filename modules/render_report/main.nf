// Renders the run as an HTML page: first neighbours, recall, and the time and memory of each stage.
process RENDER_REPORT {
    input:
    path neighbours
    path reports, stageAs: 'reports/?/*'
    val link_template // address of a neighbour with {id} for its id; '' for UniProt and NCBI alone
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'report.html', emit: report

    script:
    def links = link_template ? "--link-template ${Shell.quote(link_template)}" : ''
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('reports.list', reports)}
    lanceflow render-report --neighbours ${neighbours} --reports-list reports.list \\
        ${links} --output report.html
    """

    stub:
    """
    touch report.html
    """
}
