// A person's view of the run: the first neighbours, what each stage did and how long it took.
process RENDER_REPORT {
    input:
    path neighbours
    path reports, stageAs: 'reports/?/*'

    output:
    path 'report.html', emit: report

    script:
    """
    export LANCEFLOW_WORKER=${WorkerSources.hash(projectDir, 'render-report')}
    lanceflow render-report --neighbours ${neighbours} --reports ${reports} --output report.html
    """

    stub:
    """
    touch report.html
    """
}
