// Joins the neighbours of all parts of the queries, as one task would have written them.
process JOIN_NEIGHBOURS {
    label 'merge'

    input:
    path parts, stageAs: 'aligned/*' // in the order of their names
    val columns // names of further columns of the results, with commas between; '' for none
    val fasta // whether to write the targets as FASTA
    val csv // plain, gzip, zstd or none
    val csv_safe // whether the CSV protects ids that a spreadsheet would read as formulas
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'neighbours.parquet', emit: neighbours
    path 'neighbours.csv*', optional: true, emit: csv
    path 'neighbours.fasta', optional: true, emit: fasta
    path 'join-neighbours.json', emit: report

    script:
    def table = csv == 'none' ? '' : "--csv neighbours.csv${[gzip: '.gz', zstd: '.zst'][csv] ?: ''}${csv_safe ? ' --csv-safe' : ''}"
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('parts.list', parts)}
    lanceflow join-neighbours --input-list parts.list --columns ${columns ? Shell.quote(columns) : 'none'} \\
        --output neighbours.parquet ${table} ${fasta ? '--fasta neighbours.fasta' : ''} --json > join-neighbours.json
    """

    stub:
    """
    touch neighbours.parquet join-neighbours.json
    ${csv == 'none' ? '' : 'touch neighbours.csv'}
    ${fasta ? 'touch neighbours.fasta' : ''}
    """
}
