// Renders the run as an HTML page: first neighbours, recall, and the time and memory of each stage; and sums what each stage took.
process RENDER_REPORT {
    input:
    path neighbours // none without a search
    path reports, stageAs: 'reports/?/*'
    path run_plan // none without a plan
    val link_template // address of a neighbour with {id} for its id; '' for UniProt and NCBI alone
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'report.html', emit: report
    path 'outcome.json', emit: outcome

    script:
    def found = neighbours ? "--neighbours ${neighbours}" : ''
    def planned = run_plan ? "--run-plan ${run_plan}" : ''
    def links = link_template ? "--link-template ${Shell.quote(link_template)}" : ''
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('reports.list', reports)}
    lanceflow render-report ${found} --reports-list reports.list ${planned} \\
        ${links} --output report.html --outcome outcome.json
    """

    stub:
    """
    touch report.html outcome.json
    """
}
