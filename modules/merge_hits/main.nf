// Merges the hits of all buckets into the neighbours of each query.
process MERGE_HITS {
    label 'merge'

    input:
    path hits, stageAs: 'hits/*'
    path ground_truth, stageAs: 'truth/*' // exact hits of the evaluation sample; [] if the recall is not measured
    val k
    val csv // plain, gzip, zstd or none
    val csv_safe // whether the CSV protects ids that a spreadsheet would read as formulas
    val max_evalue // drops neighbours with a larger E-value; '' keeps all
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'neighbours.parquet', emit: neighbours
    path 'neighbours.csv*', optional: true, emit: csv
    path 'merge-hits.json', emit: report

    script:
    def table = csv == 'none' ? '' : "--csv neighbours.csv${[gzip: '.gz', zstd: '.zst'][csv] ?: ''}${csv_safe ? ' --csv-safe' : ''}"
    def significant = max_evalue == '' ? '' : "--max-evalue ${max_evalue}"
    def measured = ground_truth ? '--truth-list truth.list' : ''
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('hits.list', hits)}
    ${Shell.list('truth.list', ground_truth)}
    lanceflow merge-hits --input-list hits.list ${measured} ${significant} --k ${k} --threads ${task.cpus} \\
        --output neighbours.parquet ${table} --json > merge-hits.json
    """

    stub:
    """
    touch neighbours.parquet neighbours.csv merge-hits.json
    """
}
