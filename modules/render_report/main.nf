// Renders the run as an HTML page: first neighbours, recall, and the time and memory of each stage.
process RENDER_REPORT {
    input:
    path neighbours
    path reports, stageAs: 'reports/?/*'
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'report.html', emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('reports.list', reports)}
    lanceflow render-report --neighbours ${neighbours} --reports-list reports.list \\
        --output report.html
    """

    stub:
    """
    touch report.html
    """
}
