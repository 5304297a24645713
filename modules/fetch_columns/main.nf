// Adds columns of the database to the neighbours, and writes their targets as FASTA.
process FETCH_COLUMNS {
    label 'merge'
    containerOptions { DatabaseUri.mount(database) }

    input:
    path neighbours, stageAs: 'merged/*'
    val entries // list of [bucket, fingerprint] of all buckets: a changed table runs this stage again
    val database
    val columns // names, with commas between; '' for none
    val fasta // whether to write the targets as FASTA
    val csv // plain, gzip, zstd or none
    val csv_safe // whether the CSV protects ids that a spreadsheet would read as formulas
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'neighbours.parquet', emit: neighbours
    path 'neighbours.csv*', optional: true, emit: csv
    path 'neighbours.fasta', optional: true, emit: fasta
    path 'fetch-columns.json', emit: report

    script:
    def asked = "${columns ? "--columns ${Shell.quote(columns)}" : ''} ${fasta ? '--fasta neighbours.fasta' : ''}"
    def table = csv == 'none' ? '' : "--csv neighbours.csv${[gzip: '.gz', zstd: '.zst'][csv] ?: ''}${csv_safe ? ' --csv-safe' : ''}"
    """
    export LANCEFLOW_WORKER=${worker}
    lanceflow fetch-columns --neighbours ${neighbours} --database ${Shell.quote(database)} ${asked} \\
        --output neighbours.parquet ${table} --json > fetch-columns.json
    """

    stub:
    """
    touch neighbours.parquet fetch-columns.json
    ${csv == 'none' ? '' : 'touch neighbours.csv'}
    ${fasta ? 'touch neighbours.fasta' : ''}
    """
}
