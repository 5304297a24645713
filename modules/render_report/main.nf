// A person's view of the run: the first neighbours, what each stage did and how long it took.
process RENDER_REPORT {
    input:
    path neighbours
    path reports, stageAs: 'reports/?/*'
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    path 'report.html', emit: report

    script:
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('reports.list', reports)}
    lanceflow render-report --neighbours ${neighbours} --reports-list reports.list --output report.html
    """

    stub:
    """
    touch report.html
    """
}
