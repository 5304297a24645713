// Aligns each query with its first neighbours, and orders them.
process ALIGN_NEIGHBOURS {
    label 'align'
    containerOptions { DatabaseUri.mount(database) }

    input:
    path neighbours, stageAs: 'fetched/*' // with the column sequence
    path queries, stageAs: 'queries/?/*' // query sets with the dataset sequence
    val database
    val options // map: candidates, rank, k
    val columns // names of further columns of the results, with commas between; '' for none
    val fasta // whether to write the targets as FASTA
    val csv // plain, gzip, zstd or none
    val csv_safe // whether the CSV protects ids that a spreadsheet would read as formulas
    val worker // hash of the command's sources: -resume runs this stage again when they change

    output:
    path 'neighbours.parquet', emit: neighbours
    path 'neighbours.csv*', optional: true, emit: csv
    path 'neighbours.fasta', optional: true, emit: fasta
    path 'align-neighbours.json', emit: report

    script:
    def table = csv == 'none' ? '' : "--csv neighbours.csv${[gzip: '.gz', zstd: '.zst'][csv] ?: ''}${csv_safe ? ' --csv-safe' : ''}"
    """
    export LANCEFLOW_WORKER=${worker}
    ${Shell.list('queries.list', queries)}
    lanceflow align-neighbours --neighbours ${neighbours} --queries-list queries.list --database ${Shell.quote(database)} \\
        --candidates ${options.candidates} --rank ${options.rank} --k ${options.k} --columns ${columns ? Shell.quote(columns) : 'none'} \\
        --threads ${task.cpus} --output neighbours.parquet ${table} ${fasta ? '--fasta neighbours.fasta' : ''} --json > align-neighbours.json
    """

    stub:
    """
    touch neighbours.parquet align-neighbours.json
    ${csv == 'none' ? '' : 'touch neighbours.csv'}
    ${fasta ? 'touch neighbours.fasta' : ''}
    """
}
