// The hits of all buckets become each query's neighbours.
process MERGE_HITS {
    label 'merge'

    input:
    path hits, stageAs: 'hits/*'
    path truth, stageAs: 'truth/*' // [] where the recall is not measured
    val k
    val csv // plain, gzip, zstd or none
    val csv_safe // whether ids that a spreadsheet would compute become text in it
    val worker // hash of its sources: a changed worker runs this stage again

    output:
    path 'neighbours.parquet', emit: neighbours
    path 'neighbours.csv*', optional: true, emit: csv
    path 'merge-hits.json', emit: report

    script:
    def table = csv == 'none' ? '' : "--csv neighbours.csv${[gzip: '.gz', zstd: '.zst'][csv] ?: ''}${csv_safe ? ' --csv-safe' : ''}"
    def measured = truth ? '--truth-list truth.list' : ''
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('hits.list', hits)}
    ${Shell.list('truth.list', truth)}
    lanceflow merge-hits --input-list hits.list ${measured} --k ${k} --threads ${task.cpus} \\
        --output neighbours.parquet ${table} --json > merge-hits.json
    """

    stub:
    """
    touch neighbours.parquet neighbours.csv merge-hits.json
    """
}
